"""How the API says no: a `Status` object with a code, a reason for machines and a message for people.

`Failure` is what every stage raises to refuse; whoever raises it has changed nothing. Reasons and messages are those of Kubernetes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from seatrial_schemas.kinds import Kind

Json = dict[str, Any]


class Failure(Exception):
    """The request is refused with `code`."""

    def __init__(self, code: int, reason: str, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> Json:
        body: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message}
        body |= {"reason": self.reason} if self.reason else {}
        body |= {"details": dict(self.details)} if self.details else {}
        return body | {"code": self.code}


def success(details: Mapping[str, Any], *, code: int = 200) -> Json:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": dict(details), "code": code}


def resource(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def about(kind: Kind, name: str) -> Json:
    return {"name": name, "group": kind.group, "kind": kind.plural}


def bad_request(message: str) -> Failure:
    return Failure(400, "BadRequest", message)


def unauthorized() -> Failure:
    return Failure(401, "Unauthorized", "Unauthorized")


def forbidden(kind: Kind, name: str, message: str) -> Failure:
    subject = f'{resource(kind)} "{name}"' if name else resource(kind)
    return Failure(403, "Forbidden", f"{subject} is forbidden: {message}", details=about(kind, name))


def not_found(kind: Kind, name: str) -> Failure:
    return Failure(404, "NotFound", f'{resource(kind)} "{name}" not found', details=about(kind, name))


def no_such_path() -> Failure:
    return Failure(404, "NotFound", "the server could not find the requested resource", details={})


def method_not_allowed() -> Failure:
    return Failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", details={})


def already_exists(kind: Kind, name: str, *, deleting: bool = False) -> Failure:
    message = f'{resource(kind)} "{name}" already exists'
    if deleting:
        message = f"object is being deleted: {message}"
    return Failure(409, "AlreadyExists", message, details=about(kind, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(kind: Kind, name: str, message: str = MODIFIED) -> Failure:
    text = f'Operation cannot be fulfilled on {resource(kind)} "{name}": {message}'
    return Failure(409, "Conflict", text, details=about(kind, name))


def expired(message: str) -> Failure:
    return Failure(410, "Expired", message)


def invalid(kind: Kind, name: str, causes: Sequence[tuple[str, str]]) -> Failure:
    """`causes` are (field, message)."""
    said = [f"{field}: {message}" for field, message in causes]
    text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    listed = [{"reason": "FieldValueInvalid", "message": message, "field": field} for field, message in causes]
    details = {"name": name, "group": kind.group, "kind": kind.kind, "causes": listed}
    return Failure(422, "Invalid", f'{kind.kind}.{kind.group} "{name}" is invalid: {text}'.replace(". ", " ", 1), details=details)


def unsupported(media: str, accepted: Sequence[str]) -> Failure:
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}; got {media!r}"
    return Failure(415, "UnsupportedMediaType", message)


def too_large_revision(wanted: int, current: int) -> Failure:
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {wanted}, current: {current}"
    return Failure(504, "Timeout", message, details={"causes": causes, "retryAfterSeconds": 1})


def timeout() -> Failure:
    return Failure(504, "Timeout", "Timeout: request did not complete within the allotted time", details={})


def internal(message: str) -> Failure:
    return Failure(500, "InternalError", f"Internal error occurred: {message}", details={"causes": [{"message": message}]})


def unavailable(message: str) -> Failure:
    return Failure(503, "ServiceUnavailable", message, details={"retryAfterSeconds": 1})
