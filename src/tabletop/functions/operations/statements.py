"""The statements of a resource policy, of a function or of a layer version: added, taken away, and their revision."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base.errors import ApiError
from tabletop.functions import limits


@dataclass(frozen=True, slots=True)
class Edit:
    statement_id: str
    statement: dict[str, Any] | None
    """None removes the statement."""
    expected_revision: str | None


def edited(statements: list[dict[str, Any]], edit: Edit, no_policy: str) -> list[dict[str, Any]]:
    """The statements after the edit. Raises ApiError; ``no_policy`` are the words where there is nothing to remove.

    Revisions are the caller's to check.
    """
    others = [statement for statement in statements if statement["Sid"] != edit.statement_id]
    if edit.statement is None:
        if len(others) == len(statements):
            message = f"Statement {edit.statement_id} is not found in resource policy." if statements else no_policy
            raise ApiError("ResourceNotFoundException", message, status=404)
        return others
    if len(others) != len(statements):
        raise ApiError(
            "ResourceConflictException",
            f"The statement id ({edit.statement_id}) provided already exists. Please provide a new statement id, "
            "or remove the existing statement.",
            status=409,
        )
    others.append(edit.statement)
    size = len(orjson.dumps(others))
    if size > limits.POLICY_BYTES_MAX:
        raise ApiError(
            "PolicyLengthExceededException", f"The final policy size ({size}) is bigger than the limit (20480)."
        )
    return others


def check_revision(expected: str | None, latest: str, call_name: str) -> None:
    """Raises PreconditionFailedException; ``call_name`` is the operation that tells the latest."""
    if expected and expected != latest:
        raise ApiError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. "
            f"Call the {call_name} API to retrieve the latest Revision Id",
            status=412,
        )


def document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Id": "default", "Statement": statements}


def text(content: dict[str, Any]) -> str:
    return orjson.dumps(content).decode()


def revision(statements: list[dict[str, Any]]) -> str:
    """In the form of a UUID, from the content: it changes exactly when the policy does."""
    digest = hashlib.sha256(orjson.dumps(statements)).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
