"""What the table operations share: finding the table, words for a missing or busy one, how long it shows a state."""

from __future__ import annotations

import copy
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog, keys
from tabletop.dynamodb.operations.operation import table_name
from tabletop.dynamodb.schema import Table
from tabletop.storage.store import View, after_prefix

Record = dict[str, Any]


class Delays:
    """How long a table, an index or a setting stays on its way once the change is stored; set at start.

    With 0 a client never waits, and sees a state on the way only in the answer to the change itself.
    """

    table_delay_s = 0.0


CLOCK_SLACK_S = 60.0
"""Beyond what a delay explains: a moment further ahead than that was set by a clock that has been put back since."""
SIMULTANEOUS_MAX = 500
"""Tables of an account and region that may be on their way at once (AWS's quota); counted only where changes take time."""

_BUSY = {"CREATING": "created", "UPDATING": "updated", "DELETING": "deleted"}


def existing_table(view: View, call: Call, name_or_arn: str, *, unfinished: bool = False) -> Table:
    """The table, for table operations. Raises ResourceNotFoundException in their words.

    ``unfinished``: a replica that is still being filled counts too; to most operations it is not there yet.
    """
    table = find_table(view, call, name_or_arn)
    if table is None or (table.status == "CREATING" and not unfinished):
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


def busy(record: Record, status: str) -> ApiError:
    """The refusal to change a table that is CREATING, UPDATING or DELETING."""
    return in_use(f"Table is being {_BUSY[status]}: {record['name']}")


def all_indexes(record: Record) -> list[Record]:
    """The records of the table's secondary indexes and vector indexes."""
    return [*record["indexes"], *(record.get("vector_indexes") or ())]


def changing_index(record: Record) -> Record | None:
    """The index that is being made or removed; there is never a second one."""
    return next((index for index in all_indexes(record) if index["status"] in ("CREATING", "DELETING")), None)


def is_to_come(moment: float, now: float) -> bool:
    """Whether a moment that ``Delays`` has set lies ahead. One that is further off was set before the clock was put back."""
    return now < moment <= now + 2 * Delays.table_delay_s + CLOCK_SLACK_S


def is_allocating(index: Record, now: float) -> bool:
    """Whether a new index waits for its resources, as AWS has it before the backfill."""
    return is_to_come(float(index.get("allocated", 0)), now)


def shown_status(record: Record, now: float) -> str:
    """The TableStatus that DescribeTable gives.

    While an index is being made AWS calls the table UPDATING until the backfill begins, and ACTIVE from then on. Where
    nothing takes time it stays UPDATING for the moments of the backfill, so that who waits for the table has the index.
    """
    status = _transitional_status(record, now)
    if status is not None:
        return status
    index = changing_index(record)
    if index is not None and (index["status"] == "DELETING" or index.get("ready") is None):
        return "UPDATING"
    return str(record["status"])


def shown_index_status(record: Record, index: Record, table_status: str, now: float) -> str:
    """The IndexStatus that DescribeTable gives: that of a table which comes or goes as a whole, else the index's own."""
    if table_status in ("CREATING", "DELETING"):
        return table_status
    return _transitional_status(index, now) or str(index["status"])


def _transitional_status(holder: Record, now: float) -> str | None:
    """What the holder shows on its way. What is DELETING stays so until the background has removed it: nothing brings it back."""
    transition = holder.get("transition")
    if transition is None or not (transition["status"] == "DELETING" or is_to_come(transition["until"], now)):
        return None
    return str(transition["status"])


def refuse_too_many(view: View, call: Call, now: float) -> None:
    """Refuse a change of one more table where as many as AWS allows are on their way."""
    if Delays.table_delay_s <= 0:
        return
    prefix = keys.catalog_key(call.account, call.region)
    busy_tables = sum(
        (orjson.loads(raw).get("transition") or {"until": 0.0})["until"] > now
        for _, raw in view.range(prefix, after_prefix(prefix))
    )
    if busy_tables >= SIMULTANEOUS_MAX:
        # Inferred: the words are recorded with the quota that was 10 then.
        raise ApiError(
            "LimitExceededException",
            f"Subscriber limit exceeded: Only {SIMULTANEOUS_MAX} tables can be created, updated, or deleted simultaneously",
        )


def begin_transition(record: Record, status: str, now: float) -> None:
    """Let the record of a table or index show ``status`` for as long as ``Delays`` says."""
    if Delays.table_delay_s > 0:
        record["transition"] = {"status": status, "until": now + Delays.table_delay_s}
    else:
        record.pop("transition", None)
