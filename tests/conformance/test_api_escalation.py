"""Ways to more rights than were given: each is closed by what a policy asks about, and each is tried here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

PROTECTED = [{"Key": "Protected", "Value": "yes"}]
MAY_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
NOT_THE_PROTECTED = {
    "Effect": "Deny",
    "Action": "*",
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:ResourceTag/protected": "yes"}},
}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: str = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}


def trust(**principal: str) -> str:
    actions = ["sts:AssumeRole", "sts:TagSession"]
    return document({"Effect": "Allow", "Principal": principal, "Action": actions})


User = Callable[..., Callable[[str], Any]]


@pytest.fixture
def as_user(iam: Any, client_of: Any) -> Iterator[User]:
    """``as_user(name, *statements)`` makes a user and answers clients with his key."""
    made: list[tuple[str, str]] = []

    def make(user_name: str, *statements: dict[str, Any]) -> Callable[[str], Any]:
        iam.create_user(UserName=user_name)
        iam.put_user_policy(UserName=user_name, PolicyName="rights", PolicyDocument=document(*statements))
        key = iam.create_access_key(UserName=user_name)["AccessKey"]
        made.append((user_name, key["AccessKeyId"]))
        credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        return lambda service: client_of(service, **credentials)

    yield make
    for user_name, key_id in made:
        iam.delete_access_key(UserName=user_name, AccessKeyId=key_id)
        iam.delete_user_policy(UserName=user_name, PolicyName="rights")
        iam.delete_user(UserName=user_name)


# A user or group is renamed or moved only by who may do so to what it will be as well: policies go by names and paths.
def test_a_rename_needs_rights_on_both_names(iam: Any, as_user: User, account: str, name: str, refusal: Any) -> None:
    own = f"arn:aws:iam::{account}:user/{name}"
    group = name + "-group"
    iam.create_group(GroupName=group)
    renaming = ["iam:UpdateUser", "iam:UpdateGroup"]
    asking = as_user(name, allow(renaming, own), allow(renaming, f"arn:aws:iam::{account}:group/{group}"))("iam")
    for change, missing in (
        (lambda: asking.update_user(UserName=name, NewUserName=name + "x"), f"UpdateUser on resource: {own}x "),
        (
            lambda: asking.update_user(UserName=name, NewPath="/b/"),
            f"UpdateUser on resource: {own[: -len(name)]}b/{name} ",
        ),
        (lambda: asking.update_group(GroupName=group, NewGroupName=group + "x"), f"group/{group}x "),
    ):
        code, message = refusal(change)
        assert code == "AccessDenied"
        assert missing in message
    asking.update_user(UserName=name, NewPath="/")
    iam.delete_group(GroupName=group)


# What the tags of a managed policy, an instance profile or an assumed role forbid is forbidden.
def test_tags_of_iams_own_resources(iam: Any, as_user: User, account: str, name: str, refusal: Any) -> None:
    anyone = trust(AWS=account)
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=anyone, Tags=PROTECTED)["Role"]["Arn"]
    policy = iam.create_policy(PolicyName=name, PolicyDocument=document(MAY_ALL), Tags=PROTECTED)["Policy"]["Arn"]
    iam.create_instance_profile(InstanceProfileName=name, Tags=PROTECTED)
    client = as_user(name, MAY_ALL, NOT_THE_PROTECTED)
    asking = client("iam")
    for attempt in (
        lambda: asking.create_policy_version(PolicyArn=policy, PolicyDocument=document(MAY_ALL)),
        lambda: asking.delete_policy(PolicyArn=policy),
        lambda: asking.delete_instance_profile(InstanceProfileName=name),
        lambda: asking.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(MAY_ALL)),
        lambda: client("sts").assume_role(RoleArn=role, RoleSessionName="me"),
    ):
        code, message = refusal(attempt)
        assert (code, "explicit deny" in message) == ("AccessDenied", True)
    iam.delete_role(RoleName=name)
    iam.delete_policy(PolicyArn=policy)
    iam.delete_instance_profile(InstanceProfileName=name)


# A role is not passed to a function, or to an instance profile, by whom its tags forbid it.
def test_tags_of_a_role_that_is_passed(iam: Any, as_user: User, name: str, refusal: Any) -> None:
    lambda_trust = trust(Service="lambda.amazonaws.com")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=lambda_trust, Tags=PROTECTED)["Role"]["Arn"]
    iam.create_instance_profile(InstanceProfileName=name)
    client = as_user(name, MAY_ALL, NOT_THE_PROTECTED)
    code = {"ZipFile": b"the role comes first"}
    for attempt in (
        lambda: client("lambda").create_function(
            FunctionName=name, Role=role, Code=code, Runtime="python3.12", Handler="main.h"
        ),
        lambda: client("iam").add_role_to_instance_profile(InstanceProfileName=name, RoleName=name),
    ):
        assert f"iam:PassRole on resource: {role} with an explicit deny" in refusal(attempt)[1]
    iam.delete_instance_profile(InstanceProfileName=name)
    iam.delete_role(RoleName=name)


# AWS's example of delegation: policies are given to users who have a certain boundary, and to nobody else.
def test_delegation_to_users_with_a_boundary(iam: Any, as_user: User, name: str, refusal: Any) -> None:
    boundary = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"
    bounded, free = name + "-bounded", name + "-free"
    iam.create_user(UserName=bounded, PermissionsBoundary=boundary)
    iam.create_user(UserName=free)
    actions = ["iam:PutUserPolicy", "iam:DeleteUserPolicy", "iam:DeleteUserPermissionsBoundary"]
    asking = as_user(name, allow(actions, StringEquals={"iam:PermissionsBoundary": boundary}))("iam")
    policy = {"PolicyName": "p", "PolicyDocument": document(MAY_ALL)}
    assert refusal(asking.put_user_policy, UserName=free, **policy)[0] == "AccessDenied"
    asking.put_user_policy(UserName=bounded, **policy)
    asking.delete_user_policy(UserName=bounded, PolicyName="p")
    asking.delete_user_permissions_boundary(UserName=bounded)
    iam.delete_user(UserName=bounded)
    iam.delete_user(UserName=free)


# Rights on oneself are none on the account: what names no user is about everything.
def test_rights_on_oneself_are_not_rights_on_the_account(as_user: User, name: str, refusal: Any) -> None:
    asking = as_user(name, allow("iam:*", "arn:aws:iam::*:user/${aws:username}"))("iam")
    assert [key["UserName"] for key in asking.list_access_keys()["AccessKeyMetadata"]] == [name]
    for attempt in (asking.get_account_authorization_details, asking.get_account_summary, asking.list_account_aliases):
        code, message = refusal(attempt)
        assert (code, " on resource: * because" in message) == ("AccessDenied", True)


# A session's tag replaces the role's of the same name, however the two are written: names of tags know no case.
def test_a_session_tag_replaces_the_roles(iam: Any, client_of: Any, account: str, name: str, refusal: Any) -> None:
    tags = [{"Key": "Team", "Value": "blue"}]
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(AWS=account), Tags=tags)["Role"]["Arn"]
    reds_not: dict[str, Any] = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    reds_not["Condition"] = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(MAY_ALL, reds_not))
    session = client_of("sts").assume_role(RoleArn=role, RoleSessionName="me", Tags=[{"Key": "team", "Value": "red"}])[
        "Credentials"
    ]
    credentials = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    assert "explicit deny" in refusal(client_of("dynamodb", **credentials).list_tables)[1]
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)
