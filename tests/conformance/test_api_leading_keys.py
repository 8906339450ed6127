"""A tenant who may touch his own partition key alone reaches for another tenant's, through everything that takes a key."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError


@dataclass
class Tenant:
    """``name`` is the user's name, and the only partition key that he may touch; ``other`` is his neighbour's."""

    name: str
    other: str
    table: str
    client: Any


def document(table: str, values: list[str], **more: Any) -> str:
    arn = f"arn:aws:dynamodb:*:*:table/{table}"
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": values}}
    statement = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": [arn, f"{arn}/index/*"], "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **more}]})


def tenant_table(dynamodb: Any, kind: str) -> str:
    name = f"tenants-{uuid.uuid4().hex[:12]}"
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "tenant", "AttributeType": kind},
            {"AttributeName": "sort", "AttributeType": "S"},
            {"AttributeName": "owner", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "tenant", "KeyType": "HASH"}, {"AttributeName": "sort", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-owner",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    return name


@pytest.fixture(scope="module")
def tenant(dynamodb: Any, user: Any) -> Iterator[Tenant]:
    table = tenant_table(dynamodb, "S")
    name, other = f"t-{uuid.uuid4().hex[:12]}", "neighbour"
    client = user(document(table, ["${aws:username}"]), name)
    for each in (name, other):
        dynamodb.put_item(
            TableName=table, Item={"tenant": {"S": each}, "sort": {"S": "1"}, "owner": {"S": each}, "v": {"S": "x"}}
        )
    yield Tenant(name, other, table, client)
    dynamodb.delete_table(TableName=table)


def key(tenant: str) -> dict[str, Any]:
    return {"tenant": {"S": tenant}, "sort": {"S": "1"}}


def transaction_of(kind: str) -> Callable[[Any, str, str], Any]:
    def call(client: Any, table: str, who: str) -> Any:
        member: dict[str, Any] = {"TableName": table, "Key": key(who)}
        if kind == "Put":
            member = {"TableName": table, "Item": key(who) | {"owner": {"S": who}, "v": {"S": "x"}}}
        elif kind == "ConditionCheck":
            member |= {"ConditionExpression": "attribute_exists(v)"}
        elif kind == "Update":
            member |= {"UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}
        elif kind == "Delete":
            member |= {"Key": {"tenant": {"S": who}, "sort": {"S": "gone"}}}
        return client.transact_write_items(TransactItems=[{kind: member}])

    return call


def query(client: Any, table: str, who: str, **more: Any) -> Any:
    values = {":t": {"S": who}}
    return client.query(TableName=table, KeyConditionExpression="tenant = :t", ExpressionAttributeValues=values, **more)


def statement(text: str, *, literal: bool = False) -> Callable[[Any, str, str], Any]:
    """``{t}`` stands for the table's name, ``{w}`` for the tenant: a parameter, or a literal."""

    def call(client: Any, table: str, who: str) -> Any:
        if literal:
            return client.execute_statement(Statement=text.format(t=table, w=f"'{who}'"))
        parameters = [{"S": who}] * text.count("{w}")
        return client.execute_statement(Statement=text.format(t=table, w="?"), Parameters=parameters)

    return call


def execute_batch(client: Any, table: str, who: str) -> Any:
    text = f"""SELECT * FROM "{table}" WHERE tenant = ? AND sort = '1'"""
    return client.batch_execute_statement(Statements=[{"Statement": text, "Parameters": [{"S": who}]}])


def execute_transaction(text: str) -> Callable[[Any, str, str], Any]:
    return lambda client, table, who: client.execute_transaction(
        TransactStatements=[{"Statement": text.format(t=table), "Parameters": [{"S": who}]}]
    )


