"""IAM's and STS's operations: answers, errors, pages."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

import pytest

from tabletop.base.call import Principal
from tabletop.base.errors import ApiError
from tabletop.iam.holders import ATTACHED_MAX
from tabletop.iam.policy_grammar import check_identity_policy
from tabletop.iam.service import Iam

from .conftest import NOW, ROOT, Api, DictStore, signed
from .test_iam_authentication import LAMBDA_TRUST, ROLE_ARN
from .test_iam_authorization import TABLE, TUTORIAL, document

ACCOUNT_ROOT = "arn:aws:iam::000000000000:root"
POLICY = json.dumps(TUTORIAL, indent=2)


def trust(principal: Any, effect: str = "Allow", **condition: Any) -> str:
    statement = {"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# The tutorial's role from creation to deletion; documents come back as they were sent, percent-encoded.
def test_the_tutorials_role(api: Api) -> None:
    role = api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)["Role"]
    assert role["Arn"] == ROLE_ARN
    assert role["RoleId"].startswith("AROA")
    assert len(role["RoleId"]) == 21
    assert (role["Path"], role["CreateDate"]) == ("/", NOW)
    assert unquote(role["AssumeRolePolicyDocument"]) == LAMBDA_TRUST
    assert api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=POLICY) == {}
    stored = api("GetRolePolicy", RoleName="worker", PolicyName="p")
    assert unquote(stored["PolicyDocument"]) == POLICY
    assert api("ListRolePolicies", RoleName="worker") == {"PolicyNames": ["p"], "IsTruncated": False}
    assert api.refusal("DeleteRole", RoleName="worker") == (
        "DeleteConflict",
        409,
        "Cannot delete entity, must delete policies first.",
    )
    api("DeleteRolePolicy", RoleName="worker", PolicyName="p")
    assert api("DeleteRole", RoleName="worker") == {}
    gone = ("NoSuchEntity", 404, "The role with name worker cannot be found.")
    assert api.refusal("GetRole", RoleName="worker") == gone
    assert api.refusal("DeleteRole", RoleName="worker") == gone


# All that CreateRole takes is given back by GetRole; UpdateRole and the tags change it.
def test_a_roles_attributes(api: Api) -> None:
    api(
        "CreateRole",
        RoleName="Worker",
        Path="/team/x/",
        AssumeRolePolicyDocument=LAMBDA_TRUST,
        Description="does work",
        MaxSessionDuration=7200,
        Tags=[{"Key": "a", "Value": "1"}],
        PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess",
    )
    role = api("GetRole", RoleName="worker")["Role"]
    assert role["RoleName"] == "Worker"
    assert role["Arn"] == "arn:aws:iam::000000000000:role/team/x/Worker"
    assert (role["Description"], role["MaxSessionDuration"]) == ("does work", 7200)
    assert role["Tags"] == [{"Key": "a", "Value": "1"}]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("ReadOnlyAccess")
    api("UpdateRole", RoleName="Worker", Description="rests", MaxSessionDuration=3600)
    api("TagRole", RoleName="Worker", Tags=[{"Key": "A", "Value": "2"}, {"Key": "b", "Value": ""}])
    api("UntagRole", RoleName="Worker", TagKeys=["B"])
    api("UpdateAssumeRolePolicy", RoleName="Worker", PolicyDocument=trust("*"))
    api("DeleteRolePermissionsBoundary", RoleName="Worker")
    role = api("GetRole", RoleName="Worker")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("rests", 3600)
    assert role["Tags"] == [{"Key": "A", "Value": "2"}]
    assert unquote(role["AssumeRolePolicyDocument"]) == trust("*")
    assert "PermissionsBoundary" not in role
    assert api("ListRoleTags", RoleName="Worker")["Tags"] == [{"Key": "A", "Value": "2"}]


# Names are unique without regard to case.
def test_a_name_is_taken_once(api: Api) -> None:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    taken = ("EntityAlreadyExists", 409, "Role with name WORKER already exists.")
    assert api.refusal("CreateRole", RoleName="WORKER", AssumeRolePolicyDocument=LAMBDA_TRUST) == taken


# A trusted user or role of the own account must exist.
def test_a_trusted_principal_must_exist(api: Api) -> None:
    missing = "arn:aws:iam::000000000000:user/nobody"
    refused = api.refusal("CreateRole", RoleName="r", AssumeRolePolicyDocument=trust({"AWS": missing}))
    assert refused == ("MalformedPolicyDocument", 400, f'Invalid principal in policy: "AWS":"{missing}"')
    api("CreateUser", UserName="nobody")
    api("CreateRole", RoleName="r", AssumeRolePolicyDocument=trust({"AWS": missing}))


# Lists come in order, in pages, below a path; the pages together are the whole.
def test_lists_are_paged(api: Api) -> None:
    for number in range(7):
        api("CreateRole", RoleName=f"R{number}", Path=f"/p{number % 2}/", AssumeRolePolicyDocument=LAMBDA_TRUST)
    names: list[str] = []
    params: dict[str, Any] = {"MaxItems": 3}
    for _ in range(4):
        answer = api("ListRoles", **params)
        names += [role["RoleName"] for role in answer["Roles"]]
        assert answer["IsTruncated"] is ("Marker" in answer)
        if not answer["IsTruncated"]:
            break
        params["Marker"] = answer["Marker"]
    assert names == [f"R{number}" for number in range(7)]
    assert len(api("ListRoles", PathPrefix="/p1/")["Roles"]) == 3
    assert len(api("ListRoles", MaxItems=7)["Roles"]) == 7
    assert api("ListRoles", MaxItems=7)["IsTruncated"] is False


# Managed policies: attached, counted, protected while in use.
def test_a_managed_policys_life(api: Api) -> None:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    created = api("CreatePolicy", PolicyName="Own", Path="/x/", PolicyDocument=POLICY, Description="d")["Policy"]
    arn = created["Arn"]
    assert arn == "arn:aws:iam::000000000000:policy/x/Own"
    assert (created["DefaultVersionId"], created["AttachmentCount"]) == ("v1", 0)
    assert created["PolicyId"].startswith("ANPA")
    again = api.refusal("CreatePolicy", PolicyName="own", PolicyDocument=POLICY)
    assert again == (
        "EntityAlreadyExists",
        409,
        "A policy called own already exists. Duplicate names are not allowed.",
    )
    api("AttachRolePolicy", RoleName="worker", PolicyArn=arn)
    api("AttachRolePolicy", RoleName="worker", PolicyArn=arn)
    attached = api("ListAttachedRolePolicies", RoleName="worker")["AttachedPolicies"]
    assert attached == [{"PolicyName": "Own", "PolicyArn": arn}]
    policy = api("GetPolicy", PolicyArn=arn)["Policy"]
    assert (policy["AttachmentCount"], policy["Description"], policy["Tags"]) == (1, "d", [])
    assert [role["RoleName"] for role in api("ListEntitiesForPolicy", PolicyArn=arn)["PolicyRoles"]] == ["worker"]
    assert api.refusal("DeletePolicy", PolicyArn=arn)[2] == "Cannot delete a policy attached to entities."
    assert api.refusal("DeleteRole", RoleName="worker")[2] == "Cannot delete entity, must detach all policies first."
    api("DetachRolePolicy", RoleName="worker", PolicyArn=arn)
    api("PutRolePermissionsBoundary", RoleName="worker", PermissionsBoundary=arn)
    policy = api("GetPolicy", PolicyArn=arn)["Policy"]
    assert (policy["AttachmentCount"], policy["PermissionsBoundaryUsageCount"]) == (0, 1)
    assert api.refusal("DeletePolicy", PolicyArn=arn)[0] == "DeleteConflict"
    api("DeleteRole", RoleName="worker")
    assert api("GetPolicy", PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 0
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    assert api.refusal("DetachRolePolicy", RoleName="worker", PolicyArn=arn) == (
        "NoSuchEntity",
        404,
        f"Policy {arn} was not found.",
    )
    api("DeletePolicy", PolicyArn=arn)
    assert api.refusal("GetPolicy", PolicyArn=arn)[:2] == ("NoSuchEntity", 404)


# Versions: at most five, numbers never used twice, the default one stays.
def test_policy_versions(api: Api) -> None:
    arn = api("CreatePolicy", PolicyName="Own", PolicyDocument=document("s3:Get*"))["Policy"]["Arn"]
    for number in range(2, 6):
        made = api("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document(f"s3:Get{number}"))["PolicyVersion"]
        assert (made["VersionId"], made["IsDefaultVersion"]) == (f"v{number}", False)
    assert api.refusal("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=POLICY)[:2] == ("LimitExceeded", 409)
    assert api.refusal("DeletePolicyVersion", PolicyArn=arn, VersionId="v1")[0] == "DeleteConflict"
    api("DeletePolicyVersion", PolicyArn=arn, VersionId="v5")
    made = api("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=POLICY, SetAsDefault=True)["PolicyVersion"]
    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v6", True)
    assert unquote(api("GetPolicyVersion", PolicyArn=arn, VersionId="v6")["PolicyVersion"]["Document"]) == POLICY
    versions = [one["VersionId"] for one in api("ListPolicyVersions", PolicyArn=arn)["Versions"]]
    assert versions == ["v6", "v4", "v3", "v2", "v1"]
    assert api.refusal("GetPolicyVersion", PolicyArn=arn, VersionId="v5")[:2] == ("NoSuchEntity", 404)
    assert api.refusal("DeletePolicy", PolicyArn=arn)[0] == "DeleteConflict"


# AWS's policies can be listed, read and attached, and not changed.
def test_aws_policies_are_there(api: Api) -> None:
    api("CreatePolicy", PolicyName="Own", PolicyDocument=POLICY)
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    policy = api("GetPolicy", PolicyArn=arn)["Policy"]
    document_of = api("GetPolicyVersion", PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert "logs:PutLogEvents" in unquote(document_of["Document"])
    assert api.refusal("DeletePolicy", PolicyArn=arn)[:2] == ("AccessDenied", 403)
    local = [one["PolicyName"] for one in api("ListPolicies", Scope="Local")["Policies"]]
    aws = [one["Arn"] for one in api("ListPolicies", Scope="AWS")["Policies"]]
    assert local == ["Own"]
    assert arn in aws
    listed: list[str] = []
    params: dict[str, Any] = {"MaxItems": 4}
    for _ in range(20):
        answer = api("ListPolicies", **params)
        listed += [one["Arn"] for one in answer["Policies"]]
        if not answer["IsTruncated"]:
            break
        params["Marker"] = answer["Marker"]
    assert listed == ["arn:aws:iam::000000000000:policy/Own", *aws]


# Nothing is attached that does not exist, nor more than the quota.
def test_attaching_has_limits(api: Api) -> None:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    for arn in (
        "arn:aws:iam::aws:policy/NoSuch",
        "arn:aws:iam::000000000000:policy/NoSuch",
    ):
        refused = api.refusal("AttachRolePolicy", RoleName="worker", PolicyArn=arn)
        assert refused == ("NoSuchEntity", 404, f"Policy {arn} does not exist or is not attachable.")
    for arn in ("arn:aws:iam::000000000000:role/worker", "arn:aws:iam::x", "x" * 20):
        refused = api.refusal("AttachRolePolicy", RoleName="worker", PolicyArn=arn)
        assert refused == ("InvalidInput", 400, f"ARN {arn} is not valid.")
    for number in range(ATTACHED_MAX + 1):
        arn = api("CreatePolicy", PolicyName=f"P{number}", PolicyDocument=POLICY)["Policy"]["Arn"]
        if number < ATTACHED_MAX:
            api("AttachRolePolicy", RoleName="worker", PolicyArn=arn)
    assert api.refusal("AttachRolePolicy", RoleName="worker", PolicyArn=arn)[:2] == ("LimitExceeded", 409)


# The sizes of policies are bounded; white space is free.
def test_sizes_are_bounded(api: Api) -> None:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)

    def sized(size: int) -> str:
        empty = document("s3:Get", resource="arn:aws:s3:::").replace(" ", "")
        return document("s3:Get", resource="arn:aws:s3:::" + "a" * (size - len(empty))) + " " * 500

    put = {"RoleName": "worker", "PolicyName": "p"}
    api("PutRolePolicy", PolicyDocument=sized(10_240), **put)
    refused = api.refusal("PutRolePolicy", PolicyDocument=sized(10_241), **put)
    assert refused == ("LimitExceeded", 409, "Maximum policy size of 10240 bytes exceeded for role worker")
    api("CreatePolicy", PolicyName="six", PolicyDocument=sized(6_144))
    assert api.refusal("CreatePolicy", PolicyName="more", PolicyDocument=sized(6_145)) == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for PolicySize: 6144",
    )


# A malformed document is refused by every operation that takes one, and nothing is stored.
def test_malformed_documents_are_refused_everywhere(api: Api, store: DictStore) -> None:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    api("CreateUser", UserName="alice")
    arn = api("CreatePolicy", PolicyName="Own", PolicyDocument=POLICY)["Policy"]["Arn"]
    before = dict(store.content)
    for action, params in (
        ("CreateRole", {"RoleName": "x", "AssumeRolePolicyDocument": "{"}),
        ("UpdateAssumeRolePolicy", {"RoleName": "worker", "PolicyDocument": "{"}),
        ("PutRolePolicy", {"RoleName": "worker", "PolicyName": "p", "PolicyDocument": "{"}),
        ("PutUserPolicy", {"UserName": "alice", "PolicyName": "p", "PolicyDocument": "{"}),
        ("CreatePolicy", {"PolicyName": "p", "PolicyDocument": "{"}),
        ("CreatePolicyVersion", {"PolicyArn": arn, "PolicyDocument": "{"}),
    ):
        assert api.refusal(action, **params)[:2] == ("MalformedPolicyDocument", 400)
    assert store.content == before


# Users and their keys: at most two, the secret told once, nobody deleted while something hangs on them.
def test_users_and_keys(api: Api) -> None:
    user = api("CreateUser", UserName="alice", Tags=[{"Key": "team", "Value": "x"}])["User"]
    assert user["UserId"].startswith("AIDA")
    keys = [api("CreateAccessKey", UserName="alice")["AccessKey"]["AccessKeyId"] for _ in range(2)]
    assert api.refusal("CreateAccessKey", UserName="alice") == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    listed = api("ListAccessKeys", UserName="alice")["AccessKeyMetadata"]
    assert sorted(keys) == [one["AccessKeyId"] for one in listed]
    assert "SecretAccessKey" not in listed[0]
    assert api.refusal("DeleteUser", UserName="alice")[2] == "Cannot delete entity, must delete access keys first."
    for key in keys:
        api("DeleteAccessKey", UserName="alice", AccessKeyId=key)
    assert api.refusal("DeleteAccessKey", UserName="alice", AccessKeyId=keys[0])[:2] == ("NoSuchEntity", 404)
    me = Principal("user", "000000000000", user["Arn"], user["UserId"], "alice")
    assert api("GetUser", principal=me)["User"]["UserName"] == "alice"
    assert [one["UserName"] for one in api("ListUsers")["Users"]] == ["alice"]
    api("DeleteUser", UserName="alice")
    assert api("ListUsers")["Users"] == []


# Accounts do not see each other.
def test_accounts_are_apart(api: Api) -> None:
    other = Principal("root", "111111111111", "arn:aws:iam::111111111111:root", "111111111111")
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    role = api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST, principal=other)["Role"]
    assert role["Arn"] == "arn:aws:iam::111111111111:role/worker"
    api("DeleteRole", RoleName="worker")
    assert len(api("ListRoles", principal=other)["Roles"]) == 1
    assert api("ListRoles")["Roles"] == []


# What is not built says so.
def test_an_unknown_operation_is_refused(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api("EnableOrganizationsRootSessions")
    assert caught.value.message == "Could not find operation EnableOrganizationsRootSessions for version 2010-05-08"
    assert caught.value.code == "InvalidAction"


# A caller is told who it is.
def test_get_caller_identity(api: Api) -> None:
    assert api("GetCallerIdentity", service="sts") == {
        "UserId": "000000000000",
        "Account": "000000000000",
        "Arn": ACCOUNT_ROOT,
    }
    assert api("GetAccessKeyInfo", service="sts", AccessKeyId="123456789012") == {"Account": "123456789012"}


# Lambda gets credentials only for a role that exists and trusts it.
def test_lambda_must_be_trusted(api: Api, iam: Iam) -> None:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    iam.check_lambda_role(ROLE_ARN)
    api("CreateRole", RoleName="other", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT_ROOT}))
    for arn in (ROLE_ARN + "2", ROLE_ARN.replace("worker", "other"), ROLE_ARN.replace("role/", "role/x/"), "no arn"):
        with pytest.raises(ApiError) as caught:
            api.role_credentials(arn)
        assert caught.value.code == "InvalidParameterValueException"
        assert caught.value.message == "The role defined for the function cannot be assumed by Lambda."
        with pytest.raises(ApiError, match="cannot be assumed by Lambda"):
            iam.check_lambda_role(arn)


def user(api: Api, name: str, *actions: str) -> Principal:
    made = api("CreateUser", UserName=name)["User"]
    for action in actions:
        api("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=document(action))
    return Principal("user", "000000000000", made["Arn"], made["UserId"], name)


# A role is assumed by whom its trust policy names; where that is the account, the account's policies must allow it.
@pytest.mark.parametrize(
    ("policy", "actions", "verdict"),
    [
        (trust({"AWS": "arn:aws:iam::000000000000:user/alice"}), (), True),
        (trust({"AWS": "*"}), (), True),
        (trust({"AWS": ACCOUNT_ROOT}), (), False),
        (trust({"AWS": ACCOUNT_ROOT}), ("sts:AssumeRole",), True),
        (trust({"AWS": "111111111111"}), ("sts:AssumeRole",), False),
        (LAMBDA_TRUST, ("sts:AssumeRole",), False),
        (trust("*", StringEquals={"sts:ExternalId": "secret"}), ("sts:AssumeRole",), True),
        (trust("*", StringEquals={"sts:ExternalId": "other"}), ("sts:AssumeRole",), False),
        (trust("*", StringEquals={"sts:RoleSessionName": "${aws:username}"}), (), True),
    ],
)
def test_trust_decides_who_assumes(api: Api, policy: str, actions: tuple[str, ...], verdict: bool) -> None:
    alice = user(api, "alice", *actions)
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=policy)
    params = {"RoleArn": ROLE_ARN, "RoleSessionName": "alice", "ExternalId": "secret"}
    if verdict:
        assert api("AssumeRole", service="sts", principal=alice, **params)["AssumedRoleUser"]["Arn"].endswith("/alice")
        return
    code, status, message = api.refusal("AssumeRole", service="sts", principal=alice, **params)
    assert (code, status) == ("AccessDenied", 403)
    assert message == f"User: {alice.arn} is not authorized to perform: sts:AssumeRole on resource: {ROLE_ARN}"


# A role that does not exist is refused like one that does not trust the caller.
def test_a_missing_role_is_not_told(api: Api) -> None:
    refused = api.refusal("AssumeRole", service="sts", RoleArn=ROLE_ARN, RoleSessionName="s1")
    assert refused[0] == "AccessDenied"


# A trust policy means whom it named when it was put: not somebody of the same name who came later, but whoever was renamed.
def test_trust_is_in_somebody_and_no_namesake(api: Api) -> None:
    arn, assume = "arn:aws:iam::000000000000:user/alice", {"RoleArn": ROLE_ARN, "RoleSessionName": "s1"}
    first = user(api, "alice")
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=trust({"AWS": arn}))
    api("UpdateUser", UserName="alice", NewUserName="alicia")
    renamed = Principal("user", "000000000000", arn.replace("alice", "alicia"), first.unique_id, "alicia")
    api("AssumeRole", service="sts", principal=renamed, **assume)
    api("DeleteUser", UserName="alicia")
    namesake = user(api, "alice")
    assert api.refusal("AssumeRole", service="sts", principal=namesake, **assume)[0] == "AccessDenied"
    api("UpdateAssumeRolePolicy", RoleName="worker", PolicyDocument=trust({"AWS": arn}))
    api("AssumeRole", service="sts", principal=namesake, **assume)


# What is no role's ARN at all is told so.
@pytest.mark.parametrize("role_arn", ["a-role-by-its-name-alone", "arn:aws:iam::000000000000:user/alice"])
def test_a_role_is_assumed_by_its_arn(api: Api, role_arn: str) -> None:
    refused = api.refusal("AssumeRole", service="sts", RoleArn=role_arn, RoleSessionName="s1")
    assert refused == ("ValidationError", 400, f"{role_arn} is invalid")


# The session lives as long as was asked for, and its own policy limits it.
def test_a_session_is_limited_by_its_policy(api: Api, iam: Iam, store: DictStore) -> None:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT_ROOT}))
    api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=document("dynamodb:*"))
    params = {"RoleArn": ROLE_ARN, "RoleSessionName": "s1", "service": "sts"}
    answer = api("AssumeRole", DurationSeconds=900, Policy=document("dynamodb:Get*"), **params)
    keys = answer["Credentials"]
    assert keys["Expiration"] == NOW + 900
    assert answer["PackedPolicySize"] > 0
    request = signed(keys["AccessKeyId"], keys["SecretAccessKey"], token=keys["SessionToken"])
    with store.view() as view:
        identity = iam.authenticate(view, request, "dynamodb", NOW)
        call = api.call(identity.principal, identity.access_key_id)
        iam.authorize(view, call, [("dynamodb:GetItem", TABLE)])
        with pytest.raises(ApiError, match="because no session policy allows the dynamodb:PutItem action"):
            iam.authorize(view, call, [("dynamodb:PutItem", TABLE)])
    longer = api.refusal("AssumeRole", DurationSeconds=3601, **params)
    assert longer[2] == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."


# What IAM calls must be allowed to do: their action, on the record's own ARN.
def test_targets(api: Api, iam: Iam) -> None:
    api("CreateRole", RoleName="Worker", Path="/x/", AssumeRolePolicyDocument=LAMBDA_TRUST)
    alice = api.call(user(api, "alice"))
    assert iam.targets("iam", "GetRole", api.call(ROOT), {"RoleName": "Worker"}) == []
    assert iam.targets("iam", "GetRole", alice, {"RoleName": "worker"}) == [
        ("iam:GetRole", "arn:aws:iam::000000000000:role/x/Worker")
    ]
    assert iam.targets("iam", "CreateRole", alice, {"RoleName": "New", "Path": "/y/"}) == [
        ("iam:CreateRole", "arn:aws:iam::000000000000:role/y/New")
    ]
    assert iam.targets("iam", "ListRoles", alice, {}) == [("iam:ListRoles", "arn:aws:iam::000000000000:role/")]
    assert iam.targets("sts", "GetCallerIdentity", alice, {}) == []


# Names and paths of a wrong form are refused in IAM's own words.
@pytest.mark.parametrize(
    ("action", "params", "member"),
    [
        ("CreateRole", {"RoleName": "a b", "AssumeRolePolicyDocument": LAMBDA_TRUST}, "roleName"),
        ("CreateUser", {"UserName": "a/b"}, "userName"),
        ("CreateGroup", {"GroupName": "\u00e4"}, "groupName"),
        ("UpdateUser", {"UserName": "a", "NewUserName": "b\n"}, "newUserName"),
        ("PutRolePolicy", {"RoleName": "a", "PolicyName": "?", "PolicyDocument": "{}"}, "policyName"),
        ("CreateInstanceProfile", {"InstanceProfileName": "a*"}, "instanceProfileName"),
    ],
)
def test_names_of_a_wrong_form(api: Api, action: str, params: dict[str, Any], member: str) -> None:
    assert api.refusal(action, **params) == (
        "ValidationError",
        400,
        f"The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the "
        "following: +=,.@_-",
    )


# Paths begin and end with a slash.
@pytest.mark.parametrize("path", ["x", "/x", "x/", "/ /", "/\u00e4/"])
def test_paths_of_a_wrong_form(api: Api, path: str) -> None:
    code, _, message = api.refusal("CreateUser", UserName="alice", Path=path)
    assert (code, message.partition(". ")[0]) == ("ValidationError", "The specified value for path is invalid")
    api("CreateUser", UserName="alice", Path="/a/b-c/!~/")


# AWS's policies are sound documents with ids and versions, told apart, and listed without a customer's.
def test_aws_policies_are_sound(api: Api) -> None:
    listed = api("ListPolicies", Scope="AWS", MaxItems=1000)["Policies"]
    names = {one["PolicyName"] for one in listed}
    assert {
        "AdministratorAccess",
        "PowerUserAccess",
        "ReadOnlyAccess",
        "IAMFullAccess",
        "IAMReadOnlyAccess",
        "AmazonDynamoDBFullAccess",
        "AmazonDynamoDBFullAccess_v2",
        "AmazonDynamoDBReadOnlyAccess",
        "AmazonDynamoDBFullAccesswithDataPipeline",
        "AWSLambda_FullAccess",
        "AWSLambda_ReadOnlyAccess",
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaDynamoDBExecutionRole",
        "AWSLambdaRole",
        "AWSLambdaSQSQueueExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
        "CloudWatchLogsFullAccess",
        "CloudWatchLogsReadOnlyAccess",
    } <= names
    assert len({one["PolicyId"] for one in listed}) == len(listed)
    for one in listed:
        assert re.fullmatch("ANPA[A-Z0-9]{17}", one["PolicyId"])
        version = api("GetPolicyVersion", PolicyArn=one["Arn"], VersionId=one["DefaultVersionId"])["PolicyVersion"]
        check_identity_policy(unquote(version["Document"]))
    assert api("ListPolicies", Scope="AWS", PathPrefix="/service-role/")["Policies"]
    assert api("ListPolicies", Scope="AWS", OnlyAttached=True)["Policies"] == []


# PowerUserAccess is everything but the management of users.
def test_power_users(api: Api, iam: Iam, store: DictStore) -> None:
    alice = user(api, "alice")
    api("AttachUserPolicy", UserName="alice", PolicyArn="arn:aws:iam::aws:policy/PowerUserAccess")
    with store.view() as view:
        iam.authorize(view, api.call(alice), [("dynamodb:PutItem", TABLE), ("iam:ListRoles", "*")])
        with pytest.raises(ApiError, match="iam:CreateUser"):
            iam.authorize(view, api.call(alice), [("iam:CreateUser", "*")])


# A prefix need not be a whole path where roles, users and groups are listed; where policies are, it must.
def test_prefixes_of_a_wrong_form(api: Api) -> None:
    for action in ("ListRoles", "ListUsers", "ListGroups", "ListInstanceProfiles"):
        assert api(action, PathPrefix="/a")["IsTruncated"] is False
        assert api.refusal(action, PathPrefix="a")[0] == "ValidationError"
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    for action, params in (("ListPolicies", {}), ("ListAttachedRolePolicies", {"RoleName": "worker"})):
        assert api(action, PathPrefix="/a/", **params)["IsTruncated"] is False
        for prefix in ("/a", "/!/", "a/"):
            code, _, message = api.refusal(action, PathPrefix=prefix, **params)
            assert code == "ValidationError"
            assert message.startswith("The specified value for pathPrefix is invalid. It must begin and end with /")


# A boundary that is no policy's ARN is another error than one that does not exist.
def test_a_boundary_must_be_a_policy(api: Api) -> None:
    for boundary in ("invalid_boundary_arn", "arn:aws:iam::000000000000:user/alice"):
        assert api.refusal("CreateUser", UserName="u", PermissionsBoundary=boundary) == (
            "InvalidParameterValue",
            400,
            f"Value ({boundary}) for parameter PermissionsBoundary is invalid.",
        )
