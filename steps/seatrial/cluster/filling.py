"""The values of one instance: everything that its descriptor may ask for, made when it is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.adapters.implementation import Implementation
from seatrial.adapters.values import MACHINE, VALUES, fill, outside
from seatrial.backends.interface import Host, Program
from seatrial.cluster.identities import Identities
from seatrial.cluster.layout import Placement
from seatrial.model.errors import UsageError
from seatrial.wire.pki import FRONT_PROXY, Pair

ETCD_PORT = 2379
API_PORT = 6443


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all instances of a cluster share."""

    implementation: Implementation
    identities: Identities
    directory: Path
    stores: tuple[str, ...]  # addresses
    servers: tuple[str, ...]  # addresses of the hosts of API servers
    tokens: Path
    hooks: Mapping[str, Path]  # kubeconfigs of the webhooks
    settings: Mapping[str, str]  # --set NAME=VALUE


class Filling:
    """Looks up `${name}` for one instance. Raises UsageError for what this instance has none of."""

    def __init__(self, *, placement: Placement, host: Host, around: Surroundings) -> None:
        self._placement = placement
        self._host = host
        self._around = around
        self._outside = outside(folder=placement.component.folder, settings=around.settings, defaults=around.implementation.settings)

    def program(self) -> Program:
        """The program that the descriptor describes."""
        component = self._placement.component
        return Program(
            python=component.python,
            command=self.command(component.command),
            args=[fill(a, self) for a in component.args],
            path=component.path,
            private=component.private,
        )

    def command(self, words: Sequence[str], **more: str) -> list[str]:
        """A command line, with values besides ours."""
        filled = [fill(w, lambda name: more[name] if name in more else self(name)) for w in words]
        return [*(self._executable(w) for w in filled[:1]), *filled[1:]]

    def text(self, template: str) -> str:
        """The template with its values. Raises UsageError for one that there is not."""
        return fill(template, self)

    def path(self, template: str) -> Path:
        """A file's, from the descriptor's folder."""
        return self._placement.component.folder / self.text(template)

    def _executable(self, name: str) -> str:
        """A relative path with a slash is one from the descriptor's folder; a bare name is looked up in PATH."""
        return str(self._placement.component.folder / name) if "/" in name else name

    def __call__(self, name: str) -> str:
        if name.startswith("set."):
            return self._setting(name.removeprefix("set."))
        if name.startswith("file."):
            return str(self._file(name.removeprefix("file.")))
        if name.startswith("limits."):
            return f"{getattr(self._placement.component.limits, name.removeprefix('limits.')):g}"
        if name in MACHINE:
            return self._outside(name)
        maker = getattr(self, "_" + name.replace(".", "_").replace("-", "_"), None)
        if name not in VALUES or maker is None:
            raise UsageError(f"{self._where()}: there is no value ${{{name}}}.")
        return str(maker())

    def _where(self) -> str:
        return f"{self._around.implementation.file}: component {self._placement.component.name}"

    def _setting(self, name: str) -> str:
        try:
            return self._outside(f"set.{name}")
        except KeyError:
            raise UsageError(f"{self._where()} asks for ${{set.{name}}}; give it with --set {name}=VALUE.") from None

    def _file(self, name: str) -> Path:
        """The component's file of that name, written anew for this instance."""
        templates = self._placement.component.files
        if name not in templates:
            raise UsageError(f"{self._where()} asks for ${{file.{name}}}; its files are: {', '.join(sorted(templates)) or 'none'}.")
        folder = self._around.directory / f"{self._placement.name}-files"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(self.text(templates[name]), "utf-8")
        return folder / name

    def _data(self) -> Path:
        path = self._around.directory / f"{self._placement.name}-data"
        path.mkdir(exist_ok=True)
        return path

    def _host_name(self) -> str:
        return self._host.name

    def _host_address(self) -> str:
        return self._host.address

    def _node(self) -> str:
        if self._placement.node is None:
            raise UsageError(f"{self._where()}: ${{node}} is a value of kubelets only.")
        return self._placement.node

    def _cri(self) -> Path:
        return cri_socket(self._around.directory, self._node())

    def _store(self) -> str:
        return ",".join(f"http://{a}:{ETCD_PORT}" for a in self._around.stores)

    def _listen_etcd(self) -> str:
        return f"{self._host.address}:{ETCD_PORT}"

    def _listen_apiserver(self) -> str:
        return f"{self._listen_apiserver_host()}:{API_PORT}"

    def _listen_apiserver_host(self) -> str:
        """Behind the tap the API server listens on its host's loopback; without one on the host's address."""
        return "127.0.0.1" if self._around.implementation.requests == "tap" else self._host.address

    def _listen_apiserver_port(self) -> int:
        return API_PORT

    def _advertise_apiserver(self) -> str:
        return self._host.address

    def _url_apiserver(self) -> str:
        if self._placement.has("apiserver"):
            return f"https://{self._host.address}:{API_PORT}"
        return f"https://{self._around.servers[self._placement.index % len(self._around.servers)]}:{API_PORT}"

    def _url_apiserver_direct(self) -> str:
        return f"https://{self._listen_apiserver()}"

    def _tls_cert(self) -> Path:
        return self._serving().cert

    def _tls_key(self) -> Path:
        return self._serving().key

    def _serving(self) -> Pair:
        return self._around.identities.pki.serving(self._host.name, names=serving_names(self._host))

    def _ca(self) -> Path:
        return self._around.identities.pki.ca

    def _front_proxy_ca(self) -> Path:
        return self._around.identities.pki.front_proxy_ca

    def _front_proxy_name(self) -> str:
        return FRONT_PROXY

    def _tokens(self) -> Path:
        return self._around.tokens

    def _token(self) -> str:
        return self._around.identities.of_role(self._placement.roles[0], self._placement.node).token

    def _kubeconfig(self) -> Path:
        return self._kubeconfig_of(self._placement.roles[0])

    def _kubeconfig_scheduler(self) -> Path:
        return self._kubeconfig_of("scheduler")

    def _kubeconfig_controller_manager(self) -> Path:
        return self._kubeconfig_of("controller-manager")

    def _kubeconfig_admin(self) -> Path:
        around = self._around
        return around.identities.kubeconfig(around.identities.admin, server=self._url_apiserver(), name=f"{self._placement.name}-admin")

    def _kubeconfig_of(self, role: str) -> Path:
        identity = self._around.identities.of_role(role, self._placement.node)
        return self._around.identities.kubeconfig(identity, server=self._url_apiserver(), name=f"{self._placement.name}-{role}")

    def _hooks_authentication(self) -> Path:
        return self._hook("authentication")

    def _hooks_authorization(self) -> Path:
        return self._hook("authorization")

    def _hook(self, stage: str) -> Path:
        if stage not in self._around.hooks:
            raise UsageError(f"{self._where()}: asks for ${{hooks.{stage}}}, and the descriptor says `hooks: {stage}: none`.")
        return self._around.hooks[stage]


def cri_socket(directory: Path, node: str) -> Path:
    """Where the runtime of a node listens."""
    return directory / f"{node}.cri"


def serving_names(host: Host) -> list[str]:
    """What a serving certificate of the host is good for: tap and API server share it."""
    return [host.address, "127.0.0.1", "localhost", host.name, "kubernetes", "kubernetes.default.svc"]
