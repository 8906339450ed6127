"""What a caller may do, with the policies in the store as they are now, in the services' words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tabletop.base.access import KeyFacts
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.service import Iam

from .conftest import Api, DictStore, signed
from .test_iam_authentication import LAMBDA_TRUST, ROLE_ARN

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/Users"
TUTORIAL = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:DeleteItem",
                "dynamodb:Query",
                "dynamodb:Scan",
            ],
            "Resource": [
                "arn:aws:dynamodb:us-east-1:000000000000:table/Users",
                "arn:aws:dynamodb:us-east-1:000000000000:table/Users/index/*",
            ],
        }
    ],
}


def document(action: str, effect: str = "Allow", resource: str = "*", **more: Any) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Caller:
    """A role's session that asks."""

    def __init__(self, api: Api, iam: Iam, store: DictStore, credentials: Any) -> None:
        self.api, self.iam, self.store = api, iam, store
        request = signed(credentials.access_key_id, credentials.secret_access_key, token=credentials.session_token)
        with store.view() as view:
            identity = iam.authenticate(view, request, "dynamodb", api.clock())
        self.call: Call = api.call(identity.principal, identity.access_key_id)

    def may(self, action: str, resource: str = TABLE, **context: Any) -> bool:
        try:
            self.ask(action, resource, **context)
        except ApiError:
            return False
        return True

    def ask(self, action: str, resource: str = TABLE, **context: Any) -> None:
        with self.store.view() as view:
            self.iam.authorize(view, self.call, [(action, resource)], KeyFacts(context))


@pytest.fixture
def worker(api: Api, iam: Iam, store: DictStore) -> Caller:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    return Caller(api, iam, store, api.role_credentials(ROLE_ARN, "fn"))


# The root is not limited.
def test_the_root_may_do_everything(api: Api, iam: Iam, store: DictStore) -> None:
    with store.view() as view:
        iam.authorize(view, api.call(), [("dynamodb:DeleteTable", TABLE)])


# The tutorial's policy holds for its function and refuses everything else, in AWS's words.
def test_the_tutorials_policy(api: Api, worker: Caller) -> None:
    api("PutRolePolicy", RoleName="worker", PolicyName="dynamodb-policy", PolicyDocument=json.dumps(TUTORIAL))
    assert worker.may("dynamodb:PutItem")
    assert worker.may("dynamodb:Query", TABLE + "/index/EmailIndex")
    assert not worker.may("dynamodb:GetItem", TABLE + "2")
    with pytest.raises(ApiError) as caught:
        worker.ask("dynamodb:DeleteTable")
    assert (caught.value.code, caught.value.status) == ("AccessDeniedException", 400)
    assert caught.value.message == (
        "User: arn:aws:sts::000000000000:assumed-role/worker/fn is not authorized to perform: dynamodb:DeleteTable "
        "on resource: arn:aws:dynamodb:us-east-1:000000000000:table/Users because no identity-based policy allows the "
        "dynamodb:DeleteTable action"
    )


# Each service has its own name and status for it.
@pytest.mark.parametrize(
    ("action", "code", "status"),
    [
        ("dynamodb:GetItem", "AccessDeniedException", 400),
        ("logs:PutLogEvents", "AccessDeniedException", 400),
        ("lambda:InvokeFunction", "AccessDeniedException", 403),
        ("iam:GetRole", "AccessDenied", 403),
        ("sts:GetAccessKeyInfo", "AccessDenied", 403),
    ],
)
def test_services_name_refusals(worker: Caller, action: str, code: str, status: int) -> None:
    with pytest.raises(ApiError) as caught:
        worker.ask(action)
    assert (caught.value.code, caught.value.status) == (code, status)


# A change of any policy counts from the next request on: inline, attached, versions, boundary.
def test_changes_count_at_once(api: Api, worker: Caller) -> None:
    assert not worker.may("dynamodb:GetItem")
    api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=document("dynamodb:GetItem"))
    assert worker.may("dynamodb:GetItem")
    api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=document("dynamodb:PutItem"))
    assert not worker.may("dynamodb:GetItem")
    api("DeleteRolePolicy", RoleName="worker", PolicyName="p")
    assert not worker.may("dynamodb:PutItem")

    arn = api("CreatePolicy", PolicyName="Own", PolicyDocument=document("dynamodb:GetItem"))["Policy"]["Arn"]
    api("AttachRolePolicy", RoleName="worker", PolicyArn=arn)
    assert worker.may("dynamodb:GetItem")
    api("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document("dynamodb:Scan"), SetAsDefault=True)
    assert (worker.may("dynamodb:GetItem"), worker.may("dynamodb:Scan")) == (False, True)
    api("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v1")
    assert worker.may("dynamodb:GetItem")

    aws = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"
    api("PutRolePermissionsBoundary", RoleName="worker", PermissionsBoundary=aws)
    assert worker.may("dynamodb:GetItem")
    api("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v2")
    api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=document("dynamodb:*"))
    with pytest.raises(ApiError, match="because no permissions boundary allows the dynamodb:PutItem action"):
        worker.ask("dynamodb:PutItem")


