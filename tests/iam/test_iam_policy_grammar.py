"""Policy documents: what is refused, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.iam.aws_managed import MANAGED
from tabletop.iam.policies import compile_policy
from tabletop.iam.policy_grammar import check_identity_policy, check_managed_policy, check_trust_policy

GOOD = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "arn:aws:dynamodb:*:*:table/Users"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
FULL_VENDOR = "Resource vendor must be fully qualified and cannot contain regexes."
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."


def policy(*statements: Any, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


def without(statement: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name not in names}


# The documents that AWS's guide and the tutorial use must pass, and then compile.
@pytest.mark.parametrize(
    "document",
    [
        policy(GOOD),
        policy(GOOD, {**GOOD, "Effect": "Deny"}),
        json.dumps({"Version": "2012-10-17", "Statement": GOOD}),
        json.dumps({"Statement": GOOD}),
        json.dumps({"Version": "2008-10-17", "Id": "x", "Statement": {**GOOD, "Sid": "One1"}}),
        policy(
            {
                **GOOD,
                "Action": ["*"],
                "Resource": ["*", "arn:aws:s3:::${aws:username}/*", "arn:aws:s3", "arn:aws:dynamodb:*"],
            }
        ),
        policy({**without(GOOD, "Action", "Resource"), "NotAction": "iam:*", "NotResource": "arn:aws:s3:::x"}),
        policy(
            {**GOOD, "Condition": {"Bool": {"aws:SecureTransport": True}, "NumericEquals": {"s3:max-keys": [1, 2]}}}
        ),
        *(
            policy({**GOOD, "Resource": f"arn:aws:iam::{rest}"})
            for rest in (
                "123456789012:role/x",
                "*:user/${aws:username}",
                "aws:policy/x",
                "123456789012:*",
            )
        ),
        policy({**GOOD, "Resource": "arn:*:s3:::x"}),
    ],
)
def test_good_policies_pass(document: str) -> None:
    check_identity_policy(document)
    assert compile_policy(document).statements


# What AWS refuses is refused with its words; whatever passes can be compiled.
@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "This policy contains invalid Json"),
        ("{", "This policy contains invalid Json"),
        ("{'a': 1}", "This policy contains invalid Json"),
        ("[" * 5000, "This policy contains invalid Json"),
        ("[]", SYNTAX),
        ('"text"', SYNTAX),
        ("{}", SYNTAX),
        (policy(), SYNTAX),
        (policy("text"), SYNTAX),
        (policy(GOOD, Extra=1), SYNTAX),
        (policy(GOOD, Version="2020-01-01"), "The policy must contain a valid version string"),
        (policy(GOOD, Version=[]), "The policy must contain a valid version string"),
        (policy({**GOOD, "Extra": 1}), SYNTAX),
        (policy({**GOOD, "Effect": "allow"}), SYNTAX),
        (policy({**GOOD, "Effect": []}), SYNTAX),
        (policy(without(GOOD, "Effect")), SYNTAX),
        (policy({**GOOD, "NotAction": "iam:*"}), SYNTAX),
        (policy({**GOOD, "NotResource": "*"}), SYNTAX),
        (policy({**GOOD, "Action": 5}), SYNTAX),
        (policy({**GOOD, "Resource": [{}]}), SYNTAX),
        (policy({**GOOD, "Sid": 5}), SYNTAX),
        (policy(without(GOOD, "Action")), "Policy statement must contain actions."),
        (policy({**GOOD, "Action": []}), "Policy statement must contain actions."),
        (policy(without(GOOD, "Resource")), "Policy statement must contain resources."),
        (policy({**GOOD, "Resource": []}), "Policy statement must contain resources."),
        (policy({**GOOD, "Action": "GetItem"}), VENDOR),
        (policy({**GOOD, "Action": "a b:GetItem"}), "Vendor a b is not valid"),
        (policy({**GOOD, "Resource": "Users"}), 'Resource Users must be in ARN format or "*".'),
        (policy({**GOOD, "Resource": ""}), 'Resource  must be in ARN format or "*".'),
        (
            policy({**GOOD, "Resource": "arn:abc:s3:::x"}),
            'Partition "abc" is not valid for resource "arn:abc:s3:::x".',
        ),
        *(
            (policy({**GOOD, "Resource": resource}), message)
            for resource, message in (
                ("arn:abc:s3", 'Partition "abc" is not valid for resource "arn:abc:s3:*:*:*".'),
                ("arn", 'Resource arn must be in ARN format or "*".'),
                ("arn:aws", FULL_VENDOR),
                ("arn:aws:s3*:::x", FULL_VENDOR),
                ("arn:aws:*", FULL_VENDOR),
                ("arn:aws::::x", "Vendor is not valid"),
                ("arn:aws:s3::x", LEGACY),
                ("arn:aws:iam::xxx:role/bastion", LEGACY),
                ("arn:aws:s3:us-east-1::x", "Resource arn:aws:s3:us-east-1::x can not contain region information."),
                (
                    "arn:aws:iam:us-east-1::role/x",
                    "IAM resource arn:aws:iam:us-east-1::role/x cannot contain region information.",
                ),
                (
                    "arn:aws:iam::123456789012:thing/x",
                    'IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, '
                    "instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, "
                    "report/, access-report/.",
                ),
            )
        ),
        (policy({**GOOD, "Action": "iam:Get:Role"}), "Actions/Condition can contain only one colon."),
        (policy({**GOOD, "Principal": "*"}), "Policy document should not specify a principal."),
        (policy({**GOOD, "Condition": []}), SYNTAX),
        (policy({**GOOD, "Condition": {"StringSame": {"aws:x": "1"}}}), SYNTAX),
        (policy({**GOOD, "Condition": {"StringEquals": "x"}}), SYNTAX),
        (policy({**GOOD, "Condition": {"StringEquals": {"aws:x": {}}}}), SYNTAX),
        (policy({**GOOD, "Condition": {"StringEquals": {"x": "1"}}}), VENDOR),
        (
            policy({**GOOD, "Sid": "One"}, {**GOOD, "Sid": "One"}),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
    ],
)
def test_bad_policies_are_refused(document: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_identity_policy(document)
    assert (caught.value.code, caught.value.status, caught.value.message) == ("MalformedPolicyDocument", 400, message)


# AWS's own policies are what AWS itself would take.
@pytest.mark.parametrize("arn", sorted(MANAGED))
def test_policies_of_aws(arn: str) -> None:
    check_managed_policy(MANAGED[arn].document)


# A managed policy must be of today's language and say so; an inline one need not.
@pytest.mark.parametrize(
    "document", [json.dumps({"Statement": GOOD}), json.dumps({"Version": "2008-10-17", "Statement": GOOD})]
)
def test_managed_policies_are_of_today(document: str) -> None:
    check_identity_policy(document)
    with pytest.raises(ApiError) as caught:
        check_managed_policy(document)
    assert caught.value.message == "Policy document must be version 2012-10-17 or greater."
    check_managed_policy(policy(GOOD))


# Trust policies name principals and no resources.
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (TRUST, None),
        ({**TRUST, "Principal": "*"}, None),
        ({**TRUST, "Principal": {"AWS": ["*", "123456789012", "arn:aws:iam::123456789012:root"]}}, None),
        ({**TRUST, "Action": ["sts:AssumeRole", "sts:TagSession"]}, None),
        ({**TRUST, "Resource": "*"}, "Has prohibited field Resource"),
        (without(TRUST, "Principal"), "Missing required field Principal"),
        (without(TRUST, "Action"), "Policy statement must contain actions."),
        ({**TRUST, "Action": "dynamodb:GetItem"}, "AssumeRole policy may only specify STS AssumeRole actions."),
        ({**TRUST, "Principal": {"Service": "lambda"}}, 'Invalid principal in policy: "SERVICE":"lambda"'),
        ({**TRUST, "Principal": {"AWS": "bob"}}, 'Invalid principal in policy: "AWS":"bob"'),
        (
            {**TRUST, "Principal": {"AWS": "arn:aws:iam::123456789012:role/*"}},
            'Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/*"',
        ),
        ({**TRUST, "Principal": {"Other": "bob"}}, SYNTAX),
        ({**TRUST, "Principal": {}}, SYNTAX),
        ({**TRUST, "Principal": []}, SYNTAX),
        ({**TRUST, "Principal": {"AWS": 5}}, SYNTAX),
    ],
)
def test_trust_policies(statement: dict[str, Any], message: str | None) -> None:
    if message is None:
        check_trust_policy(policy(statement))
        assert compile_policy(policy(statement)).statements
        return
    with pytest.raises(ApiError) as caught:
        check_trust_policy(policy(statement))
    assert caught.value.message == message
