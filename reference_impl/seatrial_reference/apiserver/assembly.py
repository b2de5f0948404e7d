"""From flags to a serving API server: which authenticators and authorizers take part, and in which order they are asked."""

import argparse
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

from seatrial_reference.apiserver import authentication, authorization
from seatrial_reference.apiserver.admission import Admission
from seatrial_reference.apiserver.audit import AuditLog
from seatrial_reference.apiserver.authentication import Authenticator
from seatrial_reference.apiserver.authorization import Authorizer
from seatrial_reference.apiserver.cache import Caches
from seatrial_reference.apiserver.core import Parts
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Etcd, Store
from seatrial_reference.apiserver.tokens import Accounts
from seatrial_reference.apiserver.webhooks import Webhooks
from seatrial_reference.machinery.flags import duration
from seatrial_reference.machinery.kubeconfig import load
from seatrial_reference.machinery.serving import subject_of
from seatrial_schemas.context import Context


def parser() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(prog="apiserver", allow_abbrev=False)
    flags.add_argument("--etcd-servers", required=True, type=lambda text: text.split(","))
    flags.add_argument("--bind-address", default="127.0.0.1")
    flags.add_argument("--secure-port", type=int, default=6443)
    flags.add_argument("--advertise-address")
    flags.add_argument("--request-timeout", type=duration, default=60.0)
    flags.add_argument("--authorization-mode", default="RBAC")
    flags.add_argument("--requestheader-allowed-names", type=lambda text: tuple(filter(None, text.split(","))), default=())
    flags.add_argument("--audit-log-path", type=Path)
    flags.add_argument("--service-account-issuer", default="https://kubernetes.default.svc")
    flags.add_argument("--service-account-signing-key-file", type=Path)
    flags.add_argument("--service-account-key-file", help="accepted; who signs can verify")
    flags.add_argument("--api-audiences", type=lambda text: text.split(","))
    for path in ("tls-cert-file", "tls-private-key-file", "client-ca-file", "requestheader-client-ca-file", "token-auth-file"):
        flags.add_argument(f"--{path}", type=Path)
    for kind in ("authentication-token", "authorization"):
        flags.add_argument(f"--{kind}-webhook-config-file", type=Path)
    for accepted in ("service-cluster-ip-range", "storage-media-type", "storage-backend", "anonymous-auth", "enable-admission-plugins"):
        flags.add_argument(f"--{accepted}", help="accepted; there is no choice here")
    return flags


async def main(args: Sequence[str], context: Context, *, part: type[ApiServer] = ApiServer) -> None:
    """Serve until cancelled."""
    flags = parser().parse_args(args)
    webhooks = Webhooks(context)
    client = Etcd(urls=flags.etcd_servers, timeout_s=flags.request_timeout)
    try:
        server = part(
            _parts(flags, context, webhooks, client), address=f"{flags.advertise_address or flags.bind_address}:{flags.secure_port}"
        )
        await server.run(host=flags.bind_address, port=flags.secure_port, tls=_tls(flags, context))
    finally:
        client.close()
        await webhooks.close()


def _parts(flags: argparse.Namespace, context: Context, webhooks: Webhooks, client: Etcd) -> Parts:
    store = Store(client)
    caches = Caches(store, context=context)
    accounts = _accounts(flags, context, store)
    return Parts(
        context=context,
        audit=AuditLog(context, flags.audit_log_path),
        store=store,
        caches=caches,
        admission=Admission(caches=caches, webhooks=webhooks, context=context),
        authenticators=tuple(_authenticators(flags, context, webhooks, accounts)),
        authorizers=tuple(_authorizers(flags, context, webhooks, caches)),
        accounts=accounts,
    )


def _accounts(flags: argparse.Namespace, context: Context, store: Store) -> Accounts | None:
    """None where there is nothing to sign with: then there are no tokens of service accounts."""
    if not flags.service_account_signing_key_file:
        return None
    issuer = flags.service_account_issuer
    audiences, secret = flags.api_audiences or [issuer], flags.service_account_signing_key_file
    return Accounts(secret=secret, issuer=issuer, audiences=audiences, store=store, context=context)


def _authenticators(flags: argparse.Namespace, context: Context, webhooks: Webhooks, accounts: Accounts | None) -> list[Authenticator]:
    """In the order in which they are asked."""
    chain: list[Authenticator] = []
    if flags.requestheader_client_ca_file:
        issuer = subject_of(flags.requestheader_client_ca_file)
        chain.append(authentication.FrontProxy(issuer=issuer, names=flags.requestheader_allowed_names))
    if flags.client_ca_file:
        chain.append(authentication.ClientCertificate(issuer=subject_of(flags.client_ca_file)))
    if flags.token_auth_file:
        chain.append(authentication.TokenFile(users=authentication.read_tokens(flags.token_auth_file)))
    chain += [accounts] if accounts else []
    if flags.authentication_token_webhook_config_file:
        access = load(flags.authentication_token_webhook_config_file, context)
        chain.append(authentication.TokenWebhook(webhooks=webhooks, access=access))
    return chain


def _authorizers(flags: argparse.Namespace, context: Context, webhooks: Webhooks, caches: Caches) -> list[Authorizer]:
    chain: list[Authorizer] = []
    for mode in flags.authorization_mode.split(","):
        if mode == "RBAC":
            chain.append(authorization.Rbac(caches=caches))
        elif mode == "Webhook":
            access = load(flags.authorization_webhook_config_file, context)
            chain.append(authorization.AuthorizationWebhook(webhooks=webhooks, access=access))
        elif mode == "AlwaysAllow":
            chain.append(authorization.always_allow)
        elif mode != "Node":  # nodes have their rights from the bootstrap policy
            raise ValueError(f"unknown authorization mode {mode!r}")
    return chain


def _tls(flags: argparse.Namespace, context: Context) -> ssl.SSLContext | None:
    """Ask for certificates of both authorities: those of clients and that of front proxies."""
    authorities = [path for path in (flags.client_ca_file, flags.requestheader_client_ca_file) if path]
    if not flags.tls_cert_file:
        return None
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "ca"
        bundle.write_bytes(b"\n".join(path.read_bytes() for path in authorities))
        ca = bundle if authorities else None
        return context.tls(server=True, ca=ca, cert=flags.tls_cert_file, key=flags.tls_private_key_file)