# name -> call(client, table, tenant): each succeeds for the caller's own tenant, and is refused for the other's.
CALLS: dict[str, Callable[[Any, str, str], Any]] = {
    "GetItem": lambda client, table, who: client.get_item(TableName=table, Key=key(who)),
    "PutItem": lambda client, table, who: client.put_item(
        TableName=table, Item=key(who) | {"owner": {"S": who}, "v": {"S": "x"}}
    ),
    "UpdateItem": lambda client, table, who: client.update_item(
        TableName=table,
        Key=key(who),
        UpdateExpression="SET v = :v",
        ExpressionAttributeValues={":v": {"S": "x"}},
    ),
    "UpdateItem, legacy": lambda client, table, who: client.update_item(
        TableName=table, Key=key(who), AttributeUpdates={"v": {"Value": {"S": "x"}}}
    ),
    "DeleteItem": lambda client, table, who: client.delete_item(
        TableName=table, Key={"tenant": {"S": who}, "sort": {"S": "gone"}}
    ),
    "Query": query,
    "Query, COUNT": lambda client, table, who: query(client, table, who, Select="COUNT"),
    "Query, value first": lambda client, table, who: client.query(
        TableName=table,
        KeyConditionExpression=":t = #t and begins_with(sort, :s)",
        ExpressionAttributeNames={"#t": "tenant"},
        ExpressionAttributeValues={":t": {"S": who}, ":s": {"S": "1"}},
    ),
    "Query, legacy KeyConditions": lambda client, table, who: client.query(
        TableName=table,
        KeyConditions={"tenant": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": who}]}},
    ),
    "Query, index": lambda client, table, who: client.query(
        TableName=table,
        IndexName="by-owner",
        KeyConditionExpression="#o = :t",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":t": {"S": who}},
    ),
    "BatchGetItem": lambda client, table, who: client.batch_get_item(RequestItems={table: {"Keys": [key(who)]}}),
    "BatchWriteItem, put": lambda client, table, who: client.batch_write_item(
        RequestItems={table: [{"PutRequest": {"Item": key(who) | {"owner": {"S": who}, "v": {"S": "x"}}}}]}
    ),
    "BatchWriteItem, delete": lambda client, table, who: client.batch_write_item(
        RequestItems={table: [{"DeleteRequest": {"Key": {"tenant": {"S": who}, "sort": {"S": "gone"}}}}]}
    ),
    "TransactGetItems": lambda client, table, who: client.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": key(who)}}]
    ),
    **{f"TransactWriteItems, {kind}": transaction_of(kind) for kind in ("Put", "Update", "Delete", "ConditionCheck")},
    "SELECT, parameter": statement('SELECT * FROM "{t}" WHERE tenant = {w}'),
    "SELECT, literal": statement('SELECT * FROM "{t}" WHERE tenant = {w}', literal=True),
    "SELECT, value first": statement('SELECT * FROM "{t}" WHERE {w} = tenant'),
    "SELECT, IN": statement('SELECT * FROM "{t}" WHERE tenant IN ({w})', literal=True),
    "SELECT, OR": statement('SELECT * FROM "{t}" WHERE tenant = {w} AND (v = 1 OR v = 2)'),
    "SELECT, index in FROM": statement('SELECT * FROM "{t}"."by-owner" WHERE "owner" = {w}'),
    "INSERT, literal": statement("INSERT INTO \"{t}\" VALUE {{'tenant': {w}, 'sort': 'i1'}}", literal=True),
    "INSERT, parameter": statement("INSERT INTO \"{t}\" VALUE {{'tenant': {w}, 'sort': 'i2'}}"),
    "UPDATE, literal": statement("UPDATE \"{t}\" SET v = 'x' WHERE tenant = {w} AND sort = '1'", literal=True),
    "UPDATE, parameter": statement("UPDATE \"{t}\" SET v = 'x' WHERE tenant = {w} AND sort = '1'"),
    "DELETE, literal": statement("DELETE FROM \"{t}\" WHERE tenant = {w} AND sort = 'gone'", literal=True),
    "DELETE, parameter": statement("DELETE FROM \"{t}\" WHERE tenant = {w} AND sort = 'gone'"),
    "BatchExecuteStatement": execute_batch,
    "ExecuteTransaction, SELECT": execute_transaction("SELECT * FROM \"{t}\" WHERE tenant = ? AND sort = '1'"),
    "ExecuteTransaction, UPDATE": execute_transaction("UPDATE \"{t}\" SET v = 'x' WHERE tenant = ? AND sort = '1'"),
    "ExecuteTransaction, EXISTS": execute_transaction(
        "EXISTS(SELECT * FROM \"{t}\" WHERE tenant = ? AND sort = '1' AND v = 'x')"
    ),
}


