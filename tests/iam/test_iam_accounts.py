"""Two accounts: what somebody of one may do in the other takes the consent of both."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tabletop.base.access import KeyFacts
from tabletop.base.call import Principal
from tabletop.base.errors import ApiError
from tabletop.iam.authentication import root_of
from tabletop.iam.service import Iam

from .conftest import Api, DictStore
from .test_iam_authorization import document
from .test_iam_operations import trust

OURS, THEIRS = "000000000000", "111111111111"
FUNCTION = f"arn:aws:lambda:us-east-1:{THEIRS}:function:f"
ACTION = "lambda:InvokeFunctionUrl"
ROOT_ARN = f"arn:aws:iam::{OURS}:root"
ALICE_ARN = f"arn:aws:iam::{OURS}:user/alice"
ROLE_ARN = f"arn:aws:iam::{THEIRS}:role/worker"


def resource_policy(principal: Any, effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Principal": principal, "Action": ACTION, "Resource": FUNCTION}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def alice(api: Api, action: str) -> Principal:
    made = api("CreateUser", UserName="alice")["User"]
    if action:
        api("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document(action))
    return Principal("user", OURS, made["Arn"], made["UserId"], "alice")


# Neither the caller's rights nor the resource's policy alone are enough; a deny of either side decides, as in one account.
@pytest.mark.parametrize(
    ("who", "own", "theirs", "reason"),
    [
        ("alice", ACTION, None, "because no resource-based policy allows the lambda:InvokeFunctionUrl action"),
        ("alice", "", resource_policy({"AWS": ALICE_ARN}), "because no identity-based policy allows the"),
        ("alice", "", resource_policy("*"), "because no identity-based policy allows the"),
        ("alice", ACTION, resource_policy({"AWS": ALICE_ARN}), None),
        ("alice", ACTION, resource_policy({"AWS": ROOT_ARN}), None),
        ("alice", ACTION, resource_policy({"AWS": OURS}), None),
        ("alice", ACTION, resource_policy("*"), None),
        ("alice", ACTION, resource_policy({"AWS": f"arn:aws:iam::{THEIRS}:root"}), "because no resource-based policy"),
        (
            "alice",
            ACTION,
            resource_policy({"AWS": ROOT_ARN}, "Deny"),
            "with an explicit deny in a resource-based policy",
        ),
        ("root", "", None, "because no resource-based policy allows the lambda:InvokeFunctionUrl action"),
        ("root", "", resource_policy({"AWS": ALICE_ARN}), "because no resource-based policy"),
        ("root", "", resource_policy({"AWS": ROOT_ARN}), None),
    ],
)
def test_both_accounts_must_allow(
    api: Api, iam: Iam, store: DictStore, who: str, own: str, theirs: str | None, reason: str | None
) -> None:
    call = api.call(root_of(OURS) if who == "root" else alice(api, own))

    def ask() -> None:
        with store.view() as view:
            iam.authorize(view, call, [(ACTION, FUNCTION)], KeyFacts({}, theirs))

    if reason is None:
        ask()
        return
    with pytest.raises(ApiError) as caught:
        ask()
    assert (caught.value.code, caught.value.status) == ("AccessDeniedException", 403)
    assert reason in (caught.value.message or "")


# A role of another account: to be named by its trust policy, which is enough at home, is not without rights of one's own.
@pytest.mark.parametrize(
    ("who", "own", "policy", "verdict"),
    [
        ("alice", "", trust({"AWS": ALICE_ARN}), False),
        ("alice", "", trust("*"), False),
        ("alice", "sts:AssumeRole", trust({"AWS": ALICE_ARN}), True),
        ("alice", "sts:AssumeRole", trust({"AWS": ROOT_ARN}), True),
        ("alice", "sts:AssumeRole", trust("*"), True),
        ("alice", "sts:AssumeRole", trust({"AWS": f"arn:aws:iam::{THEIRS}:root"}), False),
        ("root", "", trust({"AWS": ROOT_ARN}), True),
        ("root", "", trust({"AWS": f"arn:aws:iam::{THEIRS}:root"}), False),
    ],
)
def test_roles_of_another_account(api: Api, who: str, own: str, policy: str, verdict: bool) -> None:
    api("CreateRole", principal=root_of(THEIRS), RoleName="worker", AssumeRolePolicyDocument=policy)
    principal = root_of(OURS) if who == "root" else alice(api, own)
    params: dict[str, Any] = {"RoleArn": ROLE_ARN, "RoleSessionName": "s1", "service": "sts", "principal": principal}
    if verdict:
        assert f":{THEIRS}:" in api("AssumeRole", **params)["AssumedRoleUser"]["Arn"]
    else:
        assert api.refusal("AssumeRole", **params)[0] == "AccessDenied"


# A policy of another account's own can be nobody's here: its owner could change it, or delete it, at any time.
@pytest.mark.parametrize(
    ("action", "params", "code"),
    [
        ("AttachRolePolicy", {"RoleName": "r", "PolicyArn": "{arn}"}, "NoSuchEntity"),
        ("PutRolePermissionsBoundary", {"RoleName": "r", "PermissionsBoundary": "{arn}"}, "NoSuchEntity"),
        ("CreateUser", {"UserName": "u", "PermissionsBoundary": "{arn}"}, "NoSuchEntity"),
        ("GetFederationToken", {"Name": "bob", "PolicyArns": [{"arn": "{arn}"}], "service": "sts"}, "ValidationError"),
    ],
)
def test_policies_of_another_account(api: Api, action: str, params: dict[str, Any], code: str) -> None:
    api("CreateRole", RoleName="r", AssumeRolePolicyDocument=trust("*"))
    made = api("CreatePolicy", principal=root_of(THEIRS), PolicyName="p", PolicyDocument=document("dynamodb:*"))
    filled = json.loads(json.dumps(params).replace("{arn}", made["Policy"]["Arn"]))
    assert api.refusal(action, **filled)[0] == code
