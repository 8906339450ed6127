"""How today's AWS words what it finds wrong with a request before it looks at the table: operation by operation.

AWS moves its operations to a newer validation layer, one by one and region by region. What is checked is the same, so the
checks raise the older words, and here they become those of the operation's layer:

    enveloped   the message has "1 validation error detected: " before it
    named       an error of an expression's value says which: "ExpressionAttributeValues contains invalid value: ... for key :v"

Source: answers of AWS that clients recorded from June to October 2026 (the changelog of dynoxide 1.3 to 1.5 tells them), those of
most regions, us-east-1 among them. Transactions, BatchWriteItem and PartiQL are on the older layer.
"""

from __future__ import annotations

from tabletop.base.errors import ApiError
from tabletop.dynamodb import numbers, values

_ENVELOPE = "1 validation error detected: "
ENVELOPED = frozenset(("PutItem", "UpdateItem", "DeleteItem"))
"""Operations whose errors of preparation have the envelope, but for what ``_BARE`` and the tables say."""
_NEWER = ENVELOPED | {"GetItem", "BatchGetItem", "Query", "Scan"}
_TRANSACTIONS = frozenset(("TransactWriteItems",))

_BARE = (
    "Item size ",
    "One or more parameter values were invalid: ADD action is not",
    "One or more parameter values were invalid: DELETE action with",
    "One or more parameter values were invalid: Only DELETE action",
)
"""How the errors begin that never have the envelope."""
_ENVELOPED_OF_READS = (
    "Must specify the AttributesToGet or ProjectionExpression",
    "Cannot specify the ",
    "ALL_PROJECTED_ATTRIBUTES can be used only",
)
"""How the errors of Query and Scan begin that have it: those of Select."""
_VALUES_ALONE = "ExpressionAttributeValues can only be specified when using expressions"

_KINDS = (
    ("empty", (values.EMPTY_VALUE,)),
    ("several", (values.SEVERAL_TYPES,)),
    ("null", (values.NULL_FALSE,)),
    ("number", (numbers.NOT_NUMERIC, numbers.OVERFLOW, numbers.UNDERFLOW, numbers.TOO_MANY_DIGITS)),
    ("empty set", values.EMPTY_SETS),
    ("empty name", (values.EMPTY_NAME,)),
    ("depth", (values.TOO_DEEP,)),
)
"""What is wrong with a value -> how the message begins. Duplicates bring their words along."""

_NAMED: dict[str, frozenset[str]] = {
    "PutItem": frozenset(("empty set",)),
    "UpdateItem": frozenset(("several", "empty set")),
    "DeleteItem": frozenset(("empty", "several", "empty set")),
    "Query": frozenset(("empty", "empty set")),
    "Scan": frozenset(("empty set",)),
    "TransactWriteItems": frozenset(("number", "empty set", "duplicates", "empty name", "depth")),
}
"""Operation -> the errors of an expression's values that say which value it is."""
_NEVER_ENVELOPED = frozenset(("empty", "several"))
_BARE_EMPTY_SETS = frozenset(("UpdateItem", "DeleteItem"))
"""Operations that tell of an empty set without the envelope, unless it is an expression's value."""


def worded(operation: str, error: ApiError) -> ApiError:
    """The error that preparing a request of the operation raised, in the words of the operation's validation layer."""
    message = error.message
    if error.code != "ValidationException" or message is None or operation not in _NEWER | _TRANSACTIONS:
        return error
    refused = error.__cause__ if isinstance(error.__cause__, ApiError) else error
    kind = _kind(refused)
    if kind is None:
        return _worded_request(operation, error, message)
    inside = refused is not error
    named = inside and kind in _NAMED.get(operation, ())
    if not named:
        message = _today(refused) if operation in _NEWER else refused.message
    if (
        operation not in ENVELOPED
        or kind in _NEVER_ENVELOPED
        or (kind == "empty set" and not inside and operation in _BARE_EMPTY_SETS)
    ):
        return ApiError(error.code, message)
    return ApiError(error.code, f"{_ENVELOPE}{message}")


def _worded_request(operation: str, error: ApiError, message: str) -> ApiError:
    """An error that is not one of a value's."""
    if operation in ENVELOPED and message.startswith(_VALUES_ALONE):
        message = _VALUES_ALONE
    of_reads = operation in ("Query", "Scan") and message.startswith(_ENVELOPED_OF_READS)
    if of_reads or (operation in ENVELOPED and not message.startswith(_BARE)):
        message = _ENVELOPE + message
    return error if message == error.message else ApiError(error.code, message)


def bare_start_key(error: ApiError) -> bool:
    """Whether a Query tells the error of a value in ExclusiveStartKey without saying that it was found there."""
    return _kind(error) not in (None, "empty", "several")


def _kind(error: ApiError) -> str | None:
    if isinstance(error, values.DuplicateMembers):
        return "duplicates"
    message = error.message or ""
    return next((kind for kind, beginnings in _KINDS if message.startswith(beginnings)), None)


def _today(error: ApiError) -> str | None:
    if isinstance(error, values.DuplicateMembers):
        return error.today
    # The older layer leaves the colon out where there is nothing to show.
    return f"{error.message}: " if error.message == numbers.NOT_NUMERIC else error.message