# AWS's own policies grant what their names say.
@pytest.mark.parametrize(
    ("policy", "action", "verdict"),
    [
        ("AdministratorAccess", "dynamodb:DeleteTable", True),
        ("ReadOnlyAccess", "dynamodb:Query", True),
        ("ReadOnlyAccess", "dynamodb:PutItem", False),
        ("AmazonDynamoDBFullAccess", "dynamodb:DeleteTable", True),
        ("AmazonDynamoDBFullAccess", "iam:CreateRole", False),
        ("AmazonDynamoDBReadOnlyAccess", "dynamodb:Scan", True),
        ("AmazonDynamoDBReadOnlyAccess", "dynamodb:UpdateItem", False),
        ("service-role/AWSLambdaBasicExecutionRole", "logs:PutLogEvents", True),
        ("service-role/AWSLambdaBasicExecutionRole", "dynamodb:GetItem", False),
        ("AmazonS3FullAccess", "dynamodb:GetItem", False),
        ("service-role/AmazonAPIGatewayPushToCloudWatchLogs", "logs:PutLogEvents", True),
    ],
)
def test_aws_managed_policies(api: Api, worker: Caller, policy: str, action: str, verdict: bool) -> None:
    api("AttachRolePolicy", RoleName="worker", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    assert worker.may(action) is verdict


# An explicit deny wins over every grant and says so.
def test_an_explicit_deny(api: Api, worker: Caller) -> None:
    api("AttachRolePolicy", RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    api("PutRolePolicy", RoleName="worker", PolicyName="no", PolicyDocument=document("dynamodb:Delete*", "Deny"))
    assert worker.may("dynamodb:GetItem")
    with pytest.raises(ApiError, match="with an explicit deny in an identity-based policy"):
        worker.ask("dynamodb:DeleteItem")


# A service's keys and the global ones reach the conditions (AWS's example: a tenant's leading keys).
def test_conditions_see_the_request(api: Api, worker: Caller) -> None:
    condition = {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:PrincipalTag/tenant}"]},
        "ArnEquals": {"aws:PrincipalArn": ROLE_ARN},
        "StringEquals": {"aws:RequestedRegion": "us-east-1", "aws:PrincipalAccount": "000000000000"},
        "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"},
        "IpAddress": {"aws:SourceIp": "127.0.0.0/8"},
    }
    api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=document("dynamodb:*", Condition=condition))
    api("TagRole", RoleName="worker", Tags=[{"Key": "Tenant", "Value": "acme"}])
    assert worker.may("dynamodb:GetItem", **{"dynamodb:leadingkeys": ["acme"]})
    assert not worker.may("dynamodb:GetItem", **{"dynamodb:leadingkeys": ["acme", "other"]})
    worker.call.source_ip = "10.0.0.1"
    assert not worker.may("dynamodb:GetItem", **{"dynamodb:leadingkeys": ["acme"]})


# Sessions of a role that was deleted are worth nothing, also when a role of that name is made again.
def test_a_role_made_again_is_another_role(api: Api, worker: Caller) -> None:
    grant = document("dynamodb:*")
    api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=grant)
    assert worker.may("dynamodb:GetItem")
    api("DeleteRolePolicy", RoleName="worker", PolicyName="p")
    api("DeleteRole", RoleName="worker")
    assert not worker.may("dynamodb:GetItem")
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=grant)
    assert not worker.may("dynamodb:GetItem")


# Temporary credentials have a time of issue and no MFA device; a user's own keys have neither key.
def test_keys_of_sessions(api: Api, worker: Caller) -> None:
    issued = {"DateGreaterThanEquals": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}}
    for condition, verdict in (
        (issued, True),
        ({"DateLessThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}}, False),
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
        ({"StringEquals": {"aws:PrincipalType": "AssumedRole"}, "Null": {"aws:username": "true"}}, True),
        ({"StringLike": {"aws:userid": "AROA*:fn"}, "ArnEquals": {"aws:PrincipalArn": ROLE_ARN}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        ({"StringLike": {"aws:UserAgent": "Boto3*"}}, True),
        ({"Bool": {"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false"}}, True),
        ({"NumericGreaterThan": {"aws:EpochTime": "1000"}}, True),
    ):
        worker.call.user_agent = "Boto3/1.40"
        text = document("dynamodb:GetItem", Condition=condition)
        api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=text)
        assert worker.may("dynamodb:GetItem") is verdict, condition


# What was granted is asked again as soon as anything changed: the caller's policies, its record, the resource's policy.
def test_a_grant_ends_with_the_picture_it_was_seen_in(worker: Caller) -> None:
    api = worker.api
    api("PutRolePolicy", RoleName="worker", PolicyName="all", PolicyDocument=document("dynamodb:*"))
    assert [worker.may("dynamodb:GetItem") for _ in range(3)] == [True] * 3
    api("PutRolePolicy", RoleName="worker", PolicyName="not", PolicyDocument=document("dynamodb:GetItem", "Deny"))
    assert [worker.may("dynamodb:GetItem") for _ in range(3)] == [False] * 3
    api("DeleteRolePolicy", RoleName="worker", PolicyName="not")
    assert worker.may("dynamodb:GetItem")
    api("DeleteRolePolicy", RoleName="worker", PolicyName="all")
    assert not worker.may("dynamodb:GetItem")


# In the same picture one caller's grant is no other's, nor of another action or resource.
def test_a_grant_is_its_callers_own(worker: Caller) -> None:
    api = worker.api
    api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=document("dynamodb:GetItem", resource=TABLE))
    api("CreateRole", RoleName="idle", AssumeRolePolicyDocument=LAMBDA_TRUST)
    idle = Caller(api, worker.iam, worker.store, api.role_credentials(ROLE_ARN.replace("worker", "idle"), "fn"))
    for _ in range(2):
        assert worker.may("dynamodb:GetItem")
        assert not worker.may("dynamodb:PutItem")
        assert not worker.may("dynamodb:GetItem", TABLE + "2")
        assert not idle.may("dynamodb:GetItem")
