"""What AWS says of the members of a GetItem, PutItem, UpdateItem, DeleteItem, Query or Scan: its newer validation layer.

The constraints are the model's (``constraint_rules`` finds what does not meet them, member by member). Here is what is told of
that, in which order and words: bounds of numbers and an empty name first and alone, then the rest together, then Select.

Source: answers of AWS that clients recorded from June to October 2026 (the changelog of dynoxide 1.3 to 1.5 tells them), those of
most regions, us-east-1 among them.
"""

from __future__ import annotations

import math
import re
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb import constraint_words as words

ACTIONS = frozenset(("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"))

RETURN_VALUES_OF_PUTS = "ReturnValues can only be ALL_OLD or NONE"
EMPTY_TABLE_NAME = (
    "Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1"
)
_RETURN_VALUES = (
    "Failed to satisfy constraint: Member must satisfy enum value set: "
    "[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
)
"""UPDATE_NEW is AWS's spelling here; UPDATED_NEW is the value."""

_BOUNDED = {"Query": ("Limit",), "Scan": ("Limit", "Segment", "TotalSegments")}
"""Numbers that are told first, by the member's own name and without the value."""
_ORDER = {
    "GetItem": ("Key", "TableName", "ReturnConsumedCapacity", "AttributesToGet"),
    "PutItem": ("TableName", "Item", "ReturnConsumedCapacity", "ReturnValues", "ReturnItemCollectionMetrics"),
    "DeleteItem": ("TableName", "Key", "ReturnConsumedCapacity", "ReturnValues", "ReturnItemCollectionMetrics"),
    "Query": ("TableName", "ReturnConsumedCapacity", "KeyConditions", "QueryFilter"),
    "Scan": ("TableName", "ReturnConsumedCapacity", "ScanFilter"),
}
"""The members whose errors lead, told together; those not listed follow in the model's order."""
_UPDATE_ENUMS = {
    "ReturnValues": True,
    "ReturnValuesOnConditionCheckFailure": False,
    "ReturnItemCollectionMetrics": True,
    "ReturnConsumedCapacity": False,
}
"""The enumerations of an UpdateItem, of which the first wrong one is told; and if in the envelope."""
_LATER = frozenset(("ConditionalOperator", "Expected", "AttributeUpdates"))
"""Their errors of enumerations are the operation's own, in words of its own."""

BATCH_KEYS_MAX = 100
_KEYS = "Value at 'RequestItems.{}.member.Keys' failed to satisfy constraint: Member must have length "
_is_table_name = re.compile(r"[a-zA-Z0-9_.\-]{3,255}|arn:.*", re.DOTALL).fullmatch

Violations = dict[str, list[str]]
"""Member -> what is wrong with it, in the older layer's words and order."""


def saturate(action: str, body: dict[str, Any]) -> None:
    """Numbers out of a 32-bit integer's range become the nearest in it, fractions are cut off."""
    for member in _BOUNDED.get(action, ()):
        value = body.get(member)
        if isinstance(value, int | float) and not isinstance(value, bool):
            body[member] = max(-(1 << 31), min((1 << 31) - 1, math.trunc(value)))


def check(action: str, body: dict[str, Any], found: Violations) -> None:
    """Raise ValidationException for what was found, if anything is told of it here."""
    name = body.get("TableName")
    if (name is None and action in _BOUNDED) or (action == "UpdateItem" and body.get("Key") is None and name != ""):
        # Requests without these go to the older layer, which tells everything together, and no bad name beside a missing key.
        if name is not None:
            found.pop("TableName", None)
        _refuse([text for texts in found.values() for text in texts])
        return
    first = [
        f"Value at '{member}' failed to satisfy constraint: {text.partition('constraint: ')[2]}"
        for member in _BOUNDED.get(action, ())
        for text in found.pop(member, ())
    ]
    if name == "":
        first.append(EMPTY_TABLE_NAME)
    _refuse(first)
    if action == "UpdateItem":
        _check_update(body, found)
        return
    if name is not None and len(found.get("TableName", ())) > 1:
        del found["TableName"][1:]
    if "ReturnValues" in found:
        found["ReturnValues"] = [_RETURN_VALUES]
    elif found and action in ("PutItem", "DeleteItem") and body.get("ReturnValues") not in (None, "NONE", "ALL_OLD"):
        found["refused ReturnValues"] = [RETURN_VALUES_OF_PUTS]
    select = found.pop("Select", [])
    leading = [text for member in _ORDER[action] for text in found.pop(member, ())]
    _refuse(leading + [text for member, texts in found.items() for text in texts if _told(member, text)])
    _refuse(select)


def check_keys_of_batch(body: dict[str, Any]) -> None:
    """Raise for a BatchGetItem of no tables or with a table of no keys, or with more than a hundred keys in all.

    Each is told alone, before all else; of too many keys, the table with the most is named.
    """
    requests = body.get("RequestItems")
    if requests is None:
        return
    if not requests:
        _refuse(
            ["Value at 'RequestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"]
        )
    counts = {name: len(one["Keys"]) for name, one in requests.items() if one and one.get("Keys") is not None}
    for name, count in counts.items():
        if not count:
            _refuse([_KEYS.format(name) + "greater than or equal to 1"])
    if sum(counts.values()) > BATCH_KEYS_MAX and all(map(_is_table_name, counts)):
        _refuse([_KEYS.format(max(counts, key=counts.__getitem__)) + f"less than or equal to {BATCH_KEYS_MAX}"])


def _check_update(body: dict[str, Any], found: Violations) -> None:
    names = found.pop("TableName", [])
    if body.get("TableName") is None and "ReturnValues" in found:
        names += found["ReturnValues"]
    _refuse(names[::-1] if body.get("TableName") is not None else names)
    for member, enveloped in _UPDATE_ENUMS.items():
        for text in found.pop(member, ()):
            if not enveloped:
                raise ApiError("ValidationException", text)
            _refuse([_RETURN_VALUES if member == "ReturnValues" else text])
    _refuse([text for member, texts in found.items() for text in texts if _told(member, text)])


def _told(member: str, text: str) -> bool:
    return not (member in _LATER and "enum value set" in text)


def _refuse(texts: list[str]) -> None:
    if texts:
        del texts[words.VIOLATIONS_MAX :]
        plural = "" if len(texts) == 1 else "s"
        raise ApiError("ValidationException", f"{len(texts)} validation error{plural} detected: {'; '.join(texts)}")
