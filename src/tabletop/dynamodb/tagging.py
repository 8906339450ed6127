"""Tags: their limits, and the ARN that names what is tagged. Tags are a dict of key to value in the table's record."""

from __future__ import annotations

import re

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb.lifecycle import find_table, invalid, invalid_parameters
from tabletop.dynamodb.operations.operation import Body
from tabletop.dynamodb.schema import Table
from tabletop.storage.store import View

TAGS_MAX = 50
_ALLOWED = re.compile(r"[\w\s+\-=._:/@]*")
"""Letters, white space and digits of any script, and these signs (developer guide, "Tagging restrictions")."""
_TABLE_ARN = re.compile(r"arn:aws:dynamodb:[^:/]+:\d+:table/[a-zA-Z0-9_.\-]{3,255}")


def table_arn_of(body: Body) -> str:
    """The request's ResourceArn. Raises ValidationException where it cannot be a table's."""
    arn = body.get("ResourceArn")
    if not arn:
        raise invalid("Invalid TableArn")
    if not arn.startswith("arn:"):
        raise invalid(f"Invalid TableArn: ARNs must start with 'arn:': {arn}")
    if _TABLE_ARN.fullmatch(arn) is None:
        raise invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    return str(arn)


def tagged_table(view: View, call: Call, arn: str) -> Table:
    table = find_table(view, call, arn)
    if table is None or table.status == "CREATING":
        # The missing letter is AWS's.
        raise ApiError("ResourceNotFoundException", f"Requested resource not found: ResourcArn: {arn} not found")
    return table


def targets(action: str, body: Body) -> list[tuple[str, str]]:
    return [(f"dynamodb:{action}", body.get("ResourceArn") or "*")]


def new_tags(listed: list[dict[str, str]]) -> dict[str, str]:
    """Tags as a request lists them, checked. Raises ValidationException."""
    tags: dict[str, str] = {}
    for tag in listed:
        key, value = tag["Key"], tag["Value"]
        if key.lower().startswith("aws:"):
            # Inferred: that it is refused is documented, the words are ours.
            raise invalid_parameters(f"Tag keys that start with aws: are reserved for system use. Tag key: {key}")
        if _ALLOWED.fullmatch(key) is None or _ALLOWED.fullmatch(value) is None:
            raise invalid_parameters(f"Tag key or value contains invalid characters. Tag key: {key}")
        if key in tags:
            raise invalid_parameters(f"Duplicate tag key: {key}")
        tags[key] = value
    check_tag_count(len(tags))
    return tags


def check_tag_count(count: int) -> None:
    if count > TAGS_MAX:
        raise invalid_parameters(f"Number of tags exceeds the limit of {TAGS_MAX} per resource")
