"""docs/COMPATIBILITY.md and the code agree on what is built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tabletop.dynamodb.actions import OPERATIONS
from tabletop.dynamodb.constraints import known_actions
from tabletop.functions.operations import ACTIONS as LAMBDA_ACTIONS
from tabletop.iam.service import Iam
from tabletop.logs.service import OPERATIONS as LOGS_OPERATIONS
from tabletop.storage.engine import open_store

PAGE = Path(__file__).parent.parent / "docs" / "COMPATIBILITY.md"
ROW = re.compile(r"^\| ([\w:]+) \| (exact|approximate|absent) \|(.*)\|$", re.MULTILINE)


def rows() -> dict[str, tuple[str, str]]:
    return {name: (fidelity, note.strip()) for name, fidelity, note in ROW.findall(PAGE.read_text())}


# Every operation of the newest DynamoDB and Streams models has a row, and "absent" is said of exactly those that are not built.
def test_dynamodb_operations_are_listed_as_they_are() -> None:
    listed = {name: fidelity for name, (fidelity, _) in rows().items() if ":" not in name}
    assert set(listed) == known_actions()
    assert {name for name, fidelity in listed.items() if fidelity != "absent"} == set(OPERATIONS)


# Of the other services exactly what is built is listed.
@pytest.mark.parametrize("service", ["iam", "sts", "lambda", "logs"])
def test_operations_of_other_services_are_listed(service: str) -> None:
    store = open_store(None)
    try:
        handlers = Iam(store, secret_key=bytes(32)).handlers
    finally:
        store.close()
    built = {"iam": handlers["iam"], "sts": handlers["sts"], "lambda": LAMBDA_ACTIONS, "logs": LOGS_OPERATIONS}
    listed = {name.partition(":")[2] for name in rows() if name.startswith(service + ":")}
    assert listed == set(built[service])


# What is approximate says how.
def test_approximate_rows_have_a_note() -> None:
    assert [name for name, (fidelity, note) in rows().items() if fidelity == "approximate" and not note] == []
