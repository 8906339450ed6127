"""Groups, instance profiles and renaming: what hangs together by names, and what a group's policies allow."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tabletop.base.call import Principal
from tabletop.base.errors import ApiError
from tabletop.iam.groups import GROUPS_PER_USER_MAX
from tabletop.iam.service import Iam

from .conftest import NOW, Api, DictStore, signed
from .test_iam_authentication import LAMBDA_TRUST, enter
from .test_iam_authorization import TABLE, document

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def allowed(iam: Iam, store: DictStore, api: Api, principal: Principal, action: str) -> bool:
    with store.view() as view:
        try:
            iam.authorize(view, api.call(principal), [(action, TABLE)])
        except ApiError:
            return False
    return True


# A user may do what its groups may, from the moment it is in them until it is out; renaming changes nothing of that.
def test_a_groups_policies_count(api: Api, iam: Iam, store: DictStore) -> None:
    made = api("CreateUser", UserName="alice")["User"]
    alice = Principal("user", "000000000000", made["Arn"], made["UserId"], "alice")
    group = api("CreateGroup", GroupName="Readers", Path="/team/")["Group"]
    assert group["GroupId"].startswith("AGPA")
    assert group["Arn"] == "arn:aws:iam::000000000000:group/team/Readers"
    api("PutGroupPolicy", GroupName="readers", PolicyName="p", PolicyDocument=document("dynamodb:GetItem"))
    api("AttachGroupPolicy", GroupName="Readers", PolicyArn=READ_ONLY)
    assert not allowed(iam, store, api, alice, "dynamodb:GetItem")
    api("AddUserToGroup", GroupName="readers", UserName="Alice")
    api("AddUserToGroup", GroupName="readers", UserName="alice")
    assert allowed(iam, store, api, alice, "dynamodb:GetItem")
    assert allowed(iam, store, api, alice, "dynamodb:Query")
    assert not allowed(iam, store, api, alice, "dynamodb:PutItem")
    api("UpdateGroup", GroupName="Readers", NewGroupName="Lookers", NewPath="/")
    assert api("ListGroupsForUser", UserName="alice")["Groups"][0]["Arn"].endswith("group/Lookers")
    assert allowed(iam, store, api, alice, "dynamodb:Query")
    assert api("ListEntitiesForPolicy", PolicyArn=READ_ONLY)["PolicyGroups"][0]["GroupName"] == "Lookers"
    api("DetachGroupPolicy", GroupName="Lookers", PolicyArn=READ_ONLY)
    assert not allowed(iam, store, api, alice, "dynamodb:Query")
    api("RemoveUserFromGroup", GroupName="Lookers", UserName="alice")
    assert not allowed(iam, store, api, alice, "dynamodb:GetItem")


# A denial in a group's policy is stronger than what the user's own policies allow.
def test_a_group_can_deny(api: Api, iam: Iam, store: DictStore) -> None:
    made = api("CreateUser", UserName="alice")["User"]
    alice = Principal("user", "000000000000", made["Arn"], made["UserId"], "alice")
    api("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document("dynamodb:*"))
    api("CreateGroup", GroupName="g")
    deny = {"Effect": "Deny", "Action": "dynamodb:PutItem", "Resource": "*"}
    api("PutGroupPolicy", GroupName="g", PolicyName="p", PolicyDocument=json.dumps({"Statement": [deny]}))
    assert allowed(iam, store, api, alice, "dynamodb:PutItem")
    api("AddUserToGroup", GroupName="g", UserName="alice")
    assert not allowed(iam, store, api, alice, "dynamodb:PutItem")
    assert allowed(iam, store, api, alice, "dynamodb:GetItem")


# Whoever is in it is listed, page by page; nobody is deleted who is in a group, nor a group that has somebody.
def test_members(api: Api) -> None:
    api("CreateGroup", GroupName="g")
    for number in range(5):
        api("CreateUser", UserName=f"u{number}")
        api("AddUserToGroup", GroupName="g", UserName=f"u{number}")
    first = api("GetGroup", GroupName="G", MaxItems=3)
    assert [user["UserName"] for user in first["Users"]] == ["u0", "u1", "u2"]
    rest = api("GetGroup", GroupName="g", MaxItems=3, Marker=first["Marker"])
    assert [user["UserName"] for user in rest["Users"]] == ["u3", "u4"]
    assert rest["IsTruncated"] is False
    assert api.refusal("DeleteGroup", GroupName="g") == (
        "DeleteConflict", 409, "Cannot delete entity, must remove users from group first."
    )  # fmt: skip
    assert api.refusal("DeleteUser", UserName="u0")[0] == "DeleteConflict"
    for number in range(5):
        api("RemoveUserFromGroup", GroupName="g", UserName=f"u{number}")
    assert api.refusal("RemoveUserFromGroup", GroupName="g", UserName="u0")[:2] == ("NoSuchEntity", 404)
    api("DeleteGroup", GroupName="g")
    api("DeleteUser", UserName="u0")
    assert api.refusal("GetGroup", GroupName="g") == ("NoSuchEntity", 404, "The group with name g cannot be found.")


# A user is in at most ten groups; a group's name is taken once, whatever its case.
def test_group_limits(api: Api) -> None:
    api("CreateUser", UserName="alice")
    for number in range(GROUPS_PER_USER_MAX + 1):
        api("CreateGroup", GroupName=f"g{number:02}")
        if number < GROUPS_PER_USER_MAX:
            api("AddUserToGroup", GroupName=f"g{number:02}", UserName="alice")
    assert api.refusal("AddUserToGroup", GroupName="g10", UserName="alice") == (
        "LimitExceeded", 409, "Cannot exceed quota for GroupsPerUser: 10"
    )  # fmt: skip
    assert api.refusal("CreateGroup", GroupName="G01")[2] == "Group with name G01 already exists."
    assert api.refusal("UpdateGroup", GroupName="g02", NewGroupName="G01")[0] == "EntityAlreadyExists"
    assert len(api("ListGroups")["Groups"]) == GROUPS_PER_USER_MAX + 1
    long = document("s3:Get", resource="arn:aws:s3:::" + "a" * 5_120)
    assert api.refusal("PutGroupPolicy", GroupName="g00", PolicyName="p", PolicyDocument=long)[0] == "LimitExceeded"


# A user keeps keys, groups, policies and identity under another name and path; the old name is free.
def test_a_user_is_renamed(api: Api, iam: Iam, store: DictStore) -> None:
    user_id = api("CreateUser", UserName="alice")["User"]["UserId"]
    key = api("CreateAccessKey", UserName="alice")["AccessKey"]
    api("CreateGroup", GroupName="g")
    api("AddUserToGroup", GroupName="g", UserName="alice")
    api("AttachUserPolicy", UserName="alice", PolicyArn=READ_ONLY)
    api("CreateUser", UserName="carol")
    assert api.refusal("UpdateUser", UserName="alice", NewUserName="CAROL")[0] == "EntityAlreadyExists"
    api("UpdateUser", UserName="alice", NewUserName="Bob", NewPath="/x/")
    assert api.refusal("GetUser", UserName="alice")[0] == "NoSuchEntity"
    bob = api("GetUser", UserName="bob")["User"]
    assert (bob["UserId"], bob["Arn"]) == (user_id, "arn:aws:iam::000000000000:user/x/Bob")
    assert [one["UserName"] for one in api("ListAccessKeys", UserName="Bob")["AccessKeyMetadata"]] == ["Bob"]
    assert [one["UserName"] for one in api("GetGroup", GroupName="g")["Users"]] == ["Bob"]
    assert [one["UserName"] for one in api("ListEntitiesForPolicy", PolicyArn=READ_ONLY)["PolicyUsers"]] == ["Bob"]
    principal = enter(iam, store, signed(key["AccessKeyId"], key["SecretAccessKey"])).principal
    assert principal.arn == bob["Arn"]
    assert allowed(iam, store, api, principal, "dynamodb:GetItem")
    api("CreateUser", UserName="alice")


# An instance profile holds one role, which cannot be deleted meanwhile.
def test_instance_profiles(api: Api) -> None:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    api("CreateRole", RoleName="other", AssumeRolePolicyDocument=LAMBDA_TRUST)
    tags = [{"Key": "a", "Value": "1"}]
    made = api("CreateInstanceProfile", InstanceProfileName="box", Path="/x/", Tags=tags)["InstanceProfile"]
    assert made["Arn"] == "arn:aws:iam::000000000000:instance-profile/x/box"
    assert made["Roles"] == []
    assert api.refusal("CreateInstanceProfile", InstanceProfileName="BOX")[:2] == ("EntityAlreadyExists", 409)
    named = {"InstanceProfileName": "box"}
    api("AddRoleToInstanceProfile", RoleName="worker", **named)
    assert api.refusal("AddRoleToInstanceProfile", RoleName="other", **named) == (
        "LimitExceeded", 409, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
    )  # fmt: skip
    assert api("GetInstanceProfile", **named)["InstanceProfile"]["Roles"][0]["RoleName"] == "worker"
    assert [one["InstanceProfileName"] for one in api("ListInstanceProfiles")["InstanceProfiles"]] == ["box"]
    assert len(api("ListInstanceProfilesForRole", RoleName="worker")["InstanceProfiles"]) == 1
    assert api("ListInstanceProfilesForRole", RoleName="other")["InstanceProfiles"] == []
    for action, params in (("DeleteRole", {"RoleName": "worker"}), ("DeleteInstanceProfile", named)):
        assert api.refusal(action, **params)[:2] == ("DeleteConflict", 409)
    api("TagInstanceProfile", Tags=[{"Key": "b", "Value": "2"}], **named)
    api("UntagInstanceProfile", TagKeys=["a"], **named)
    assert api("ListInstanceProfileTags", **named)["Tags"] == [{"Key": "b", "Value": "2"}]
    api("RemoveRoleFromInstanceProfile", RoleName="worker", **named)
    assert api.refusal("RemoveRoleFromInstanceProfile", RoleName="worker", **named)[:2] == ("NoSuchEntity", 404)
    api("DeleteInstanceProfile", **named)
    gone = api.refusal("GetInstanceProfile", **named)
    assert gone == ("NoSuchEntity", 404, "Instance Profile box cannot be found.")
    api("DeleteRole", RoleName="worker")


# An account has one alias, which no other account can have.
def test_account_alias(api: Api) -> None:
    other = Principal("root", "111111111111", "arn:aws:iam::111111111111:root", "111111111111")
    assert api("ListAccountAliases")["AccountAliases"] == []
    api("CreateAccountAlias", AccountAlias="one")
    assert api.refusal("CreateAccountAlias", AccountAlias="one", principal=other)[:2] == ("EntityAlreadyExists", 409)
    api("CreateAccountAlias", AccountAlias="two")
    assert api("ListAccountAliases")["AccountAliases"] == ["two"]
    api("CreateAccountAlias", AccountAlias="one", principal=other)
    assert api.refusal("DeleteAccountAlias", AccountAlias="one")[:2] == ("NoSuchEntity", 404)
    api("DeleteAccountAlias", AccountAlias="two")
    assert api("ListAccountAliases")["AccountAliases"] == []


# The summary counts what there is, and tells AWS's quotas.
def test_account_summary(api: Api) -> None:
    api("CreateUser", UserName="alice")
    api("CreateGroup", GroupName="g")
    arn = api("CreatePolicy", PolicyName="p", PolicyDocument=document("s3:Get*"))["Policy"]["Arn"]
    api("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document("s3:*"))
    summary = api("GetAccountSummary")["SummaryMap"]
    counted = {name: summary[name] for name in ("Users", "Groups", "Roles", "Policies", "PolicyVersionsInUse")}
    assert counted == {"Users": 1, "Groups": 1, "Roles": 0, "Policies": 1, "PolicyVersionsInUse": 2}
    assert (summary["AccessKeysPerUserQuota"], summary["VersionsPerPolicyQuota"]) == (2, 5)


# Everything of an account in pages, and each kind by its filter.
def test_authorization_details(api: Api) -> None:
    api("CreateUser", UserName="alice", Tags=[{"Key": "a", "Value": "1"}], PermissionsBoundary=READ_ONLY)
    api("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document("s3:Get*"))
    api("CreateGroup", GroupName="g")
    api("AttachGroupPolicy", GroupName="g", PolicyArn=READ_ONLY)
    api("AddUserToGroup", GroupName="g", UserName="alice")
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    api("CreateInstanceProfile", InstanceProfileName="box")
    api("AddRoleToInstanceProfile", InstanceProfileName="box", RoleName="worker")
    arn = api("CreatePolicy", PolicyName="own", PolicyDocument=document("s3:Get*"))["Policy"]["Arn"]
    api("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document("s3:*"))
    whole = api("GetAccountAuthorizationDetails")
    (alice,), (group,), (role,) = whole["UserDetailList"], whole["GroupDetailList"], whole["RoleDetailList"]
    assert (alice["GroupList"], alice["UserPolicyList"][0]["PolicyName"]) == (["g"], "p")
    assert group["AttachedManagedPolicies"][0]["PolicyName"] == "ReadOnlyAccess"
    assert role["InstanceProfileList"][0]["InstanceProfileName"] == "box"
    assert [(one["PolicyName"], len(one["PolicyVersionList"])) for one in whole["Policies"]] == [
        ("own", 2),
        ("ReadOnlyAccess", 1),
    ]
    pages: list[Any] = []
    params: dict[str, Any] = {"MaxItems": 1}
    for _ in range(9):
        answer = api("GetAccountAuthorizationDetails", **params)
        pages += [one for member, listed in answer.items() if isinstance(listed, list) for one in listed]
        if not answer["IsTruncated"]:
            break
        params["Marker"] = answer["Marker"]
    assert pages == [alice, group, role, *whole["Policies"]]
    roles = api("GetAccountAuthorizationDetails", Filter=["Role", "AWSManagedPolicy"])
    assert (len(roles["RoleDetailList"]), len(roles["UserDetailList"]), len(roles["Policies"])) == (1, 0, 1)


# A policy's entities in pages, by kind, and by what it is to them.
def test_entities_of_a_policy(api: Api) -> None:
    api("CreateUser", UserName="alice", PermissionsBoundary=READ_ONLY)
    for number in range(3):
        api("CreateGroup", GroupName=f"g{number}", Path=f"/{number}/")
        api("AttachGroupPolicy", GroupName=f"g{number}", PolicyArn=READ_ONLY)
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    api("AttachRolePolicy", RoleName="worker", PolicyArn=READ_ONLY)

    def names(**params: Any) -> list[str]:
        found: list[str] = []
        marker: dict[str, str] = {}
        for _ in range(9):
            answer = api("ListEntitiesForPolicy", PolicyArn=READ_ONLY, **params, **marker)
            for title in ("Group", "User", "Role"):
                found += [one[f"{title}Name"] for one in answer[f"Policy{title}s"]]
            if not answer["IsTruncated"]:
                return found
            marker = {"Marker": answer["Marker"]}
        raise AssertionError("pages without end")

    everybody = ["g0", "g1", "g2", "alice", "worker"]
    assert names() == names(MaxItems=1) == names(MaxItems=2) == everybody
    assert names(EntityFilter="Group", PathPrefix="/1/") == ["g1"]
    assert names(PolicyUsageFilter="PermissionsBoundary") == ["alice"]
    assert names(PolicyUsageFilter="PermissionsPolicy") == ["g0", "g1", "g2", "worker"]


# What nobody can have here is answered as AWS answers for those that have none.
def test_absences(api: Api) -> None:
    api("CreateUser", UserName="alice")
    for action, member in (
        ("ListMFADevices", "MFADevices"),
        ("ListSSHPublicKeys", "SSHPublicKeys"),
        ("ListSigningCertificates", "Certificates"),
        ("ListServiceSpecificCredentials", "ServiceSpecificCredentials"),
    ):
        assert api(action, UserName="alice")[member] == []
        assert api.refusal(action, UserName="bob")[0] == "NoSuchEntity"
    assert api("ListOpenIDConnectProviders") == {"OpenIDConnectProviderList": []}
    gone = ("NoSuchEntity", 404, "Login Profile for User alice cannot be found.")
    assert api.refusal("GetLoginProfile", UserName="alice") == gone
    assert api.refusal("DeleteLoginProfile", UserName="alice") == gone
    assert api.refusal("GetAccountPasswordPolicy")[:2] == ("NoSuchEntity", 404)


# The last use of a key and of a role is told once there is one, to the minute, and goes with them.
def test_last_uses(api: Api, iam: Iam, store: DictStore) -> None:
    api("CreateUser", UserName="alice")
    key = api("CreateAccessKey", UserName="alice")["AccessKey"]
    named = {"AccessKeyId": key["AccessKeyId"]}
    never = {"ServiceName": "N/A", "Region": "N/A"}
    assert api("GetAccessKeyLastUsed", **named) == {"UserName": "alice", "AccessKeyLastUsed": never}
    enter(iam, store, signed(key["AccessKeyId"], key["SecretAccessKey"]))
    used = {"LastUsedDate": NOW, "ServiceName": "dynamodb", "Region": "eu-west-1"}
    assert api("GetAccessKeyLastUsed", **named)["AccessKeyLastUsed"] == used
    api.clock.now += 59
    enter(iam, store, signed(key["AccessKeyId"], key["SecretAccessKey"], at=api.clock()), now=api.clock())
    assert api("GetAccessKeyLastUsed", **named)["AccessKeyLastUsed"] == used
    api.clock.now += 1
    enter(iam, store, signed(key["AccessKeyId"], key["SecretAccessKey"], at=api.clock()), now=api.clock())
    assert api("GetAccessKeyLastUsed", **named)["AccessKeyLastUsed"]["LastUsedDate"] == NOW + 60
    api("DeleteAccessKey", UserName="alice", **named)
    assert api.refusal("GetAccessKeyLastUsed", **named)[:2] == ("NoSuchEntity", 404)
    assert not [key for key in store.content if b"use\0key\0" in key]
    arn = api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)["Role"]["Arn"]
    assert api("GetRole", RoleName="worker")["Role"]["RoleLastUsed"] == {}
    issued = api.role_credentials(arn)
    enter(iam, store, signed(issued.access_key_id, issued.secret_access_key, token=issued.session_token, at=api.clock()),
          now=api.clock())  # fmt: skip
    assert api("GetRole", RoleName="worker")["Role"]["RoleLastUsed"] == {
        "LastUsedDate": NOW + 60,
        "Region": "eu-west-1",
    }


# A refused signature is no use of a key.
def test_a_refused_request_is_no_use(api: Api, iam: Iam, store: DictStore) -> None:
    api("CreateUser", UserName="alice")
    key = api("CreateAccessKey", UserName="alice")["AccessKey"]
    with pytest.raises(ApiError):
        enter(iam, store, signed(key["AccessKeyId"], "wrong"))
    last = api("GetAccessKeyLastUsed", AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert last["ServiceName"] == "N/A"
