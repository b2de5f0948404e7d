"""Who asks? Authenticators are tried in turn until one knows the sender; the others are not asked (REQ-03 to REQ-07).

The order: front-proxy headers, client certificate, static tokens, tokens of service accounts, the token webhook. An authenticator that
finds no credential of its kind has no opinion; one that finds a bad one remembers it. If nobody knows the sender, bad credentials mean
401, and only a sender who presented none is anonymous.
"""

import csv
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.request import User
from seatrial_reference.apiserver.webhooks import CallFailed, Webhooks
from seatrial_reference.machinery.kubeconfig import Access

ANONYMOUS = User(name="system:anonymous", groups=("system:unauthenticated",))
AUTHENTICATED = "system:authenticated"
Certificate = Mapping[str, Any]


class Bad(Exception):
    """A credential was presented, and it does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request presents. The certificate is one that TLS has verified."""

    headers: Mapping[str, Sequence[str]]  # lower case
    certificate: Certificate | None

    def header(self, name: str) -> str:
        return next(iter(self.headers.get(name, ())), "")

    @property
    def bearer(self) -> str:
        scheme, _, token = self.header("authorization").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


Authenticator = Callable[[Credentials], Awaitable[User | None]]


def _attributes(name: Sequence[Sequence[tuple[str, str]]], wanted: str) -> list[str]:
    return [value for parts in name for key, value in parts if key == wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontProxy:
    """Believe the X-Remote headers of a proxy that shows a certificate of its own authority."""

    issuer: object
    names: Sequence[str]

    async def __call__(self, shown: Credentials) -> User | None:
        certificate = shown.certificate
        if certificate is None or certificate.get("issuer") != self.issuer:
            return None
        if self.names and not set(_attributes(certificate["subject"], "commonName")) & set(self.names):
            raise Bad("the proxy's name is not allowed")
        name = shown.header("x-remote-user")
        if not name:
            return None
        prefix = "x-remote-extra-"
        extra = {unquote(key[len(prefix) :]): tuple(values) for key, values in shown.headers.items() if key.startswith(prefix)}
        return User(name=name, uid=shown.header("x-remote-uid"), groups=tuple(shown.headers.get("x-remote-group", ())), extra=extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """The common name is the user, the organizations are the groups."""

    issuer: object

    async def __call__(self, shown: Credentials) -> User | None:
        if shown.certificate is None:
            return None
        if shown.certificate.get("issuer") != self.issuer:
            raise Bad("certificate signed by unknown authority")
        names = _attributes(shown.certificate["subject"], "commonName")
        if not names:
            raise Bad("certificate without a common name")
        return User(name=names[0], groups=tuple(_attributes(shown.certificate["subject"], "organizationName")))


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFile:
    """Tokens that are known from a file."""

    users: Mapping[str, User]

    async def __call__(self, shown: Credentials) -> User | None:
        return self.users.get(shown.bearer) if shown.bearer else None


def read_tokens(path: Path) -> Mapping[str, User]:
    """Lines of `token,user,uid,"group1,group2"`."""
    users = {}
    with path.open(newline="") as file:
        for row in csv.reader(file):
            if row:
                groups = tuple(group for group in (row[3].split(",") if len(row) > 3 else ()) if group)
                users[row[0]] = User(name=row[1], uid=row[2], groups=groups)
    return users


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWebhook:
    """Somebody else knows the token."""

    webhooks: Webhooks
    access: Access

    async def __call__(self, shown: Credentials) -> User | None:
        if not shown.bearer:
            return None
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {}, "spec": {"token": shown.bearer}}
        try:
            answer = (await self.webhooks.review(self.access, review)).get("status") or {}
        except CallFailed as error:
            raise Bad(str(error)) from error
        if answer.get("authenticated") is not True:
            return None
        user = answer.get("user") or {}
        extra = {key: tuple(values) for key, values in (user.get("extra") or {}).items()}
        return User(name=user.get("username", ""), uid=user.get("uid", ""), groups=tuple(user.get("groups") or ()), extra=extra)


async def identify(authenticators: Sequence[Authenticator], shown: Credentials) -> User:
    """The user. Raises 401 where a credential was presented and nobody could confirm one."""
    refused = bool(shown.header("authorization"))
    for authenticator in authenticators:
        try:
            user = await authenticator(shown)
        except Bad:
            refused = True
            continue
        if user is not None and user.name:
            return user if AUTHENTICATED in user.groups else replace(user, groups=(*user.groups, AUTHENTICATED))
    if refused:
        raise status.unauthorized()
    return ANONYMOUS