# Each way to a key: open to the tenant's own, closed to his neighbour's, in AWS's words.
@pytest.mark.parametrize("name", CALLS)
def test_a_tenant_has_his_own_key_alone(tenant: Tenant, name: str) -> None:
    CALLS[name](tenant.client, tenant.table, tenant.name)
    with pytest.raises(ClientError) as caught:
        CALLS[name](tenant.client, tenant.table, tenant.other)
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert f":user/{tenant.name} is not authorized to perform: dynamodb:" in error["Message"]
    assert f"table/{tenant.table}" in error["Message"]


# Own and foreign keys in one request, where one of them is enough to refuse it; nothing of it is done.
MIXED: dict[str, Callable[[Any, str, str, str], Any]] = {
    "BatchGetItem": lambda client, table, own, other: client.batch_get_item(
        RequestItems={table: {"Keys": [key(own), key(other)]}}
    ),
    "BatchWriteItem": lambda client, table, own, other: client.batch_write_item(
        RequestItems={table: [{"PutRequest": {"Item": key(who) | {"stolen": {"BOOL": True}}}} for who in (own, other)]}
    ),
    "TransactGetItems": lambda client, table, own, other: client.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": key(who)}} for who in (own, other)]
    ),
    "TransactWriteItems": lambda client, table, own, other: client.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": key(who) | {"stolen": {"BOOL": True}}}} for who in (own, other)
        ]
    ),
    "SELECT, IN": lambda client, table, own, other: client.execute_statement(
        Statement=f'SELECT * FROM "{table}" WHERE tenant IN (?, ?)', Parameters=[{"S": own}, {"S": other}]
    ),
    "SELECT, OR": lambda client, table, own, other: client.execute_statement(
        Statement=f'SELECT * FROM "{table}" WHERE tenant = ? OR tenant = ?', Parameters=[{"S": own}, {"S": other}]
    ),
    "BatchExecuteStatement": lambda client, table, own, other: client.batch_execute_statement(
        Statements=[
            {
                "Statement": f"SELECT * FROM \"{table}\" WHERE tenant = ? AND sort = '1'",
                "Parameters": [{"S": who}],
            }
            for who in (own, other)
        ]
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_one_foreign_key_refuses_all(dynamodb: Any, tenant: Tenant, name: str) -> None:
    with pytest.raises(ClientError) as caught:
        MIXED[name](tenant.client, tenant.table, tenant.name, tenant.other)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    own = dynamodb.get_item(TableName=tenant.table, Key=key(tenant.name), ConsistentRead=True)["Item"]
    assert "stolen" not in own


# What names no partition key reaches for all of them: a grant on one does not open it, with or without a filter on it.
WITHOUT_KEY: dict[str, Callable[[Any, str, str], Any]] = {
    "Scan": lambda client, table, own: client.scan(TableName=table),
    "Scan, filtered": lambda client, table, own: client.scan(
        TableName=table, FilterExpression="tenant = :t", ExpressionAttributeValues={":t": {"S": own}}
    ),
    "Scan, legacy filter": lambda client, table, own: client.scan(
        TableName=table,
        ScanFilter={"tenant": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": own}]}},
    ),
    "Scan, segment": lambda client, table, own: client.scan(TableName=table, Segment=0, TotalSegments=4),
    "Scan, started at the own key": lambda client, table, own: client.scan(TableName=table, ExclusiveStartKey=key(own)),
    "Scan, index": lambda client, table, own: client.scan(TableName=table, IndexName="by-owner"),
    "SELECT": lambda client, table, own: client.execute_statement(Statement=f'SELECT * FROM "{table}"'),
    "SELECT, index": lambda client, table, own: client.execute_statement(
        Statement=f'SELECT * FROM "{table}"."by-owner"'
    ),
    "SELECT, index, by the table's key": lambda client, table, own: client.execute_statement(
        Statement=f'SELECT * FROM "{table}"."by-owner" WHERE tenant = ?', Parameters=[{"S": own}]
    ),
    "SELECT, OR with another attribute": lambda client, table, own: client.execute_statement(
        Statement=f"SELECT * FROM \"{table}\" WHERE tenant = ? OR v = 'x'", Parameters=[{"S": own}]
    ),
    "SELECT, NOT": lambda client, table, own: client.execute_statement(
        Statement=f'SELECT * FROM "{table}" WHERE NOT tenant = ?', Parameters=[{"S": own}]
    ),
    "SELECT, order of the keys": lambda client, table, own: client.execute_statement(
        Statement=f'SELECT * FROM "{table}" WHERE tenant >= ?', Parameters=[{"S": own}]
    ),
    "SELECT, begins_with": lambda client, table, own: client.execute_statement(
        Statement=f'SELECT * FROM "{table}" WHERE begins_with(tenant, ?)', Parameters=[{"S": own}]
    ),
    "SELECT, the key of the other table": lambda client, table, own: client.execute_statement(
        Statement=f"SELECT * FROM \"{table}\" WHERE sort = '1'"
    ),
}


@pytest.mark.parametrize("name", WITHOUT_KEY)
def test_no_key_is_every_key(tenant: Tenant, name: str) -> None:
    with pytest.raises(ClientError) as caught:
        WITHOUT_KEY[name](tenant.client, tenant.table, tenant.name)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


# Two conditions on the key: what is read is what is judged. (One that nothing satisfies may also be refused as wrong.)
def test_contradictions_open_nothing(tenant: Tenant) -> None:
    for first, second in ((tenant.name, tenant.other), (tenant.other, tenant.name)):
        try:
            answer = tenant.client.execute_statement(
                Statement=f'SELECT * FROM "{tenant.table}" WHERE tenant = ? AND tenant = ?',
                Parameters=[{"S": first}, {"S": second}],
            )
        except ClientError:
            continue
        assert answer["Items"] == []


# A token that was edited continues no further than its statement reads.
def test_a_forged_token_opens_nothing(tenant: Tenant) -> None:
    text, own = f'SELECT * FROM "{tenant.table}" WHERE tenant = ?', [{"S": tenant.name}]
    for sort in ("a1", "a2"):
        tenant.client.put_item(TableName=tenant.table, Item={"tenant": {"S": tenant.name}, "sort": {"S": sort}})
    token = tenant.client.execute_statement(Statement=text, Parameters=own, Limit=1)["NextToken"]
    digest, number, _ = json.loads(base64.b64decode(token))
    for sort in ("0", "1", "2"):
        forged = [digest, number, {"tenant": {"S": tenant.other}, "sort": {"S": sort}}]
        try:
            answer = tenant.client.execute_statement(
                Statement=text, Parameters=own, NextToken=base64.b64encode(json.dumps(forged).encode()).decode()
            )
        except ClientError:
            continue
        assert {item["tenant"]["S"] for item in answer["Items"]} <= {tenant.name}


# Numbers are compared as DynamoDB keeps them, binary keys as base64: no other spelling of a foreign key passes.
@pytest.mark.parametrize(
    ("kind", "granted", "own", "foreign"),
    [
        ("N", ["10"], ["10", "10.0", "1e1", "0010"], ["1", "100", "10.01", "-10"]),
        ("B", [base64.b64encode(b"me").decode()], [b"me"], [b"you", b"m", b"bWU="]),
    ],
)
def test_keys_of_other_types(
    dynamodb: Any, user: Any, kind: str, granted: list[str], own: list[Any], foreign: list[Any]
) -> None:
    table = tenant_table(dynamodb, kind)
    client = user(document(table, granted))
    for value in own:
        client.put_item(TableName=table, Item={"tenant": {kind: value}, "sort": {"S": "1"}})
    for value in foreign:
        for call in (
            lambda value=value: client.get_item(TableName=table, Key={"tenant": {kind: value}, "sort": {"S": "1"}}),
            lambda value=value: client.execute_statement(
                Statement=f'SELECT * FROM "{table}" WHERE tenant = ?', Parameters=[{kind: value}]
            ),
        ):
            with pytest.raises(ClientError) as caught:
                call()
            assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    dynamodb.delete_table(TableName=table)


# AWS's example of attributes that are hidden: nothing that names one passes, nor anything that shows whole items.
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("open projection", True),
        ("hidden projection", False),
        ("hidden projection by #name", False),
        ("hidden projection of a part", False),
        ("no projection", False),
        ("legacy, open", True),
        ("legacy, hidden", False),
        ("query, open", True),
        ("query, hidden filter", False),
        ("query, whole items", False),
        ("query, count", False),
        ("scan, open", True),
        ("scan, hidden filter", False),
        ("batch, hidden", False),
        ("batch, open", True),
        ("update, open", True),
        ("update, hidden", False),
        ("update, hidden on the right", False),
        ("update, hidden in a function", False),
        ("update, hidden condition", False),
        ("update, ALL_OLD", False),
        ("update, ALL_NEW", False),
        ("update, UPDATED_NEW", True),
        ("update, shown when the condition fails", False),
        ("put, hidden", False),
        ("select, open", True),
        ("select, *", False),
        ("select, hidden", False),
        ("select, hidden in WHERE", False),
        ("partiql update, hidden", False),
        ("partiql update, RETURNING ALL OLD", False),
        ("transaction, hidden in a check", False),
        ("transaction, shown when a check fails", False),
        ("transaction get, hidden", False),
        ("transaction get, open", True),
    ],
)
def test_hidden_attributes(hiding: tuple[str, Any], name: str, verdict: bool) -> None:
    table, client = hiding
    target = {"TableName": table, "Key": key("t")}
    by_key = {
        "TableName": table,
        "KeyConditionExpression": "tenant = :t",
        "ExpressionAttributeValues": {":t": {"S": "t"}},
    }
    value = {":v": {"S": "x"}}
    update = {**target, "UpdateExpression": "SET v = :v", "ExpressionAttributeValues": value}
    check = {**target, "ConditionExpression": "v = :v", "ExpressionAttributeValues": value}
    where = f"""FROM "{table}" WHERE tenant = 't'"""
    change = f"""UPDATE "{table}" SET v = 'x' WHERE tenant = 't' AND sort = '1'"""
    calls: dict[str, Callable[[], Any]] = {
        "open projection": lambda: client.get_item(**target, ProjectionExpression="v"),
        "hidden projection": lambda: client.get_item(**target, ProjectionExpression="v, secret"),
        "hidden projection by #name": lambda: client.get_item(
            **target, ProjectionExpression="#s", ExpressionAttributeNames={"#s": "secret"}
        ),
        "hidden projection of a part": lambda: client.get_item(**target, ProjectionExpression="secret.v[0]"),
        "no projection": lambda: client.get_item(**target),
        "legacy, open": lambda: client.get_item(**target, AttributesToGet=["v"]),
        "legacy, hidden": lambda: client.get_item(**target, AttributesToGet=["secret"]),
        "query, open": lambda: client.query(**by_key, ProjectionExpression="v"),
        "query, hidden filter": lambda: client.query(
            **by_key, ProjectionExpression="v", FilterExpression="attribute_exists(secret)"
        ),
        "query, whole items": lambda: client.query(**by_key),
        "query, count": lambda: client.query(**by_key, Select="COUNT"),
        "scan, open": lambda: client.scan(TableName=table, ProjectionExpression="v"),
        "scan, hidden filter": lambda: client.scan(
            TableName=table,
            ProjectionExpression="v",
            FilterExpression="begins_with(secret, :v)",
            ExpressionAttributeValues=value,
        ),
        "batch, hidden": lambda: client.batch_get_item(
            RequestItems={table: {"Keys": [key("t")], "ProjectionExpression": "secret"}}
        ),
        "batch, open": lambda: client.batch_get_item(
            RequestItems={table: {"Keys": [key("t")], "ProjectionExpression": "v"}}
        ),
        "update, open": lambda: client.update_item(**update),
        "update, hidden": lambda: client.update_item(**{**update, "UpdateExpression": "SET secret = :v"}),
        "update, hidden on the right": lambda: client.update_item(**target, UpdateExpression="SET v = secret"),
        "update, hidden in a function": lambda: client.update_item(
            **{**update, "UpdateExpression": "SET v = if_not_exists(secret, :v)"}
        ),
        "update, hidden condition": lambda: client.update_item(**update, ConditionExpression="size(secret) > :v"),
        "update, ALL_OLD": lambda: client.update_item(**update, ReturnValues="ALL_OLD"),
        "update, ALL_NEW": lambda: client.update_item(**update, ReturnValues="ALL_NEW"),
        "update, UPDATED_NEW": lambda: client.update_item(**update, ReturnValues="UPDATED_NEW"),
        "update, shown when the condition fails": lambda: client.update_item(
            **update, ConditionExpression="attribute_not_exists(v)", ReturnValuesOnConditionCheckFailure="ALL_OLD"
        ),
        "put, hidden": lambda: client.put_item(TableName=table, Item=key("t") | {"secret": {"S": "x"}}),
        "select, open": lambda: client.execute_statement(Statement=f"SELECT v {where}"),
        "select, *": lambda: client.execute_statement(Statement=f"SELECT * {where}"),
        "select, hidden": lambda: client.execute_statement(Statement=f"SELECT secret {where}"),
        "select, hidden in WHERE": lambda: client.execute_statement(Statement=f"SELECT v {where} AND secret = 'x'"),
        "partiql update, hidden": lambda: client.execute_statement(Statement=change.replace("SET v", "SET secret")),
        "partiql update, RETURNING ALL OLD": lambda: client.execute_statement(
            Statement=f"{change} RETURNING ALL OLD *"
        ),
        "transaction, hidden in a check": lambda: client.transact_write_items(
            TransactItems=[{"ConditionCheck": {**check, "ConditionExpression": "secret = :v"}}]
        ),
        "transaction, shown when a check fails": lambda: client.transact_write_items(
            TransactItems=[{"ConditionCheck": {**check, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}]
        ),
        "transaction get, hidden": lambda: client.transact_get_items(
            TransactItems=[{"Get": {**target, "ProjectionExpression": "secret"}}]
        ),
        "transaction get, open": lambda: client.transact_get_items(
            TransactItems=[{"Get": {**target, "ProjectionExpression": "v"}}]
        ),
    }
    if verdict:
        calls[name]()
        return
    with pytest.raises(ClientError) as caught:
        calls[name]()
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


@pytest.fixture(scope="module")
def hiding(dynamodb: Any, user: Any) -> Iterator[tuple[str, Any]]:
    """A table whose attribute ``secret`` is hidden by AWS's documented policy, and a client of whom it is hidden from."""
    table = tenant_table(dynamodb, "S")
    dynamodb.put_item(TableName=table, Item=key("t") | {"v": {"S": "x"}, "secret": {"S": "x"}})
    condition = {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["tenant", "sort", "v"]},
        "StringEqualsIfExists": {
            "dynamodb:Select": "SPECIFIC_ATTRIBUTES",
            "dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"],
        },
    }
    yield table, user(document(table, [], Condition=condition))
    dynamodb.delete_table(TableName=table)
