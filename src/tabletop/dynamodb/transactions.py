"""What the transactional operations share: applying all writes or none, reasons of a cancellation, client tokens, bounds.

A plan sees all plans before it and is stored whole, so a transaction needs no locks and no second phase; two of
them never conflict, they are one after the other.

A client token is remembered in its region for ten minutes, with a digest of the request: the same request again
answers as it did and writes nothing, another request under the same token is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog, keys, sizes, values
from tabletop.dynamodb.capacity import Consumption
from tabletop.dynamodb.key_schema import EMPTY_KEY, KEY_MISMATCH, invalid
from tabletop.dynamodb.schema import Table
from tabletop.dynamodb.write import Outcome, Write, checked_key
from tabletop.storage.store import Batch, View

MEMBERS_MAX = 100
TOTAL_BYTES_MAX = 4 * 1024 * 1024
TOKEN_LIFETIME_S = 600

_REASONS = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "DuplicateItemException": "DuplicateItem",
    "ItemCollectionSizeLimitExceededException": "ItemCollectionSizeLimitExceeded",
    "ValidationException": "ValidationError",
}
"""Error of a single write -> code of a cancellation reason. Other errors refuse the whole request as they are."""
STATEMENT_REASONS = _REASONS | {"ResourceNotFoundException": "ResourceNotFound"}
"""The same for PartiQL's statements (recorded in October 2026 by the authors of dynoxide)."""


class Reasons:
    """One entry for each member of a transaction, in its order: why it was refused, or nothing."""

    def __init__(self, members: int, codes: dict[str, str] = _REASONS, *, empty_keys_refuse_all: bool = False) -> None:
        self._codes = codes
        self._empty_keys_refuse_all = empty_keys_refuse_all
        self._rows: list[dict[str, Any]] = [{"Code": "None"} for _ in range(members)]
        self._refused = False

    def refuse(self, position: int, error: ApiError, *, alone: bool = False) -> None:
        """Note why the member was refused; raises the error itself where it is no reason of a cancellation.

        ``alone``: the member is refused before any is tried, so there is no word of the others, and the cancellation is raised.
        """
        code = self._codes.get(error.code)
        if code is None or (self._empty_keys_refuse_all and (error.message or "").startswith(EMPTY_KEY)):
            raise error
        if alone:
            self._rows = [{"Code": "None"} for _ in self._rows]
        self._refused = True
        self._rows[position] = {"Code": code, "Message": error.message, **error.fields}
        if alone:
            self.raise_if_refused()

    def raise_if_refused(self) -> None:
        if self._refused:
            codes = ", ".join(row["Code"] for row in self._rows)
            raise ApiError(
                "TransactionCanceledException",
                f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
                fields={"CancellationReasons": self._rows},
            )


def apply_all(
    view: View,
    call: Call,
    prepare: Sequence[Callable[[], Write]],
    apply: Callable[[Table, bytes, Write], Outcome],
    codes: dict[str, str] = _REASONS,
) -> list[Outcome]:
    """Apply every member's write, or raise: TransactionCanceledException with the reason of each that was refused.

    As AWS has it, all keys are looked at before any condition: two members of one item refuse the whole request, and a key that
    does not fit its table is the only reason (recorded of statements; that TransactWriteItems does so with whatever is found so
    early, and tells only the first, is inferred). What is found later is told of every member (recorded of statements).

    Empty values of keys, the indexes' too, refuse a whole TransactWriteItems. All this was recorded in 2026 (dynoxide's sources).
    """
    of_statements = codes is STATEMENT_REASONS
    reasons = Reasons(len(prepare), codes, empty_keys_refuse_all=not of_statements)
    writes: list[tuple[int, Table, bytes, Write]] = []
    seen: set[bytes] = set()
    tables: dict[str, Table] = {}
    for position, prepare_member in enumerate(prepare):
        try:
            prepared = prepare_member()
            table = tables.get(prepared.table)
            if table is None:
                table = tables[prepared.table] = catalog.table_of(view, call, prepared.table)
            item_key = checked_key(table, prepared)
        except ApiError as error:
            reasons.refuse(position, error, alone=not of_statements or error.message == KEY_MISMATCH)
            continue
        refuse_strong(table)
        if item_key in seen:
            raise invalid("Transaction request cannot include multiple operations on one item")
        seen.add(item_key)
        writes.append((position, table, item_key, prepared))
    outcomes: list[Outcome] = []
    for position, table, item_key, prepared in writes:
        try:
            outcomes.append(apply(table, item_key, prepared))
        except ApiError as error:
            reasons.refuse(position, error)
    reasons.raise_if_refused()
    if sum(outcome.new_bytes for outcome in outcomes) > TOTAL_BYTES_MAX:
        raise invalid("Transaction payload size cannot exceed 4 MB")
    return outcomes


