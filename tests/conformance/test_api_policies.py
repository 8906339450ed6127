"""Policies of every kind, end to end: of users and roles, of tables, streams and functions, boundaries and sessions."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

NOTHING = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def verdict(call: Callable[..., Any], **parameters: Any) -> str:
    """ "allowed", or the end of the refusal's message."""
    try:
        call(**parameters)
    except ClientError as error:
        told = error.response["Error"]
        if told["Code"] not in ("AccessDeniedException", "AccessDenied"):
            return "allowed"
        message = str(told["Message"])
        return message[message.index(" with an ") + 1 :] if " with an " in message else message.split(" because ")[-1]
    return "allowed"


def no(layer: str, action: str) -> str:
    return f"no {layer} allows the {action} action"


@pytest.fixture
def table(dynamodb: Any, make_table: Callable[..., str]) -> tuple[str, str]:
    """(name, ARN) of a table with a stream and an index, which has no policy."""
    name = make_table(
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("p", "g")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return name, dynamodb.describe_table(TableName=name)["Table"]["TableArn"]


def arn_of(client_of: Callable[..., Any], client: Any) -> str:
    keys = client._request_signer._credentials
    sts = client_of("sts", aws_access_key_id=keys.access_key, aws_secret_access_key=keys.secret_key)
    return str(sts.get_caller_identity()["Arn"])


# Within an account the table's policy is enough; what it denies nobody's own policy opens; its indexes are its own.
def test_a_tables_policy(dynamodb: Any, user: Any, client_of: Callable[..., Any], table: tuple[str, str]) -> None:
    name, arn = table
    client = user(document(NOTHING))
    alice = {"AWS": arn_of(client_of, client)}
    get = {"TableName": name, "Key": {"p": {"S": "1"}}}
    assert verdict(client.get_item, **get) == no("identity-based policy", "dynamodb:GetItem")
    policy = document(
        allow(["dynamodb:GetItem", "dynamodb:Query"], [arn, f"{arn}/index/*"], Principal=alice),
        allow("dynamodb:Scan", arn, Principal={"AWS": arn.split(":")[4]}),
        deny("dynamodb:DeleteTable", arn, Principal="*"),
    )
    revision = dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy)["RevisionId"]
    assert dynamodb.get_resource_policy(ResourceArn=arn)["RevisionId"] == revision
    assert verdict(client.get_item, **get) == "allowed"
    query = {"TableName": name, "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "1"}}}
    assert verdict(client.query, **query, IndexName="by-g") == "allowed"
    # To name the account hands the decision to the account's own policies.
    assert verdict(client.scan, TableName=name) == no("identity-based policy", "dynamodb:Scan")
    other = user(document(allow("dynamodb:*")))
    assert verdict(other.scan, TableName=name) == "allowed"
    assert verdict(other.delete_table, TableName=name) == "with an explicit deny in a resource-based policy"
    dynamodb.delete_resource_policy(ResourceArn=arn)
    assert verdict(client.get_item, **get) == no("identity-based policy", "dynamodb:GetItem")


# What a table's policy allows to a user or a session by name, neither boundary nor session policy takes back by silence;
# what it allows to a role they do. An explicit deny in either counts always.
def test_direct_grants(
    iam: Any, dynamodb: Any, user: Any, client_of: Callable[..., Any], table: tuple[str, str], account: str
) -> None:
    name, arn = table
    get = {"TableName": name, "Key": {"p": {"S": "1"}}}
    put = {"TableName": name, "Item": {"p": {"S": "1"}}}
    bounded = user(document(allow("dynamodb:*")))
    bob = arn_of(client_of, bounded)
    boundary = iam.create_policy(
        PolicyName=f"b-{uuid.uuid4().hex[:8]}", PolicyDocument=document(allow("s3:*"), deny("dynamodb:PutItem"))
    )["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=bob.rpartition("/")[2], PermissionsBoundary=boundary)
    assert verdict(bounded.get_item, **get) == no("permissions boundary", "dynamodb:GetItem")
    role_name = f"r-{uuid.uuid4().hex[:12]}"
    trust = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": account}})
    role = iam.create_role(RoleName=role_name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    session = f"arn:aws:sts::{account}:assumed-role/{role_name}/direct"

    def assumed(session_name: str) -> Any:
        issued = client_of("sts").assume_role(
            RoleArn=role, RoleSessionName=session_name, Policy=document(allow("s3:*"), deny("dynamodb:PutItem"))
        )["Credentials"]
        return client_of(
            "dynamodb",
            aws_access_key_id=issued["AccessKeyId"],
            aws_secret_access_key=issued["SecretAccessKey"],
            aws_session_token=issued["SessionToken"],
        )

    actions = ["dynamodb:GetItem", "dynamodb:PutItem"]
    by_name = assumed("direct")
    for principal, by_role in (([bob, role], False), ([bob, session], True)):
        dynamodb.put_resource_policy(
            ResourceArn=arn, Policy=document(allow(actions, arn, Principal={"AWS": principal}))
        )
        assert verdict(bounded.get_item, **get) == "allowed"
        assert verdict(by_name.get_item, **get) == ("allowed" if by_role else no("session policy", "dynamodb:GetItem"))
    assert verdict(bounded.put_item, **put) == "with an explicit deny in a permissions boundary"
    assert verdict(by_name.put_item, **put) == "with an explicit deny in a session policy"
    assert verdict(assumed("another").get_item, **get) == no("identity-based policy", "dynamodb:GetItem")
    # Everybody is nobody by name: the session's policy counts.
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=document(allow(actions, arn, Principal="*")))
    assert verdict(by_name.get_item, **get) == no("session policy", "dynamodb:GetItem")
    dynamodb.delete_resource_policy(ResourceArn=arn)
    iam.delete_user_permissions_boundary(UserName=bob.rpartition("/")[2])
    iam.delete_policy(PolicyArn=boundary)
    iam.delete_role(RoleName=role_name)


# A policy that takes from its author the right to change it again is refused, unless he says that he means it.
def test_lock_out(user: Any, table: tuple[str, str]) -> None:
    _, arn = table
    client = user(document(allow("dynamodb:*")))
    policy = document(deny("dynamodb:PutResourcePolicy", arn, Principal="*"))
    with pytest.raises(ClientError) as caught:
        client.put_resource_policy(ResourceArn=arn, Policy=policy)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    client.put_resource_policy(ResourceArn=arn, Policy=document(deny("dynamodb:Scan", arn, Principal="*")))
    client.put_resource_policy(ResourceArn=arn, Policy=policy, ConfirmRemoveSelfResourceAccess=True)
    assert verdict(client.put_resource_policy, ResourceArn=arn, Policy=policy) == (
        "with an explicit deny in a resource-based policy"
    )


# To have meant it once is not to mean it always.
def test_lock_out_again(user: Any, table: tuple[str, str]) -> None:
    _, arn = table
    client = user(document(allow("dynamodb:*")))
    client.put_resource_policy(
        ResourceArn=arn,
        Policy=document(deny("dynamodb:Scan", arn, Principal="*")),
        ConfirmRemoveSelfResourceAccess=True,
    )
    client.delete_resource_policy(ResourceArn=arn)
    with pytest.raises(ClientError) as caught:
        client.put_resource_policy(
            ResourceArn=arn, Policy=document(deny("dynamodb:PutResourcePolicy", arn, Principal="*"))
        )
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert verdict(client.delete_resource_policy, ResourceArn=arn) == "allowed"


# What could never be evaluated is never stored.
@pytest.mark.parametrize(
    "text",
    [
        document({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}),
        document({"Effect": "Allow", "Action": "dynamodb:*", "Principal": "*"}),
        document({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*", "Principal": {"AWS": "alice"}}),
        document({"Effect": "Perhaps", "Action": "dynamodb:*", "Resource": "*", "Principal": "*"}),
        "[]",
    ],
)
def test_no_policies(dynamodb: Any, table: tuple[str, str], text: str) -> None:
    with pytest.raises(ClientError) as caught:
        dynamodb.put_resource_policy(ResourceArn=table[1], Policy=text)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


# A stream has a policy of its own.
def test_a_streams_policy(dynamodb: Any, user: Any, client_of: Callable[..., Any], table: tuple[str, str]) -> None:
    stream = dynamodb.describe_table(TableName=table[0])["Table"]["LatestStreamArn"]
    client = user(document(NOTHING))
    keys = client._request_signer._credentials
    streams = client_of("dynamodbstreams", aws_access_key_id=keys.access_key, aws_secret_access_key=keys.secret_key)
    assert verdict(streams.describe_stream, StreamArn=stream) == no("identity-based policy", "dynamodb:DescribeStream")
    alice = {"AWS": arn_of(client_of, client)}
    policy = document(allow("dynamodb:DescribeStream", stream, Principal=alice))
    dynamodb.put_resource_policy(ResourceArn=stream, Policy=policy)
    assert json.loads(dynamodb.get_resource_policy(ResourceArn=stream)["Policy"]) == json.loads(policy)
    assert verdict(streams.describe_stream, StreamArn=stream) == "allowed"
    dynamodb.delete_resource_policy(ResourceArn=stream)
    assert verdict(streams.describe_stream, StreamArn=stream) == no("identity-based policy", "dynamodb:DescribeStream")


# No other spelling of a resource's ARN gets by a statement that names it.
def test_spellings_of_an_arn(user: Any, table: tuple[str, str]) -> None:
    name, arn = table
    client = user(document(allow("dynamodb:*"), deny("dynamodb:*", [arn, f"{arn}/*"])))
    tags = [{"Key": "a", "Value": "b"}]
    for spelled in (arn, arn.replace("arn:aws:", "arn:aws-cn:"), f"{arn.rpartition('/')[0]}/x/{name}", arn + "/"):
        for call in (
            lambda arn=spelled: client.tag_resource(ResourceArn=arn, Tags=tags),
            lambda arn=spelled: client.put_resource_policy(ResourceArn=arn, Policy=document(NOTHING)),
            lambda arn=spelled: client.get_resource_policy(ResourceArn=arn),
            lambda arn=spelled: client.describe_table(TableName=arn),
        ):
            with pytest.raises(ClientError) as caught:
                call()
            assert caught.value.response["Error"]["Code"] in (
                "AccessDeniedException",
                "ValidationException",
                "ResourceNotFoundException",
            )


# A function's permissions count for the account's own users too.
def test_a_functions_policy(iam: Any, functions: Any, user: Any, client_of: Callable[..., Any], name: str) -> None:
    trust = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("code.py", "def handler(event, context):\n    return event\n")
    functions.create_function(
        FunctionName=name, Runtime="python3.11", Role=role, Handler="code.handler", Code={"ZipFile": packed.getvalue()}
    )
    client = user(document(NOTHING))
    keys = client._request_signer._credentials
    own = client_of("lambda", aws_access_key_id=keys.access_key, aws_secret_access_key=keys.secret_key)
    assert verdict(own.get_function, FunctionName=name) == no("identity-based policy", "lambda:GetFunction")
    functions.add_permission(
        FunctionName=name, StatementId="s", Action="lambda:GetFunction", Principal=arn_of(client_of, client)
    )
    assert verdict(own.get_function, FunctionName=name) == "allowed"
    functions.delete_function(FunctionName=name)
    iam.delete_role(RoleName=name)


# AWS's documented policies about PartiQL, transactions and tags, each with a call that it allows and one that it refuses.
@pytest.mark.parametrize(
    "case", ["full scans", "transactions only", "no transactions", "tags", "request tags", "select"]
)
def test_documented_policies(dynamodb: Any, user: Any, table: tuple[str, str], case: str) -> None:
    name, arn = table
    both = [arn, f"{arn}/index/*"]
    item = {"p": {"S": "1"}, "g": {"S": "1"}}
    dynamodb.put_item(TableName=name, Item=item)
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "Stage", "Value": "test"}])
    in_transaction = ["TransactWriteItems", "TransactGetItems"]
    policies = {
        "full scans": document(
            deny("dynamodb:PartiQLSelect", both, Condition={"Bool": {"dynamodb:FullTableScan": ["true"]}}),
            allow("dynamodb:PartiQLSelect", both),
        ),
        "transactions only": document(
            allow(
                "dynamodb:*",
                both,
                Condition={"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": in_transaction}},
            )
        ),
        "no transactions": document(
            allow("dynamodb:*", both),
            deny(
                "dynamodb:*",
                both,
                Condition={"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": in_transaction}},
            ),
        ),
        "tags": document(allow("dynamodb:*", both, Condition={"StringEquals": {"aws:ResourceTag/Stage": "test"}})),
        "request tags": document(
            allow(
                "dynamodb:TagResource",
                "*",
                Condition={
                    "StringEquals": {"aws:RequestTag/Team": "red"},
                    "ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]},
                },
            )
        ),
        "select": document(
            allow("dynamodb:Query", both, Condition={"StringEquals": {"dynamodb:Select": "ALL_PROJECTED_ATTRIBUTES"}})
        ),
    }
    client = user(policies[case])
    put = {"TableName": name, "Item": item}
    by_g = {"TableName": name, "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "1"}}}
    by_p = {**by_g, "KeyConditionExpression": "p = :g"}

    def select(rest: str) -> Callable[[], Any]:
        return lambda: client.execute_statement(Statement=f'SELECT * FROM "{name}"{rest}')

    def tag(**tags: str) -> Callable[[], Any]:
        given = [{"Key": key, "Value": value} for key, value in tags.items()]
        return lambda: client.tag_resource(ResourceArn=arn, Tags=given)

    together = {"TransactItems": [{"Put": put}]}
    calls: dict[str, tuple[list[Callable[[], Any]], list[Callable[[], Any]]]] = {
        "full scans": (
            [select(" WHERE p = '1'"), select(" WHERE p IN ('1', '2')"), select(".\"by-g\" WHERE g = '1'")],
            [select(""), select(" WHERE g = '1'"), select(".\"by-g\" WHERE p = '1'"), select(" WHERE p > '1'")],
        ),
        "transactions only": (
            [lambda: client.transact_write_items(**together)],
            [lambda: client.put_item(**put), select(" WHERE p = '1'")],
        ),
        "no transactions": (
            [lambda: client.put_item(**put), select(" WHERE p = '1'")],
            [lambda: client.transact_write_items(**together)],
        ),
        "tags": (
            [lambda: client.put_item(**put), lambda: client.query(**by_g, IndexName="by-g")],
            [lambda: client.list_tables()],
        ),
        "request tags": ([tag(Team="red")], [tag(Team="blue"), tag(Team="red", Stage="live"), tag(Stage="live")]),
        "select": (
            [
                lambda: client.query(**by_g, IndexName="by-g"),
                lambda: client.query(**by_g, IndexName="by-g", Select="ALL_PROJECTED_ATTRIBUTES"),
            ],
            [
                lambda: client.query(**by_p),
                lambda: client.query(**by_g, IndexName="by-g", ProjectionExpression="p"),
                lambda: client.query(**by_g, IndexName="by-g", Select="ALL_ATTRIBUTES"),
            ],
        ),
    }
    allowed, refused = calls[case]
    for call in allowed:
        call()
    for call in refused:
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


# A stream has every tenant's items: a grant on one partition key opens its description, and none of its records.
def test_a_stream_is_no_way_around_leading_keys(
    dynamodb: Any, user: Any, client_of: Callable[..., Any], table: tuple[str, str]
) -> None:
    name, arn = table
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}}
    client = user(document(allow("dynamodb:*", [arn, f"{arn}/*"], Condition=condition)))
    client.put_item(TableName=name, Item={"p": {"S": "mine"}})
    keys = client._request_signer._credentials
    streams = client_of("dynamodbstreams", aws_access_key_id=keys.access_key, aws_secret_access_key=keys.secret_key)
    stream = dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    place = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    assert verdict(streams.get_records, ShardIterator=place["ShardIterator"]) == (
        no("identity-based policy", "dynamodb:GetRecords")
    )
