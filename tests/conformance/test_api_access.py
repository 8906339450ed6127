"""IAM and STS, and what users' and sessions' keys may do; and the log service as any client uses it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

VERSION = "2012-10-17"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": VERSION, "Statement": list(statements)})


def trust(**principal: str) -> str:
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


# A role and all that hangs on it: made, read, refused where it must be, and deleted in order.
def test_life_of_a_role(iam: Any, account: str, name: str, refusal: Any) -> None:
    lambda_trust = trust(Service="lambda.amazonaws.com")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=lambda_trust, Description="d")["Role"]
    assert role["Arn"] == f"arn:aws:iam::{account}:role/{name}"
    assert role["RoleId"].startswith("AROA")
    shown = iam.get_role(RoleName=name)["Role"]
    assert (shown["AssumeRolePolicyDocument"], shown["Path"]) == (json.loads(lambda_trust), "/")
    assert refusal(iam.create_role, RoleName=name, AssumeRolePolicyDocument=lambda_trust) == (
        "EntityAlreadyExists",
        f"Role with name {name} already exists.",
    )
    assert name in [each["RoleName"] for page in iam.get_paginator("list_roles").paginate() for each in page["Roles"]]
    policy = document({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"})
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy)
    assert iam.get_role_policy(RoleName=name, PolicyName="inline")["PolicyDocument"] == json.loads(policy)
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["inline"]
    iam.attach_role_policy(RoleName=name, PolicyArn=READ_ONLY)
    (attached,) = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached == {"PolicyName": "AmazonDynamoDBReadOnlyAccess", "PolicyArn": READ_ONLY}
    assert refusal(iam.delete_role, RoleName=name) == (
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
    )
    iam.detach_role_policy(RoleName=name, PolicyArn=READ_ONLY)
    assert refusal(iam.delete_role, RoleName=name) == (
        "DeleteConflict",
        "Cannot delete entity, must delete policies first.",
    )
    iam.delete_role_policy(RoleName=name, PolicyName="inline")
    assert refusal(iam.get_role_policy, RoleName=name, PolicyName="inline") == (
        "NoSuchEntity",
        "The role policy with name inline cannot be found.",
    )
    iam.delete_role(RoleName=name)
    assert refusal(iam.get_role, RoleName=name) == ("NoSuchEntity", f"The role with name {name} cannot be found.")


# A managed policy: made, attached, kept while attached, deleted.
def test_life_of_a_policy(iam: Any, account: str, name: str, refusal: Any) -> None:
    text = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    policy = iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]
    arn = f"arn:aws:iam::{account}:policy/{name}"
    assert (policy["Arn"], policy["DefaultVersionId"], policy["AttachmentCount"]) == (arn, "v1", 0)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(Service="lambda.amazonaws.com"))
    iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert refusal(iam.delete_policy, PolicyArn=arn) == (
        "DeleteConflict",
        "Cannot delete a policy attached to entities.",
    )
    iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    iam.delete_role(RoleName=name)
    assert refusal(iam.get_policy, PolicyArn=arn)[0] == "NoSuchEntity"


# Documents that are no policies are refused when they come, not when they would have counted.
@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        json.dumps({"Version": "2020-01-01", "Statement": []}),
        document({"Effect": "Maybe", "Action": "s3:*", "Resource": "*"}),
        document({"Effect": "Allow", "Resource": "*"}),
        document({"Effect": "Allow", "Action": "s3:*"}),
        document({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Nonsense": 1}),
        document({"Effect": "Allow", "Action": "everything", "Resource": "*"}),
    ],
)
def test_malformed_policies(iam: Any, name: str, refusal: Any, text: str) -> None:
    assert refusal(iam.create_policy, PolicyName=name, PolicyDocument=text)[0] == "MalformedPolicyDocument"


@pytest.fixture
def user(iam: Any, name: str, client_of: Callable[..., Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """(name, credentials) of a user without any permission."""
    iam.create_user(UserName=name)
    issued = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"aws_access_key_id": issued["AccessKeyId"], "aws_secret_access_key": issued["SecretAccessKey"]}
    yield name, keys
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


# A user's access key does what the user's policies allow, in every service, and says who it is.
def test_user_is_limited(
    iam: Any, user: tuple[str, dict[str, str]], client_of: Callable[..., Any], simple: str, key: str,
    account: str, refusal: Any
) -> None:  # fmt: skip
    name, keys = user
    arn = f"arn:aws:iam::{account}:user/{name}"
    identity = client_of("sts", **keys).get_caller_identity()
    assert (identity["Arn"], identity["Account"]) == (arn, account)
    own = client_of("dynamodb", **keys)
    table = f"arn:aws:dynamodb:{own.meta.region_name}:{account}:table/{simple}"

    def denied(action: str, resource: str = table) -> str:
        return (
            f"User: {arn} is not authorized to perform: dynamodb:{action} on resource: {resource} "
            f"because no identity-based policy allows the dynamodb:{action} action"
        )

    target = {"TableName": simple, "Key": {"p": {"S": key}}}
    assert refusal(own.get_item, **target) == ("AccessDeniedException", denied("GetItem"))
    allow = {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": table}
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(allow))
    own.put_item(TableName=simple, Item={"p": {"S": key}})
    assert own.get_item(**target)["Item"] == {"p": {"S": key}}
    assert refusal(own.delete_item, **target) == ("AccessDeniedException", denied("DeleteItem"))
    # Every member of a transaction and of a batch counts, and an index is a resource of its own.
    members = [
        {"Put": {"TableName": simple, "Item": {"p": {"S": key}}}},
        {"Delete": {**target, "Key": {"p": {"S": "x"}}}},
    ]
    assert refusal(own.transact_write_items, TransactItems=members) == ("AccessDeniedException", denied("DeleteItem"))
    batch = {simple: [{"PutRequest": {"Item": {"p": {"S": key}}}}]}
    assert refusal(own.batch_write_item, RequestItems=batch) == ("AccessDeniedException", denied("BatchWriteItem"))
    assert refusal(own.scan, TableName=simple, IndexName="any") == (
        "AccessDeniedException",
        denied("Scan", f"{table}/index/any"),
    )
    code, message = refusal(client_of("iam", **keys).list_roles)
    assert code == "AccessDenied"
    assert message.startswith(f"User: {arn} is not authorized to perform: iam:ListRoles on resource: ")


# A key that was deleted, or whose secret is wrong, opens nothing.
def test_keys_that_do_not_count(
    iam: Any, user: tuple[str, dict[str, str]], client_of: Callable[..., Any], refusal: Any
) -> None:
    name, keys = user
    wrong = client_of("dynamodb", **keys | {"aws_secret_access_key": "x" * 40})
    code, message = refusal(wrong.list_tables)
    assert code == "InvalidSignatureException"
    assert message.startswith("The request signature we calculated does not match the signature you provided.")
    code, _ = refusal(client_of("sts", **keys | {"aws_secret_access_key": "x" * 40}).get_caller_identity)
    assert code == "SignatureDoesNotMatch"
    iam.delete_access_key(UserName=name, AccessKeyId=keys["aws_access_key_id"])
    assert refusal(client_of("dynamodb", **keys).list_tables) == (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )


# A session of a role has the role's rights, less what its own policy leaves out.
def test_assumed_role(
    iam: Any, client_of: Callable[..., Any], account: str, name: str, simple: str, refusal: Any
) -> None:
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(AWS=account))["Role"]["Arn"]
    everything = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document(everything))
    only = document({"Effect": "Allow", "Action": "dynamodb:Scan", "Resource": "*"})
    sts = client_of("sts")
    for policy, allowed in ((None, True), (only, False)):
        given = {} if policy is None else {"Policy": policy}
        issued = sts.assume_role(RoleArn=arn, RoleSessionName="session", **given)["Credentials"]
        keys = {
            "aws_access_key_id": issued["AccessKeyId"],
            "aws_secret_access_key": issued["SecretAccessKey"],
            "aws_session_token": issued["SessionToken"],
        }
        own = client_of("dynamodb", **keys)
        own.scan(TableName=simple, Limit=1)
        if allowed:
            assert "TableNames" in own.list_tables()
        else:
            code, message = refusal(own.list_tables)
            session = f"arn:aws:sts::{account}:assumed-role/{name}/session"
            assert code == "AccessDeniedException"
            assert message.startswith(
                f"User: {session} is not authorized to perform: dynamodb:ListTables on resource: "
            )
            assert message.endswith("because no session policy allows the dynamodb:ListTables action")
    iam.delete_role_policy(RoleName=name, PolicyName="all")
    iam.delete_role(RoleName=name)


# A group's policies are its users' policies, from the next request on; the group goes when nobody is in it.
def test_groups(
    iam: Any, user: tuple[str, dict[str, str]], client_of: Callable[..., Any], name: str, refusal: Any
) -> None:
    user_name, keys = user
    iam.create_group(GroupName=name)
    iam.attach_group_policy(GroupName=name, PolicyArn=READ_ONLY)
    own = client_of("dynamodb", **keys)
    assert refusal(own.list_tables)[0] == "AccessDeniedException"
    iam.add_user_to_group(GroupName=name, UserName=user_name)
    assert "TableNames" in own.list_tables()
    assert [one["UserName"] for one in iam.get_group(GroupName=name)["Users"]] == [user_name]
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName=user_name)["Groups"]] == [name]
    assert refusal(iam.delete_group, GroupName=name)[0] == "DeleteConflict"
    iam.remove_user_from_group(GroupName=name, UserName=user_name)
    assert refusal(own.list_tables)[0] == "AccessDeniedException"
    iam.detach_group_policy(GroupName=name, PolicyArn=READ_ONLY)
    iam.delete_group(GroupName=name)
    assert refusal(iam.get_group, GroupName=name) == ("NoSuchEntity", f"The group with name {name} cannot be found.")


# Instance profiles hold one role, and keep it from being deleted.
def test_instance_profiles(iam: Any, name: str, refusal: Any) -> None:
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(Service="ec2.amazonaws.com"))
    iam.create_instance_profile(InstanceProfileName=name)
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    (shown,) = iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]
    assert [role["RoleName"] for role in shown["Roles"]] == [name]
    assert refusal(iam.delete_role, RoleName=name) == (
        "DeleteConflict",
        "Cannot delete entity, must remove roles from instance profile first.",
    )
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
    iam.delete_instance_profile(InstanceProfileName=name)
    iam.delete_role(RoleName=name)


# Everything of an account comes in pages, each record once.
def test_authorization_details(iam: Any, user: tuple[str, dict[str, str]]) -> None:
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2})
    names = [one["UserName"] for page in pages for one in page["UserDetailList"]]
    assert names.count(user[0]) == 1
    assert len(names) == len(set(names))


# Values of a wrong form are refused in IAM's words.
def test_invalid_values(iam: Any, refusal: Any) -> None:
    assert refusal(iam.create_role, RoleName="a b", AssumeRolePolicyDocument="{}") == (
        "ValidationError",
        "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the "
        "following: +=,.@_-",
    )
    code, message = refusal(iam.create_role, RoleName="a" * 65, AssumeRolePolicyDocument="{}")
    assert code == "ValidationError"
    assert message == (
        f"1 validation error detected: Value '{'a' * 65}' at 'roleName' failed to satisfy constraint: "
        "Member must have length less than or equal to 64"
    )


def keys_of(issued: dict[str, Any]) -> dict[str, str]:
    return {
        "aws_access_key_id": issued["AccessKeyId"],
        "aws_secret_access_key": issued["SecretAccessKey"],
        "aws_session_token": issued["SessionToken"],
    }


# A user's temporary credentials are the user's, but open neither IAM nor further credentials; those made for somebody else
# do only what their own policy says as well.
def test_temporary_credentials_of_a_user(
    iam: Any, user: tuple[str, dict[str, str]], client_of: Callable[..., Any], account: str, refusal: Any
) -> None:
    name, keys = user
    everything = {"Effect": "Allow", "Action": ["dynamodb:*", "sts:*"], "Resource": "*"}
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(everything))
    sts = client_of("sts", **keys)
    session = keys_of(sts.get_session_token(DurationSeconds=900)["Credentials"])
    assert client_of("sts", **session).get_caller_identity()["Arn"] == f"arn:aws:iam::{account}:user/{name}"
    assert "TableNames" in client_of("dynamodb", **session).list_tables()
    assert refusal(client_of("iam", **session).list_users)[0] == "InvalidClientTokenId"
    assert refusal(client_of("sts", **session).get_session_token) == (
        "AccessDenied",
        "Cannot call GetSessionToken with session credentials",
    )
    only = document({"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"})
    answer = sts.get_federation_token(Name="bob", Policy=only)
    assert answer["FederatedUser"]["Arn"] == f"arn:aws:sts::{account}:federated-user/bob"
    federated = client_of("dynamodb", **keys_of(answer["Credentials"]))
    assert "TableNames" in federated.list_tables()
    assert refusal(federated.describe_limits)[0] == "AccessDeniedException"


# A token of an identity provider that is not known is refused, and says so.
def test_web_identities_are_refused(client_of: Callable[..., Any], refusal: Any) -> None:
    token = "e30.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIn0.c2ln"
    params = {"RoleArn": "arn:aws:iam::000000000000:role/r", "RoleSessionName": "s1", "WebIdentityToken": token}
    assert refusal(client_of("sts").assume_role_with_web_identity, **params) == (
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account for https://id.example.com",
    )


# Groups, streams and events of a log, by time and by pattern.
def test_logs(logs: Any, name: str, refusal: Any) -> None:
    group = f"/tabletop/{name}"
    assert refusal(logs.create_log_stream, logGroupName=group, logStreamName="s") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    logs.create_log_group(logGroupName=group, tags={"a": "1"})
    assert refusal(logs.create_log_group, logGroupName=group) == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + n, "message": f"{'ERROR' if n % 5 == 0 else 'info'} line {n}"} for n in range(25)]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    target = {"logGroupName": group, "logStreamName": "s"}
    first = logs.get_log_events(**target, startFromHead=True, limit=10)
    assert [event["message"] for event in first["events"]] == [event["message"] for event in events[:10]]
    second = logs.get_log_events(**target, nextToken=first["nextForwardToken"], limit=100)
    assert len(second["events"]) == 15
    end = logs.get_log_events(**target, nextToken=second["nextForwardToken"])
    assert (end["events"], end["nextForwardToken"]) == ([], second["nextForwardToken"])
    found = logs.filter_log_events(logGroupName=group, filterPattern="ERROR", startTime=now + 5)["events"]
    assert [event["message"] for event in found] == [f"ERROR line {n}" for n in (5, 10, 15, 20)]
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, PaginationConfig={"PageSize": 4})
    assert sum(len(page["events"]) for page in pages) == 25
    logs.delete_log_group(logGroupName=group)
    assert refusal(logs.get_log_events, **target)[0] == "ResourceNotFoundException"
