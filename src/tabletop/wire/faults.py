"""What an ``ApiError`` is on the wire, whatever the protocol: code, status, who is at fault, and its members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.wire.models import ServiceModel, Shape

DENIED_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Answered with status 403 by the query and rest protocols, and with 400 by the json ones."""

FAULT_STATUS = {
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InternalServiceException": 500,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
}
"""Errors that are ours, with a status that their model may not tell."""

DEFAULT_STATUS = 400


@dataclass(frozen=True, slots=True)
class Fault:
    """``code`` is the code on the wire, ``sender`` false where the service is at fault, ``message_key`` the message's
    name in the error's shape or None if the model does not say, ``members`` the further members that were given."""

    code: str
    status: int
    sender: bool
    message: str | None
    message_key: str | None
    shape: Shape | None
    members: dict[str, Any]


def fault_of(model: ServiceModel, error: ApiError) -> Fault:
    shape = model.error_shape(error.code)
    if shape is None:
        status = FAULT_STATUS.get(error.code, error.status) if error.status == DEFAULT_STATUS else error.status
        return Fault(error.code, status, status < 500, error.message, None, None, dict(error.fields))
    trait: dict[str, Any] = shape.metadata.get("error", {})
    status = error.status
    if status == DEFAULT_STATUS:
        status = trait.get("httpStatusCode", FAULT_STATUS.get(error.code, 500 if _at_fault(shape) else status))
    message_key = next((name for name in shape.members if name.lower() == "message"), None)
    members = {name: value for name, value in error.fields.items() if value is not None}
    return Fault(trait.get("code", shape.name), status, status < 500, error.message, message_key, shape, members)


def denied_status(fault: Fault) -> int:
    """The status in the query and rest protocols: refusals of the caller are 403 unless the error says otherwise."""
    return (
        403 if fault.status == DEFAULT_STATUS and fault.shape is None and fault.code in DENIED_CODES else fault.status
    )


def _at_fault(shape: Shape) -> bool:
    return bool(shape.metadata.get("fault"))
