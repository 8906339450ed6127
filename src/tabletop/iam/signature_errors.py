"""How each service words a refused signature: the one table of error names, statuses and texts.

Sources: the services' "Common errors" pages and observed answers. A service that is not named is of the JSON family.
"""

from __future__ import annotations

from dataclasses import dataclass

from tabletop.base.errors import ApiError
from tabletop.iam.signatures import Fault, SignatureFault

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_UNKNOWN = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_MISSING = "Request is missing Authentication Token"
_BODY_HASH = "The provided 'x-amz-content-sha256' header does not match what was computed."
_INCOMPLETE = "The request signature does not conform to AWS standards."


@dataclass(frozen=True, slots=True)
class Family:
    """``errors``: fault -> (error name, HTTP status, usual text). ``skew_s``: how far a client's clock may be off."""

    errors: dict[Fault, tuple[str, int, str]]
    skew_s: int


def _named(suffix: str, unknown: str, mismatch: str, *, incomplete: int, status: int, skew_s: int) -> Family:
    return Family(
        {
            Fault.MISSING: ("MissingAuthenticationToken" + suffix, status, _MISSING),
            Fault.INCOMPLETE: ("IncompleteSignature" + suffix, incomplete, _INCOMPLETE),
            Fault.UNKNOWN_KEY: (unknown, status, _UNKNOWN),
            Fault.MISMATCH: (mismatch, status, _MISMATCH),
            Fault.SKEW: (mismatch, status, _MISMATCH),
            Fault.EXPIRED_TOKEN: ("ExpiredToken" + suffix, status, _EXPIRED),
            Fault.BODY_HASH: ("XAmzContentSHA256Mismatch", 400, _BODY_HASH),
        },
        skew_s,
    )


_JSON = _named(
    "Exception",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    incomplete=400,
    status=400,
    skew_s=15 * 60,
)
_REST_JSON = _named(
    "Exception",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    incomplete=400,
    status=403,
    skew_s=5 * 60,
)
_QUERY = _named(
    "",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    incomplete=400,
    status=403,
    skew_s=15 * 60,
)

FAMILIES: dict[str, Family] = {"lambda": _REST_JSON, "iam": _QUERY, "sts": _QUERY, "cloudwatch": _QUERY, "sqs": _JSON}
# Services whose signing name is not the name of their model.
_SIGNING_NAMES = {"dynamodbstreams": "dynamodb", "cloudwatch": "monitoring"}


def signing_name(service: str) -> str:
    return _SIGNING_NAMES.get(service, service)


def family(service: str) -> Family:
    return FAMILIES.get(service, _JSON)


def signature_error(service: str, fault: SignatureFault) -> ApiError:
    """The error that the service answers for this fault."""
    code, status, text = family(service).errors[fault.fault]
    return ApiError(code, fault.message or text, status=status)
