"""The calls to the kernel that Python 3.11 lacks, and the way in for users who are not root.

A namespace has no name here: its owner is a file descriptor, so that the end of this process is the end of the namespace. A thread may
enter a network namespace for a moment; a socket belongs for ever to the one that it is born in. A user who is not root becomes root of a
user namespace of his own, in place and once, with a network of its own: without that, the way back from another network is refused.
"""

import contextlib
import ctypes
import functools
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seatrial.model.errors import NotReady

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
HOST_NAME_MAX = 64  # bytes of a host's name
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 1 << 18
CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN = 12, 13, 21

ADVICE = (
    "Either run as root (sudo), or allow unprivileged user namespaces: `sysctl user.max_user_namespaces=10000`, on Debian "
    "`sysctl kernel.unprivileged_userns_clone=1`, on Ubuntu `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, in a container "
    "`--privileged`. The simulation backend needs none of this."
)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *args: int | bytes | None) -> None:
    if getattr(_libc(), name)(*args):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    _call("unshare", flags)


def setns(fd: int, kind: int = NEWNET) -> None:
    _call("setns", fd, kind)


def current(kind: str = "net") -> int:
    """A descriptor of this thread's namespace."""
    return os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)


@contextlib.contextmanager
def inside(fd: int) -> Iterator[None]:
    """This thread's new sockets and children belong to that network namespace."""
    back = current()
    try:
        setns(fd)
        yield
    finally:
        setns(back)
        os.close(back)


@contextlib.contextmanager
def children_apart() -> Iterator[None]:
    """The next child is the init of a new PID namespace. Only where this process's own one belongs to its user namespace."""
    back = current("pid")
    try:
        unshare(NEWPID)
        yield
    finally:
        setns(back, NEWPID)
        os.close(back)


def sysctl(name: str, value: str, *, optional: bool = False) -> None:
    """Set it in this thread's network namespace."""
    with contextlib.suppress(*[FileNotFoundError] if optional else []):
        Path("/proc/sys/net", name).write_text(value, encoding="ascii")


def new_network() -> int:
    """A network namespace without IPv6, with nothing in it but its loopback, which is down."""
    back = current()
    try:
        unshare(NEWNET)
        for which in ("all", "default"):
            sysctl(f"ipv6/conf/{which}/disable_ipv6", "1", optional=True)
        return current()
    finally:
        setns(back)
        os.close(back)


class Machine:
    """The way back to the network that this process came from: for root only, for nobody returns from a user namespace."""

    def __init__(self) -> None:
        self._home = current() if sys.platform == "linux" else -1

    def socket(self, address: str, port: int) -> tuple[socket.socket, Any]:
        """A socket there, and what to connect it to. Raises NotReady, and OSError where the name means nothing."""
        try:
            with inside(self._home):
                family, kind, _, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
                return socket.socket(family, kind | socket.SOCK_NONBLOCK), where
        except PermissionError as refusal:
            why = f"a user namespace has no way back there ({refusal}): run as root (sudo)"
            raise NotReady(f"{address}:{port} lies on the machine's network, and {why}.") from None

    def close(self) -> None:
        os.close(self._home)


def mount(source: str, target: Path, kind: str | None, *, flags: int = 0, data: str | None = None) -> None:
    """mount(2), for this process's mount namespace. Raises OSError."""
    _call("mount", source.encode(), bytes(target), kind.encode() if kind else None, flags, data.encode() if data else None)


def leave_machine(*, hostname: str) -> None:
    """Own mounts, IPC and name for this process, without the machine's DNS, and with a /proc of its PID namespace where one is permitted.
    Programs tell themselves from others by the name of their host and their number there, which is the same on each of these hosts."""
    unshare(NEWNS | NEWIPC | NEWUTS)
    socket.sethostname(hostname[:HOST_NAME_MAX])
    mount("none", Path("/"), None, flags=MS_REC | MS_PRIVATE)
    # The machine's resolver is out of reach: without this, looking up one's own name takes ten seconds. Loopback refuses at once.
    with contextlib.suppress(FileNotFoundError):
        mount("/dev/null", Path("/etc/resolv.conf"), None, flags=MS_BIND)
    # Inside containers parts of /proc are hidden, and then a user namespace may not mount another: the outer one must do.
    with contextlib.suppress(PermissionError):
        mount("proc", Path("/proc"), "proc", flags=MS_NOSUID | MS_NODEV | MS_NOEXEC)


def prepare() -> None:
    """Make sure that this process may make namespaces; raises NotReady. Call it early: threads are in the way of a user namespace."""
    if sys.platform != "linux":
        raise NotReady(f"The processes backend needs the namespaces of Linux, this is {sys.platform}: use the simulation backend.")
    if _capable():
        _own_the_network()
        return
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        raise NotReady(
            f"To run processes without root, Seatrial enters a user namespace, and Linux permits that to single-threaded processes only; "
            f"this one has {threads} threads. Put `unshare --user --map-root-user --net` in front of the command. {ADVICE}"
        )
    try:
        _become_root_of_a_user_namespace()
    except OSError as refusal:
        raise NotReady(f"The kernel refuses the namespaces that the processes backend needs ({refusal}). {ADVICE}") from refusal


def _capable() -> bool:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    effective = int(status.partition("CapEff:")[2].split(maxsplit=1)[0], 16)
    return all(effective >> cap & 1 for cap in (CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN))


def _own_the_network() -> None:
    """Root of a user namespace who kept the machine's network could leave that one, but never come back."""
    back = current()
    try:
        setns(back)
    except PermissionError:
        unshare(NEWNET)
    finally:
        os.close(back)


def _become_root_of_a_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    unshare(NEWUSER | NEWNET)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")
