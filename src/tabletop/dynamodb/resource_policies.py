"""Resource policies of tables and streams: kept as text in the record of the table or stream, evaluated by who authorises.

A table's policy speaks of its indexes too; they have none of their own. A revision id is made of the policy's text, so
that the same policy put twice has the same id, as AWS has it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog, keys
from tabletop.dynamodb.lifecycle import editable_record, invalid
from tabletop.dynamodb.operations.operation import Body
from tabletop.storage.store import Batch, View

RESOURCE_POLICY_BYTES_MAX = 20 * 1024
NO_POLICY = "NO_POLICY"
"""The expected revision id that stands for "there is none yet"."""
_ARN = re.compile(
    r"arn:aws:dynamodb:(?P<region>[^:/]+):(?P<account>\d+):table/(?P<table>[a-zA-Z0-9_.\-]{3,255})"
    r"(?:/(?P<kind>stream|index)/(?P<part>[a-zA-Z0-9_.:\-]{1,255}))?"
)


@dataclass(frozen=True, slots=True)
class Holder:
    """What can have a policy: a copy of its record, and how it is stored."""

    record: dict[str, Any]
    stream_key: bytes | None
    """None for a table."""

    def store(self, batch: Batch) -> None:
        if self.stream_key is None:
            catalog.store_record(batch, self.record)
        else:
            batch.put(self.stream_key, orjson.dumps(self.record))


def revision_of(policy: str) -> str:
    """Thirteen digits."""
    digest = hashlib.blake2b(policy.encode(), digest_size=8).digest()
    return str(10**12 + int.from_bytes(digest, "big") % (9 * 10**12))


def policy_of(record: dict[str, Any]) -> str:
    """Raises PolicyNotFoundException."""
    policy: str | None = record.get("policy")
    if policy is None:
        raise ApiError(
            "PolicyNotFoundException",
            f"Resource-based policy not found for the provided ResourceArn: {record['arn']}",
        )
    return policy


def policy_holder(view: View, call: Call, arn: str) -> Holder:
    """The table or stream of the caller's account and region. Raises ResourceNotFoundException."""
    match = _ARN.fullmatch(arn)
    if match is not None and (match["region"], match["account"]) == (call.region, call.account):
        if match["kind"] is None:
            table = catalog.find(view, call.account, call.region, match["table"])
            if table is not None:
                return Holder(editable_record(table), None)
        elif match["kind"] == "stream":
            key = keys.stream_key(call.account, call.region, match["table"], match["part"])
            raw = view.get(key)
            if raw is not None:
                return Holder(orjson.loads(raw), key)
    raise ApiError("ResourceNotFoundException", f"Requested resource not found: ResourceArn: {arn} not found")


def attached_policy(view: View, call: Call, arn: str) -> str | None:
    """The document that speaks of a table, an index of one, or a stream; None where there is none."""
    # Every request of a limited caller comes by here: the usual ARN is taken apart without the expression.
    head, _, tail = arn.rpartition(":table/")
    table, slash, part = tail.partition("/")
    if not slash or part.startswith("index/"):
        parts = head.split(":")
        # A request about replicas speaks of tables in other regions than its own.
        region = parts[3] if len(parts) == 5 else call.region
        found = catalog.find(view, call.account, region, table)
        return None if found is None else found.record.get("policy")
    match = _ARN.fullmatch(arn)
    if match is None or match["kind"] != "stream":
        return None
    raw = view.get(keys.stream_key(call.account, call.region, match["table"], match["part"]))
    return None if raw is None else orjson.loads(raw).get("policy")


def check_expected_revision(record: dict[str, Any], expected: str | None) -> None:
    """Raise PolicyNotFoundException unless the present policy has the revision that the caller expects, if any."""
    if expected is None:
        return
    policy = record.get("policy")
    if expected != (NO_POLICY if policy is None else revision_of(policy)):
        raise ApiError(
            "PolicyNotFoundException",
            f"Resource-based policy not found for the provided ResourceArn: {record['arn']} and RevisionId: {expected}",
        )


def check_policy(policy: str) -> None:
    """Raise ValidationException for what is no policy document. Its grammar is held against IAM's by who authorises."""
    if len(policy.encode()) > RESOURCE_POLICY_BYTES_MAX:
        raise invalid("Resource policy size exceeds the maximum allowed size of 20 KB")
    try:
        document = json.loads(policy)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("Statement"), list | dict):
        raise invalid("Invalid policy document: Syntax errors in policy.")


def targets(action: str, body: Body) -> list[tuple[str, str]]:
    """The ARN as it was written: ``policy_holder`` takes no other form for the same resource."""
    return [(f"dynamodb:{action}", body["ResourceArn"])]
