"""Tables of another account: open to whom their policies and his own policies let in, and to nobody else."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

OURS, THEIRS = "111122223333", "444455556666"
KEY = {"p": {"S": "1"}}
Keys = tuple[str, str]


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


@pytest.fixture(scope="module")
def client(tabletop_endpoint: str) -> Callable[..., Any]:
    def make(service: str, keys: Keys) -> Any:
        return boto3.client(
            service,
            endpoint_url=tabletop_endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            config=Config(retries={"max_attempts": 0}),
        )

    return make


@pytest.fixture(scope="module")
def table(client: Callable[..., Any]) -> Iterator[str]:
    """The ARN of a table of the other account, with one item."""
    dynamodb, name = client("dynamodb", (THEIRS, "x")), f"t-{uuid.uuid4().hex[:12]}"
    arn = dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
    )["TableDescription"]["TableArn"]
    dynamodb.put_item(TableName=name, Item=KEY | {"of": {"S": "theirs"}})
    # A table of the same name at home must never be taken for it.
    own = client("dynamodb", (OURS, "x"))
    own.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
    )
    own.put_item(TableName=name, Item=KEY | {"of": {"S": "ours"}})
    yield arn
    dynamodb.delete_table(TableName=name)
    own.delete_table(TableName=name)


@pytest.fixture
def alice(client: Callable[..., Any]) -> Callable[[str], tuple[Keys, str]]:
    """``alice(policy)``: keys of a new user of our account who has that policy, and his ARN."""

    def make(document: str) -> tuple[Keys, str]:
        iam, name = client("iam", (OURS, "x")), f"t-{uuid.uuid4().hex[:12]}"
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        issued = iam.create_access_key(UserName=name)["AccessKey"]
        return (issued["AccessKeyId"], issued["SecretAccessKey"]), arn

    return make


CALLS: dict[str, Callable[[Any, str], Any]] = {
    "GetItem": lambda db, arn: db.get_item(TableName=arn, Key=KEY)["Item"]["of"]["S"],
    "Query": lambda db, arn: db.query(
        TableName=arn, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": KEY["p"]}
    )["Items"][0]["of"]["S"],
    "Scan": lambda db, arn: db.scan(TableName=arn)["Items"][0]["of"]["S"],
    "BatchGetItem": lambda db, arn: db.batch_get_item(RequestItems={arn: {"Keys": [KEY]}})["Responses"][arn][0]["of"][
        "S"
    ],
    "TransactGetItems": lambda db, arn: db.transact_get_items(TransactItems=[{"Get": {"TableName": arn, "Key": KEY}}])[
        "Responses"
    ][0]["Item"]["of"]["S"],
    "UpdateItem": lambda db, arn: db.update_item(
        TableName=arn,
        Key=KEY,
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"S": "1"}},
        ReturnValues="ALL_NEW",
    )["Attributes"]["of"]["S"],
    "TransactWriteItems": lambda db, arn: (
        db.transact_write_items(
            TransactItems=[
                {"ConditionCheck": {"TableName": arn, "Key": KEY, "ConditionExpression": "attribute_exists(p)"}}
            ]
        )
        and "theirs"
    ),
    "DescribeTable": lambda db, arn: db.describe_table(TableName=arn)["Table"]["TableArn"] == arn and "theirs",
}


# Both accounts must allow: the caller's own policies, and the table's, which may name the account as a whole.
@pytest.mark.parametrize("name", CALLS)
def test_a_tables_policy_opens_it(
    client: Callable[..., Any], table: str, alice: Callable[[str], tuple[Keys, str]], name: str
) -> None:
    keys, _ = alice(policy(Action="dynamodb:*", Resource=table))
    owner, caller = client("dynamodb", (THEIRS, "x")), client("dynamodb", keys)
    root = client("dynamodb", (OURS, "x"))
    for refused in (caller, root):
        with pytest.raises(ClientError) as caught:
            CALLS[name](refused, table)
        error = caught.value.response["Error"]
        assert error["Code"] == "AccessDeniedException"
        assert "because no resource-based policy allows the dynamodb:" in error["Message"]
    document = policy(Principal={"AWS": f"arn:aws:iam::{OURS}:root"}, Action="dynamodb:*", Resource=table)
    owner.put_resource_policy(ResourceArn=table, Policy=document)
    try:
        assert CALLS[name](caller, table) == "theirs"
        assert CALLS[name](root, table) == "theirs"
        stranger, _ = alice(policy(Action="dynamodb:*", Resource=table.replace(THEIRS, OURS)))
        with pytest.raises(ClientError) as caught:
            CALLS[name](client("dynamodb", stranger), table)
        assert "because no identity-based policy allows the dynamodb:" in caught.value.response["Error"]["Message"]
    finally:
        owner.delete_resource_policy(ResourceArn=table)


# What a policy grants to one user of another account it grants to no other, and on the keys that it names alone.
def test_grants_are_narrow(client: Callable[..., Any], table: str, alice: Callable[[str], tuple[Keys, str]]) -> None:
    everything = policy(Action="dynamodb:*", Resource="*")
    (keys, arn), (others, _) = alice(everything), alice(everything)
    owner = client("dynamodb", (THEIRS, "x"))
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["1"]}}
    document = policy(Principal={"AWS": arn}, Action="dynamodb:GetItem", Resource=table, Condition=condition)
    owner.put_resource_policy(ResourceArn=table, Policy=document)
    try:
        assert client("dynamodb", keys).get_item(TableName=table, Key=KEY)["Item"]["of"]["S"] == "theirs"
        for who, call in (
            (others, lambda db: db.get_item(TableName=table, Key=KEY)),
            (keys, lambda db: db.get_item(TableName=table, Key={"p": {"S": "2"}})),
            (keys, lambda db: db.put_item(TableName=table, Item=KEY)),
            (keys, lambda db: db.scan(TableName=table)),
        ):
            with pytest.raises(ClientError) as caught:
                call(client("dynamodb", who))
            assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    finally:
        owner.delete_resource_policy(ResourceArn=table)
