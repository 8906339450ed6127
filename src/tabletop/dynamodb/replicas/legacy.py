"""The operations of global tables version 2017.11.29, as AWS answers them today: there is no such table, and none can be made.

Source: answers that an independent observer recorded in 2026, in regions that had the version and in others.
"""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb.lifecycle import invalid_parameters
from tabletop.dynamodb.operations.operation import Body


def not_supported() -> ApiError:
    return invalid_parameters(
        "DynamoDB global tables version 2017.11.29 is not supported. We recommend using DynamoDB global tables version "
        "2019.11.21, instead of version 2017.11.29 (Legacy)."
    )


def no_global_table(name: str) -> ApiError:
    return ApiError("GlobalTableNotFoundException", f"Global table with name: '{name}' does not exist.")


def targets_of(action: str, body: Body, call: Call) -> list[tuple[str, str]]:
    """Version 2017.11.29 has ARNs of its own, without a region."""
    return [(f"dynamodb:{action}", f"arn:aws:dynamodb::{call.account}:global-table/{body['GlobalTableName']}")]
