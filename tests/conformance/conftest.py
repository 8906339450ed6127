"""What the conformance tests share: clients of any endpoint, tables made once, random keys.

TABLETOP_TEST_ENDPOINT names the endpoint to judge (see ``tabletop_endpoint``); the usual AWS variables then give the
credentials. Nothing here knows Tabletop.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

Refusal = tuple[str, str]
"""(error code, message)"""


@pytest.fixture(scope="session")
def client_of(tabletop_endpoint: str) -> Callable[..., Any]:
    """``client_of("dynamodb", region, **credentials)``: a client that sends every request once and validates nothing itself."""
    given = os.environ.get("AWS_ACCESS_KEY_ID") and os.environ.get("TABLETOP_TEST_ENDPOINT")
    usual = {} if given else {"aws_access_key_id": "test", "aws_secret_access_key": "test"}

    def client(service: str, region: str | None = None, **credentials: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=tabletop_endpoint,
            region_name=region or (os.environ.get("AWS_DEFAULT_REGION", "us-east-1") if given else "us-east-1"),
            config=Config(retries={"max_attempts": 0}, parameter_validation=False, read_timeout=60),
            **(credentials or usual),
        )

    return client


@pytest.fixture(scope="session")
def dynamodb(client_of: Callable[..., Any]) -> Any:
    return client_of("dynamodb")


@pytest.fixture(scope="session")
def iam(client_of: Callable[..., Any]) -> Any:
    return client_of("iam")


@pytest.fixture(scope="session")
def logs(client_of: Callable[..., Any]) -> Any:
    return client_of("logs")


@pytest.fixture(scope="session")
def functions(client_of: Callable[..., Any]) -> Any:
    return client_of("lambda")


@pytest.fixture(scope="session")
def account(client_of: Callable[..., Any]) -> str:
    return str(client_of("sts").get_caller_identity()["Account"])


def random_name(prefix: str = "tabletop") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def name() -> str:
    """A name that nobody has."""
    return random_name()


@pytest.fixture
def key() -> str:
    """A partition key of this test alone, so that tests can share tables."""
    return uuid.uuid4().hex


@pytest.fixture(scope="session")
def refusal() -> Callable[..., Refusal]:
    """``refusal(client.operation, **parameters)``: the error that it is refused with."""

    def refused(operation: Callable[..., Any], **parameters: Any) -> Refusal:
        with pytest.raises(ClientError) as caught:
            operation(**parameters)
        error = caught.value.response["Error"]
        return error["Code"], error.get("Message", "")

    return refused


def key_schema(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def attributes(**types: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def index(name: str, *names: str, projection: str = "ALL", included: tuple[str, ...] = ()) -> dict[str, Any]:
    shown: dict[str, Any] = {"ProjectionType": projection}
    if included:
        shown["NonKeyAttributes"] = list(included)
    return {"IndexName": name, "KeySchema": key_schema(*names), "Projection": shown}


@pytest.fixture(scope="session")
def make_table(dynamodb: Any) -> Iterator[Callable[..., str]]:
    """``make_table(KeySchema=..., ...)``: an active table's name; all are deleted in the end."""
    made: list[str] = []

    def make(**definition: Any) -> str:
        table = random_name()
        dynamodb.create_table(TableName=table, **({"BillingMode": "PAY_PER_REQUEST"} | definition))
        made.append(table)
        dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
        return table

    yield make
    for table in made:
        try:
            dynamodb.delete_table(TableName=table)
        except dynamodb.exceptions.ResourceNotFoundException:
            continue


@pytest.fixture(scope="session")
def simple(make_table: Callable[..., str]) -> str:
    """Partition key ``p`` only."""
    return make_table(KeySchema=key_schema("p"), AttributeDefinitions=attributes(p="S"))


@pytest.fixture(scope="session")
def ranged(make_table: Callable[..., str]) -> str:
    """Partition key ``p``, sort key ``c``, both strings."""
    return make_table(KeySchema=key_schema("p", "c"), AttributeDefinitions=attributes(p="S", c="S"))


@pytest.fixture(scope="session")
def indexed(make_table: Callable[..., str]) -> str:
    """``p`` (S) and ``c`` (N) with local indexes on ``s`` and global ones on ``g``, of every projection."""
    return make_table(
        KeySchema=key_schema("p", "c"),
        AttributeDefinitions=attributes(p="S", c="N", s="S", g="S", n="N"),
        LocalSecondaryIndexes=[
            index("local_all", "p", "s"),
            index("local_keys", "p", "s", projection="KEYS_ONLY"),
            index("local_some", "p", "n", projection="INCLUDE", included=("x",)),
        ],
        GlobalSecondaryIndexes=[
            index("global_all", "g", "n"),
            index("global_keys", "g", projection="KEYS_ONLY"),
            index("global_some", "g", "s", projection="INCLUDE", included=("x",)),
        ],
    )


@pytest.fixture(scope="session")
def user(iam: Any, client_of: Callable[..., Any]) -> Iterator[Callable[[str], Any]]:
    """``user(policy)``: a new user's name, and a client with his keys."""
    names: list[str] = []

    def make(policy: str, name: str = "") -> Any:
        name = name or f"t-{uuid.uuid4().hex[:12]}"
        names.append(name)
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
        issued = iam.create_access_key(UserName=name)["AccessKey"]
        return client_of(
            "dynamodb", aws_access_key_id=issued["AccessKeyId"], aws_secret_access_key=issued["SecretAccessKey"]
        )

    yield make
    for name in names:
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName=name, PolicyName="own")
        iam.delete_user(UserName=name)
