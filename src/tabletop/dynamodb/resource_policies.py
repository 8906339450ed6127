"""Resource policies of tables: kept as text in the table's record. They are returned, and not yet evaluated.

A revision id is made of the policy's text, so that the same policy put twice has the same id, as AWS has it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb.lifecycle import find_table, invalid
from tabletop.dynamodb.operations.operation import Body
from tabletop.dynamodb.schema import Table
from tabletop.storage.store import View

RESOURCE_POLICY_BYTES_MAX = 20 * 1024
NO_POLICY = "NO_POLICY"
"""The expected revision id that stands for "there is none yet"."""


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


def table_with_policy(view: View, call: Call, arn: str) -> Table:
    table = find_table(view, call, arn)
    if table is None:
        raise ApiError("ResourceNotFoundException", f"Requested resource not found: ResourceArn: {arn} not found")
    return table


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
    """Raise ValidationException for what is no policy document."""
    if len(policy.encode()) > RESOURCE_POLICY_BYTES_MAX:
        raise invalid("Resource policy size exceeds the maximum allowed size of 20 KB")
    try:
        document = json.loads(policy)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("Statement"), list | dict):
        raise invalid("Invalid policy document: Syntax errors in policy.")


def targets(action: str, body: Body) -> list[tuple[str, str]]:
    return [(f"dynamodb:{action}", body["ResourceArn"])]
