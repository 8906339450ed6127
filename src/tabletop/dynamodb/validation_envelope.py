"""The words "1 validation error detected: " that PutItem and UpdateItem put before most of their own validation errors.

AWS has done so since the middle of 2026. Recorded since then: errors of expressions, of legacy parameters and of sets have them;
what is found when the table or the item is read has not. Of the errors listed here nothing was recorded: they are
left as they were (inferred).
"""

from __future__ import annotations

from tabletop.base.errors import ApiError
from tabletop.dynamodb import numbers, values

_ENVELOPE = "1 validation error detected: "
_INVALID_PARAMETERS = "One or more parameter values were invalid: "

_BARE = (
    "Return values set to invalid value",
    "Item size ",
    values.EMPTY_VALUE,
    values.SEVERAL_TYPES,
    values.TOO_DEEP,
    numbers.NOT_NUMERIC,
    numbers.OVERFLOW,
    numbers.UNDERFLOW,
    numbers.TOO_MANY_DIGITS,
)
"""How the errors begin that have no envelope."""


def enveloped(error: ApiError) -> ApiError:
    """The error of PutItem's or UpdateItem's preparation as AWS words it today."""
    message = error.message or ""
    if error.code != "ValidationException" or message.startswith(_BARE):
        return error
    cause = error.__cause__
    if isinstance(cause, ApiError) and cause.message is not None and cause.message.startswith(_INVALID_PARAMETERS):
        # A set in ExpressionAttributeValues: today it is not said which value it is (recorded).
        message = cause.message
    return ApiError(error.code, _ENVELOPE + message)