def refuse_strong(table: Table) -> None:
    """Refuse a transaction over a replica with multi-Region strong consistency."""
    if table.is_strong:
        # Inferred: that it is an error is documented.
        raise ApiError(
            "ValidationException",
            "Transaction operations are not supported for global tables with MultiRegionConsistency set to STRONG: "
            f"TableName: {table.name}",
        )


def written_units(outcomes: list[Outcome]) -> Consumption:
    """The write units of a transaction: twice what its writes cost the tables alone, and what they cost their indexes.

    Recorded in eu-west-2 in August 2026 (dynoxide's summary of its compatibility): an index pays no more than outside.
    """
    consumption = Consumption("WriteCapacityUnits")
    for outcome in outcomes:
        consumption.add(outcome.table, 2 * outcome.table_units, outcome.index_units)
    return consumption


def digest_of(members: list[dict[str, Any]]) -> str:
    """Of a transaction's members: what a client token stands for. Raises ValidationException for values nested too deep."""
    try:
        text = orjson.dumps(members, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        # The encoder writes 254 levels; the checks of values, which come later, allow 32.
        raise invalid(values.TOO_DEEP) from error
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def repeated(
    view: View, call: Call, token: str, digest: str, now: float, return_consumed_capacity: str | None
) -> dict[str, Any] | None:
    """The answer to a request that was done under this token before; None for a new or forgotten token.

    Capacity as AWS reports it for a repeat: reads of the items, at transactional cost, each as large as it was before the
    transaction or after it, whichever is more (recorded in eu-west-2 in August 2026).
    """
    raw = view.get(keys.token_key(call.account, call.region, token))
    if raw is None:
        return None
    remembered = orjson.loads(raw)
    if remembered["at"] + TOKEN_LIFETIME_S <= now:
        return None
    if remembered["digest"] != digest:
        raise ApiError(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request. "
            "Do not reuse a client token with different requests, unless the requests are identical",
        )
    answer: dict[str, Any] = {}
    if return_consumed_capacity not in (None, "NONE"):
        answer["ConsumedCapacity"] = [
            {"TableName": name, **_read_units(units)}
            | ({"Table": _read_units(units)} if return_consumed_capacity == "INDEXES" else {})
            for name, units in remembered["read_units"].items()
        ]
    return answer


def _read_units(units: float) -> dict[str, float]:
    return {"CapacityUnits": units, "ReadCapacityUnits": units}


def remember(batch: Batch, call: Call, token: str, digest: str, now: float, outcomes: list[Outcome]) -> None:
    """Keep with the transaction's batch what its token stands for."""
    read_units: dict[str, float] = {}
    for outcome in outcomes:
        units = sizes.transactional_read_units(max(outcome.old_bytes, outcome.new_bytes))
        read_units[outcome.table.name] = read_units.get(outcome.table.name, 0.0) + units
    remembered = {"at": now, "digest": digest, "read_units": read_units}
    key = keys.token_key(call.account, call.region, token)
    batch.put(key, orjson.dumps(remembered))
    batch.put(keys.token_age_key(now, key), b"")
