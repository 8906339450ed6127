"""What the table operations share: finding the table, words for a missing or busy one, how long it shows a state."""

from __future__ import annotations

import copy
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog
from tabletop.dynamodb.operations.operation import table_name
from tabletop.dynamodb.schema import Table
from tabletop.storage.store import View

Record = dict[str, Any]


class Delays:
    """How long a table shows CREATING or UPDATING once the change is stored; set at start. It is usable meanwhile."""

    table_delay_s = 0.0


def existing_table(view: View, call: Call, name_or_arn: str) -> Table:
    """The table, for table operations. Raises ResourceNotFoundException in their words."""
    table = find_table(view, call, name_or_arn)
    if table is None:
        raise not_found(table_name(name_or_arn))
    return table


def find_table(view: View, call: Call, name_or_arn: str) -> Table | None:
    """The table of the caller's account and region; an ARN of another account or region names none."""
    if name_or_arn.startswith("arn:"):
        parts = name_or_arn.split(":", 5)
        if len(parts) != 6 or parts[2:5] != ["dynamodb", call.region, call.account]:
            return None
    return catalog.find(view, call.account, call.region, table_name(name_or_arn))


def not_found(name: str) -> ApiError:
    return ApiError("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")


def invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def invalid_parameters(message: str) -> ApiError:
    return ApiError("ValidationException", "One or more parameter values were invalid: " + message)


def in_use(message: str) -> ApiError:
    return ApiError("ResourceInUseException", f"Attempt to change a resource which is still in use: {message}")


def editable_record(table: Table) -> Record:
    """A copy of the table's record, to be changed and stored."""
    return copy.deepcopy(table.record)


def is_changing(record: Record) -> bool:
    """True while an index is being made or removed: AWS then calls the table UPDATING."""
    return any(index["status"] in ("CREATING", "DELETING") for index in record["indexes"])


def shown_status(record: Record, now: float) -> str:
    """The TableStatus that DescribeTable gives."""
    transition = record.get("transition")
    if transition is not None and now < transition["until"]:
        return str(transition["status"])
    return "UPDATING" if is_changing(record) else str(record["status"])


def begin_transition(record: Record, status: str, now: float) -> None:
    """Let the record show ``status`` for as long as ``Delays`` says."""
    if Delays.table_delay_s > 0:
        record["transition"] = {"status": status, "until": now + Delays.table_delay_s}
    else:
        record.pop("transition", None)
