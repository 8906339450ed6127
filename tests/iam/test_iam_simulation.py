"""The policy simulator: verdicts from the evaluation itself, with the statements that decided and where they stand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tabletop.iam.positions import statement_positions

from .conftest import Api
from .test_iam_authentication import LAMBDA_TRUST
from .test_iam_authorization import TABLE, document

ALLOW_ALL = document("dynamodb:*")
DENY = document("dynamodb:Delete*", "Deny")


def custom(api: Api, policies: list[str], action: str = "dynamodb:GetItem", **more: Any) -> Any:
    answer = api("SimulateCustomPolicy", PolicyInputList=policies, ActionNames=[action], **more)
    (result,) = answer["EvaluationResults"]
    return result


# AWS's own example: a statement on one line stands from behind its opening brace to behind its closing one.
def test_positions() -> None:
    text = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*",'
        '"Condition":{"DateGreaterThan":{"aws:CurrentTime":"2015-08-16T12:00:00Z"}}}}'
    )
    assert statement_positions(text) == [((1, 38), (1, 167))]
    lines = '{\n "Id": "a}{",\n "Statement": [\n  {"Effect": "Allow"} ,\n  {\n  }\n ]\n}'
    assert statement_positions(lines) == [((4, 4), (4, 22)), ((5, 4), (6, 4))]
    assert statement_positions('{"Statement": []}') == []


@pytest.mark.parametrize(
    ("policies", "action", "decision", "sources"),
    [
        ([ALLOW_ALL], "dynamodb:GetItem", "allowed", ["PolicyInputList.1"]),
        ([ALLOW_ALL, DENY], "dynamodb:GetItem", "allowed", ["PolicyInputList.1"]),
        ([ALLOW_ALL, DENY], "dynamodb:DeleteItem", "explicitDeny", ["PolicyInputList.2"]),
        ([ALLOW_ALL, ALLOW_ALL], "dynamodb:GetItem", "allowed", ["PolicyInputList.1", "PolicyInputList.2"]),
        ([ALLOW_ALL], "s3:GetObject", "implicitDeny", []),
    ],
)
def test_decisions(api: Api, policies: list[str], action: str, decision: str, sources: list[str]) -> None:
    result = custom(api, policies, action)
    assert (result["EvalDecision"], result["EvalResourceName"]) == (decision, "*")
    assert [one["SourcePolicyId"] for one in result["MatchedStatements"]] == sources
    assert "EvalDecisionDetails" not in result
    assert "ResourceSpecificResults" not in result


# One result an action: the strictest verdict at the top, each resource's beneath.
def test_several_resources(api: Api) -> None:
    policies = [document("dynamodb:*", resource=TABLE), document("*", "Deny", resource=TABLE + "3")]
    resources = [TABLE, TABLE + "2", TABLE + "3"]
    result = custom(api, policies, ResourceArns=resources)
    assert result["EvalDecision"] == "explicitDeny"
    assert result["EvalResourceName"] == "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}"
    verdicts = [(one["EvalResourceName"], one["EvalResourceDecision"]) for one in result["ResourceSpecificResults"]]
    assert verdicts == list(zip(resources, ("allowed", "implicitDeny", "explicitDeny"), strict=True))
    assert [one["EvalDecisionDetails"] for one in result["ResourceSpecificResults"]] == [{}, {}, {}]


# Keys that the policies ask for and the request does not give are named; given ones count, lists as lists.
def test_context_keys(api: Api) -> None:
    condition = {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:PrincipalTag/Team}"]},
        "DateGreaterThan": {"aws:CurrentTime": "2015-08-16T12:00:00Z"},
    }
    policy = document("dynamodb:*", resource="arn:aws:dynamodb:*:*:table/${aws:userid, 'x'}", Condition=condition)
    names = ["aws:CurrentTime", "aws:PrincipalTag/Team", "aws:userid", "dynamodb:LeadingKeys"]
    assert api("GetContextKeysForCustomPolicy", PolicyInputList=[policy]) == {"ContextKeyNames": names}
    table = TABLE.replace("Users", "x")
    (one,) = custom(api, [policy], ResourceArns=[table])["ResourceSpecificResults"]
    assert one["MissingContextValues"] == ["aws:PrincipalTag/Team", "aws:userid", "dynamodb:LeadingKeys"]
    entries = [
        {"ContextKeyName": "aws:principaltag/team", "ContextKeyValues": ["a"], "ContextKeyType": "string"},
        {"ContextKeyName": "aws:UserId", "ContextKeyValues": ["x"], "ContextKeyType": "string"},
        {"ContextKeyName": "dynamodb:LeadingKeys", "ContextKeyValues": ["a", "b"], "ContextKeyType": "stringList"},
    ]
    result = custom(api, [policy], ResourceArns=[table], ContextEntries=entries)
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", [])
    entries[2]["ContextKeyValues"] = ["a"]
    assert custom(api, [policy], ResourceArns=[table], ContextEntries=entries)["EvalDecision"] == "allowed"


# A principal's policies: inline, of its groups, managed and AWS's, with its boundary, as they are attached.
def test_a_principal(api: Api) -> None:
    user = api("CreateUser", UserName="alice")["User"]["Arn"]
    api("CreateGroup", GroupName="readers")
    api("PutGroupPolicy", GroupName="readers", PolicyName="read", PolicyDocument=document("dynamodb:Get*"))
    api("AddUserToGroup", GroupName="readers", UserName="alice")
    api("PutUserPolicy", UserName="alice", PolicyName="own", PolicyDocument=document("dynamodb:Put*"))
    api("AttachUserPolicy", UserName="alice", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"]
    asked = {"PolicySourceArn": user, "ActionNames": actions}
    results = api("SimulatePrincipalPolicy", **asked)["EvaluationResults"]
    assert [one["EvalDecision"] for one in results] == ["allowed", "allowed", "implicitDeny"]
    sources = [(one["SourcePolicyId"], one["SourcePolicyType"]) for one in results[0]["MatchedStatements"]]
    assert sources == [("ReadOnlyAccess", "aws-managed"), ("group_readers_read", "group")]
    assert results[1]["MatchedStatements"][0]["SourcePolicyType"] == "user"
    without = [
        {"PolicyType": "aws-managed"},
        {"InlinePolicyIdentifier": {"PolicyName": "read", "AttachmentType": "Group", "AttachmentName": "read*"}},
    ]
    results = api("SimulatePrincipalPolicy", **asked, PolicyExclusionList=without)["EvaluationResults"]
    assert [one["EvalDecision"] for one in results] == ["implicitDeny", "allowed", "implicitDeny"]
    api("PutUserPermissionsBoundary", UserName="alice", PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")
    results = api("SimulatePrincipalPolicy", **asked)["EvaluationResults"]
    assert [one["EvalDecision"] for one in results] == ["allowed", "implicitDeny", "implicitDeny"]
    details = [one["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"] for one in results]
    assert details == [True, False, False]
    given = api("SimulatePrincipalPolicy", **asked, PermissionsBoundaryPolicyInputList=[ALLOW_ALL])
    assert [one["EvalDecision"] for one in given["EvaluationResults"]] == ["allowed", "allowed", "implicitDeny"]
    page = api("SimulatePrincipalPolicy", **asked, MaxItems=2)
    assert (len(page["EvaluationResults"]), page["IsTruncated"], page["Marker"]) == (2, True, "2")
    rest = api("SimulatePrincipalPolicy", **asked, MaxItems=2, Marker="2")
    assert (len(rest["EvaluationResults"]), rest["IsTruncated"]) == (1, False)


# A resource's policy speaks to the simulated caller; of another account both must allow, and each is told apart.
def test_resource_policies(api: Api) -> None:
    alice = "arn:aws:iam::000000000000:user/alice"

    def policy(principal: str) -> str:
        return document("dynamodb:GetItem", resource=TABLE, Principal={"AWS": principal})

    asked = {"ResourceArns": [TABLE], "CallerArn": alice}
    nothing = [document("s3:*")]
    assert custom(api, nothing, ResourcePolicy=policy(alice), **asked)["EvalDecision"] == "allowed"
    assert custom(api, nothing, ResourcePolicy=policy("000000000000"), **asked)["EvalDecision"] == "implicitDeny"
    far = {**asked, "ResourceOwner": "arn:aws:iam::111111111111:root"}
    result = custom(api, nothing, ResourcePolicy=policy(alice), **far)
    assert result["EvalDecision"] == "implicitDeny"
    assert result["EvalDecisionDetails"] == {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}
    assert custom(api, [ALLOW_ALL], ResourcePolicy=policy("000000000000"), **far)["EvalDecision"] == "allowed"


# What cannot be simulated is refused.
def test_refusals(api: Api) -> None:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    action = {"ActionNames": ["dynamodb:GetItem"]}
    nobody = "arn:aws:iam::000000000000:user/nobody"
    assert api.refusal("SimulatePrincipalPolicy", PolicySourceArn=nobody, **action)[0] == "NoSuchEntity"
    assert api.refusal("SimulatePrincipalPolicy", PolicySourceArn=TABLE, **action)[0] == "InvalidInput"
    assert api.refusal("SimulateCustomPolicy", PolicyInputList=["{"], **action)[0] == "InvalidInput"
    assert api.refusal("SimulateCustomPolicy", PolicyInputList=[ALLOW_ALL], ActionNames=["Get"])[0] == "InvalidInput"
    with_principal = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]})
    assert api.refusal("GetContextKeysForCustomPolicy", PolicyInputList=[with_principal])[0] == "InvalidInput"
