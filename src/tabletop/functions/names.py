"""What a function may be called by: name, partial ARN, full ARN, each with or without a qualifier."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabletop.base.call import Call
from tabletop.base.errors import ApiError

LATEST = "$LATEST"

_REFERENCE = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:|(?P<partial>\d{12}):function:|function:)?"
    r"(?P<name>[a-zA-Z0-9_-]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A function that a request names. ``qualifier`` is "" where the request has none."""

    account: str
    region: str
    name: str
    qualifier: str

    @property
    def arn(self) -> str:
        """As the request means it: with the qualifier where there is one."""
        return function_arn(self.account, self.region, self.name, self.qualifier)

    @property
    def version(self) -> str:
        return self.qualifier or LATEST

    def with_qualifier(self, qualifier: str) -> Reference:
        return Reference(self.account, self.region, self.name, qualifier)


def is_version(qualifier: str) -> bool:
    """True for $LATEST and numbers; every other qualifier is an alias's name."""
    return qualifier == LATEST or (qualifier.isascii() and qualifier.isdigit())


def function_arn(account: str, region: str, name: str, qualifier: str = "") -> str:
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn


def parse(call: Call, text: str, qualifier: str | None = None) -> Reference:
    """Raises ApiError for what is no function name, and for a qualifier that contradicts the one in the name."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise ApiError(
            "ValidationException",
            f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: "
            r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
            r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?",
        )
    named = match["qualifier"] or ""
    if qualifier and named and qualifier != named:
        raise ApiError(
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    if len(match["name"]) > 64:
        raise ApiError(
            "ValidationException",
            f"1 validation error detected: Value '{match['name']}' at 'functionName' failed to satisfy constraint: "
            "Member must have length less than or equal to 64",
        )
    region = match["region"] or call.region
    if region != call.region:
        raise ApiError(
            "ResourceNotFoundException",
            f"Functions from '{region}' are not reachable in this region ('{call.region}')",
            status=404,
        )
    account = match["account"] or match["partial"] or call.account
    if account != call.account:
        raise ApiError(
            "AccessDeniedException",
            f"User: {call.principal.arn} is not authorized to access this resource: functions of other accounts "
            "are not available in Tabletop yet",
            status=403,
        )
    return Reference(account, region, match["name"], qualifier or named)


def owner(call: Call, text: str) -> str:
    """The account that a function's name tells, or the call's where it tells none; ``parse`` judges the rest of it."""
    match = _REFERENCE.fullmatch(text)
    return call.account if match is None else match["account"] or match["partial"] or call.account


def parse_unqualified(call: Call, text: str) -> Reference:
    """For what concerns the function as a whole. Raises ApiError where the name has a qualifier (words recalled)."""
    reference = parse(call, text)
    if reference.qualifier:
        raise ApiError(
            "InvalidParameterValueException",
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
            "Please specify either a function name or an unqualified function ARN.",
        )
    return reference


def gone(message: str) -> ApiError:
    """ResourceNotFoundException in other words than the usual ones."""
    return ApiError("ResourceNotFoundException", message, status=404)


def not_found(arn: str) -> ApiError:
    return ApiError("ResourceNotFoundException", f"Function not found: {arn}", status=404)
