"""The function under test, loaded from examples/ as Lambda loads it: a module of its own, with its environment set.

With ``tabletop_endpoint`` it works on tables of its own, made from the definitions beside it and deleted at the end.
"""

from __future__ import annotations

import importlib.util
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "user_manager"

Handler = Callable[..., tuple[int, Any]]


def load_function() -> ModuleType:
    spec = importlib.util.spec_from_file_location("user_manager_under_test", EXAMPLE / "user_manager.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The region and the well-known test keys; nothing of the user's own AWS settings."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return monkeypatch


@pytest.fixture
def function(aws_environment: pytest.MonkeyPatch) -> ModuleType:
    """The function without a database; pauses cost nothing. A test that lets a call out gets a connection error."""
    aws_environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    module = load_function()
    module.real_pause = module.pause  # type: ignore[attr-defined]
    module.pause = lambda attempt: None  # type: ignore[attr-defined]
    return module


@pytest.fixture
def stored_function(aws_environment: pytest.MonkeyPatch, tabletop_endpoint: str) -> Iterator[ModuleType]:
    """The function over two empty tables."""
    mark = uuid.uuid4().hex[:8]
    tables = {"TABLE_NAME": f"Users-{mark}", "RECORDS_TABLE_NAME": f"UserRecords-{mark}"}
    for name, value in tables.items():
        aws_environment.setenv(name, value)
    aws_environment.setenv("AWS_ENDPOINT_URL", tabletop_endpoint)
    client = boto3.client("dynamodb")
    definitions = zip(tables.values(), ("users-table.json", "user-records-table.json"), strict=True)
    for table_name, file_name in definitions:
        definition = json.loads((EXAMPLE / file_name).read_text())
        client.create_table(**{**definition, "TableName": table_name})
        client.get_waiter("table_exists").wait(TableName=table_name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    yield load_function()
    for table_name in tables.values():
        client.delete_table(TableName=table_name)


def handler_of(module: ModuleType) -> Handler:
    """Sends an event through JSON both ways, as Lambda does, and gives the status and the parsed body."""

    def handle(action: Any, **members: Any) -> tuple[int, Any]:
        event = json.loads(json.dumps({"action": action, **members}))
        answer = json.loads(json.dumps(module.lambda_handler(event, None)))
        assert answer.keys() == {"statusCode", "body"}
        return answer["statusCode"], json.loads(answer["body"])

    return handle


@pytest.fixture
def call(stored_function: ModuleType) -> Handler:
    return handler_of(stored_function)


@pytest.fixture
def call_unstored(function: ModuleType) -> Handler:
    return handler_of(function)
