"""Policy evaluation: one line a case, with its verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tabletop.base.access import UNBOUNDED
from tabletop.iam.evaluation import CallerNames, Layer, NamedPolicy, PolicySet, evaluate
from tabletop.iam.policies import compile_policy

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/Users"
INDEX = TABLE + "/index/EmailIndex"
OTHER = "arn:aws:dynamodb:us-east-1:000000000000:table/UsersArchive"
BUCKET = "arn:aws:s3:::shared/home/alice/a.txt"


def named(*statements: dict[str, Any], version: str = "2012-10-17") -> tuple[NamedPolicy, ...]:
    document = json.dumps({"Version": version, "Statement": list(statements)})
    return (NamedPolicy("inline p", compile_policy(document)),)


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def allowed(
    statements: list[dict[str, Any]], action: str, resource: str, context: dict[str, Any] | None = None
) -> bool:
    return evaluate(PolicySet(identity=named(*statements)), action, resource, context or {}).allowed


# Actions are compared without regard to case and with wildcards; resources with case, part of an ARN by part.
@pytest.mark.parametrize(
    ("statements", "action", "resource", "verdict"),
    [
        ([], "dynamodb:GetItem", TABLE, False),
        ([allow()], "dynamodb:GetItem", TABLE, True),
        ([allow("dynamodb:GetItem", TABLE)], "dynamodb:GetItem", TABLE, True),
        ([allow("DynamoDB:getitem", TABLE)], "dynamodb:GetItem", TABLE, True),
        ([allow("dynamodb:GetItem", TABLE)], "dynamodb:PutItem", TABLE, False),
        ([allow("dynamodb:GetItem", TABLE)], "dynamodb:GetItem", OTHER, False),
        ([allow("dynamodb:GetItem", TABLE.replace("Users", "users"))], "dynamodb:GetItem", TABLE, False),
        ([allow(["dynamodb:PutItem", "dynamodb:Get*"], TABLE)], "dynamodb:GetItem", TABLE, True),
        ([allow("dynamodb:?etItem", TABLE)], "dynamodb:GetItem", TABLE, True),
        ([allow("dynamodb:?Item", TABLE)], "dynamodb:GetItem", TABLE, False),
        ([allow("*:GetItem", TABLE)], "dynamodb:GetItem", TABLE, True),
        ([allow("dynamodb:*", TABLE)], "iam:GetRole", TABLE, False),
        ([allow("dynamodb:*", TABLE + "*")], "dynamodb:GetItem", OTHER, True),
        ([allow("dynamodb:*", TABLE)], "dynamodb:Query", INDEX, False),
        ([allow("dynamodb:*", [TABLE, TABLE + "/index/*"])], "dynamodb:Query", INDEX, True),
        ([allow("dynamodb:*", "arn:aws:dynamodb:*:*:table/Users")], "dynamodb:GetItem", TABLE, True),
        ([allow("dynamodb:*", "arn:aws:dynamodb:*:table/Users")], "dynamodb:GetItem", TABLE, False),
        ([allow("dynamodb:*", "arn:aws:dynamodb:*")], "dynamodb:GetItem", TABLE, True),
        ([allow("dynamodb:*", "arn:aws:dynamodb:eu-*:*:table/Users")], "dynamodb:GetItem", TABLE, False),
        ([allow("dynamodb:*", "arn:aws:dynamodb:us-*-1:*:table/U?ers")], "dynamodb:GetItem", TABLE, True),
        ([allow("dynamodb:*", "arn:aws:dynamodb:us-*:table/Users:*")], "dynamodb:GetItem", TABLE, False),
        ([allow("dynamodb:*", "arn:aws:dynamodb:*:*:*/*s")], "dynamodb:GetItem", TABLE, True),
        ([allow("dynamodb:*", "arn:aws:dynamodb:*:*:table/a.*")], "dynamodb:GetItem", TABLE, False),
        ([allow("dynamodb:GetItem", TABLE)], "dynamodb:ListTables", "*", False),
        ([allow("dynamodb:ListTables")], "dynamodb:ListTables", "*", True),
        # An explicit deny wins, whatever the order.
        ([allow(), deny("dynamodb:DeleteItem")], "dynamodb:DeleteItem", TABLE, False),
        ([deny("dynamodb:DeleteItem"), allow()], "dynamodb:DeleteItem", TABLE, False),
        ([deny("dynamodb:DeleteItem"), allow()], "dynamodb:GetItem", TABLE, True),
        ([deny("dynamodb:DeleteItem", OTHER), allow()], "dynamodb:DeleteItem", TABLE, True),
        # NotAction and NotResource speak of everything else.
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], "dynamodb:GetItem", TABLE, True),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], "iam:GetRole", "*", False),
        ([{"Effect": "Allow", "NotAction": ["iam:*", "s3:*"], "Resource": TABLE}], "dynamodb:GetItem", OTHER, False),
        ([allow(), {"Effect": "Deny", "Action": "*", "NotResource": TABLE}], "dynamodb:GetItem", TABLE, True),
        ([allow(), {"Effect": "Deny", "Action": "*", "NotResource": TABLE}], "dynamodb:GetItem", OTHER, False),
    ],
)
def test_actions_and_resources(statements: list[dict[str, Any]], action: str, resource: str, verdict: bool) -> None:
    assert allowed(statements, action, resource) is verdict


ALICE = {"aws:username": "alice", "aws:userid": "AIDA1"}


# Variables stand for the request's keys; their value is never a wildcard; without one the pattern matches nothing.
@pytest.mark.parametrize(
    ("pattern", "context", "resource", "verdict"),
    [
        ("arn:aws:s3:::shared/home/${aws:username}/*", ALICE, BUCKET, True),
        ("arn:aws:s3:::shared/home/${aws:UserName}/*", ALICE, BUCKET, True),
        ("arn:aws:s3:::shared/home/${aws:username}/*", {"aws:username": "bob"}, BUCKET, False),
        ("arn:aws:s3:::shared/home/${aws:username}/*", {"aws:username": "*"}, BUCKET, False),
        ("arn:aws:s3:::shared/home/${aws:username}/*", {"aws:username": "a?ice"}, BUCKET, False),
        ("arn:aws:s3:::shared/home/${aws:username}/*", {}, BUCKET, False),
        ("arn:aws:s3:::shared/home/${aws:username, 'alice'}/*", {}, BUCKET, True),
        ("arn:aws:s3:::shared/home/${aws:username}/*", {"aws:username": ["alice", "bob"]}, BUCKET, False),
        ("arn:aws:s3:::a${*}b", {}, "arn:aws:s3:::a*b", True),
        ("arn:aws:s3:::a${*}b", {}, "arn:aws:s3:::aXb", False),
        ("arn:aws:s3:::a${?}${$}", {}, "arn:aws:s3:::a?$", True),
    ],
)
def test_variables(pattern: str, context: dict[str, Any], resource: str, verdict: bool) -> None:
    assert allowed([allow("s3:GetObject", pattern)], "s3:GetObject", resource, context) is verdict


# Only policies of the current version have variables.
def test_the_old_version_has_no_variables() -> None:
    policies = PolicySet(identity=named(allow("*", "arn:aws:s3:::shared/home/${aws:username}/*"), version="2008-10-17"))
    assert not evaluate(policies, "s3:GetObject", BUCKET, ALICE).allowed


CASES: list[tuple[str, str, Any, dict[str, Any], bool]] = [
    ("StringEquals", "aws:username", "alice", ALICE, True),
    ("StringEquals", "aws:UserName", ["bob", "alice"], ALICE, True),
    ("StringEquals", "aws:username", "Alice", ALICE, False),
    ("StringEquals", "aws:username", "al*", ALICE, False),
    ("StringEquals", "aws:username", "alice", {}, False),
    ("StringEqualsIfExists", "aws:username", "alice", {}, True),
    ("StringEqualsIfExists", "aws:username", "bob", ALICE, False),
    ("StringNotEquals", "aws:username", "bob", ALICE, True),
    ("StringNotEquals", "aws:username", ["bob", "alice"], ALICE, False),
    ("StringNotEquals", "aws:username", "bob", {}, True),
    ("StringEqualsIgnoreCase", "aws:username", "ALICE", ALICE, True),
    ("StringNotEqualsIgnoreCase", "aws:username", "ALICE", ALICE, False),
    ("StringLike", "aws:username", "al*e", ALICE, True),
    ("StringLike", "aws:username", "?lice", ALICE, True),
    ("StringLike", "aws:username", "al", ALICE, False),
    ("StringNotLike", "aws:username", "al*", ALICE, False),
    ("StringEquals", "aws:userid", "${aws:username}", {"aws:userid": "alice", "aws:username": "alice"}, True),
    ("StringLike", "aws:userid", "${aws:username}*", {"aws:userid": "alice:x", "aws:username": "alice"}, True),
    ("NumericEquals", "s3:max-keys", "10", {"s3:max-keys": "10.0"}, True),
    ("NumericNotEquals", "s3:max-keys", 10, {"s3:max-keys": "10"}, False),
    ("NumericLessThan", "s3:max-keys", "10", {"s3:max-keys": "9"}, True),
    ("NumericLessThan", "s3:max-keys", "10", {"s3:max-keys": "10"}, False),
    ("NumericLessThanEquals", "s3:max-keys", "10", {"s3:max-keys": "10"}, True),
    ("NumericGreaterThan", "s3:max-keys", "10", {"s3:max-keys": "10"}, False),
    ("NumericGreaterThanEquals", "s3:max-keys", "10", {"s3:max-keys": "10"}, True),
    ("NumericEquals", "s3:max-keys", "ten", {"s3:max-keys": "10"}, False),
    ("NumericLessThan", "s3:max-keys", "10", {"s3:max-keys": "nan"}, False),
    ("DateGreaterThan", "aws:currenttime", "2025-06-15T00:00:00Z", {"aws:currenttime": "2025-06-15T00:00:01Z"}, True),
    ("DateLessThan", "aws:currenttime", "2025-06-15T00:00:00Z", {"aws:currenttime": "2025-06-15T00:00:00Z"}, False),
    ("DateLessThanEquals", "aws:currenttime", "2025-06-15", {"aws:currenttime": "2025-06-15T00:00:00Z"}, True),
    ("DateEquals", "aws:epochtime", "2001-09-09T01:46:40Z", {"aws:epochtime": "1000000000"}, True),
    ("DateNotEquals", "aws:epochtime", "2001-09-09T01:46:40Z", {"aws:epochtime": "1000000000"}, False),
    ("DateGreaterThanEquals", "aws:currenttime", "no date", {"aws:currenttime": "2025-06-15T00:00:00Z"}, False),
    ("Bool", "aws:securetransport", "false", {"aws:securetransport": "false"}, True),
    ("Bool", "aws:securetransport", True, {"aws:securetransport": "false"}, False),
    ("Bool", "aws:securetransport", "true", {}, False),
    ("BoolIfExists", "aws:multifactorauthpresent", "true", {}, True),
    ("BinaryEquals", "x:bytes", "QmluYXJ5", {"x:bytes": "QmluYXJ5"}, True),
    ("BinaryEquals", "x:bytes", "QmluYXJ5", {"x:bytes": "QmluYXJ4"}, False),
    ("IpAddress", "aws:sourceip", "203.0.113.0/24", {"aws:sourceip": "203.0.113.9"}, True),
    ("IpAddress", "aws:sourceip", "203.0.113.0/24", {"aws:sourceip": "203.0.114.9"}, False),
    ("IpAddress", "aws:sourceip", ["10.0.0.0/8", "::1/128"], {"aws:sourceip": "::1"}, True),
    ("NotIpAddress", "aws:sourceip", "203.0.113.0/24", {"aws:sourceip": "203.0.113.9"}, False),
    ("NotIpAddress", "aws:sourceip", "203.0.113.0/24", {"aws:sourceip": "1.2.3.4"}, True),
    ("ArnEquals", "aws:sourcearn", "arn:aws:sns:*:1:t*", {"aws:sourcearn": "arn:aws:sns:a:1:tx"}, True),
    ("ArnLike", "aws:sourcearn", "arn:aws:sns:*:x", {"aws:sourcearn": "arn:aws:sns:a:b:x"}, False),
    ("ArnNotLike", "aws:sourcearn", "arn:aws:sns:*:*:x", {"aws:sourcearn": "arn:aws:sns:a:b:x"}, False),
    ("ArnNotEquals", "aws:sourcearn", "arn:aws:sns:*:*:x", {"aws:sourcearn": "arn:aws:sns:a:b:y"}, True),
    ("Null", "aws:tokenissuetime", "true", {}, True),
    ("Null", "aws:tokenissuetime", "false", {}, False),
    ("Null", "aws:tokenissuetime", "false", {"aws:tokenissuetime": "x"}, True),
    ("ForAllValues:StringEquals", "dynamodb:Attributes", ["a", "b"], {"dynamodb:attributes": ["a"]}, True),
    ("ForAllValues:StringEquals", "dynamodb:Attributes", ["a", "b"], {"dynamodb:attributes": ["a", "c"]}, False),
    ("ForAllValues:StringEquals", "dynamodb:Attributes", ["a", "b"], {}, True),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a", "b"], {"aws:tagkeys": ["c", "b"]}, True),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a", "b"], {"aws:tagkeys": ["c"]}, False),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a", "b"], {}, False),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["a"], {"aws:tagkeys": ["a", "c"]}, True),
    ("ForAllValues:StringNotEquals", "aws:TagKeys", ["a"], {"aws:tagkeys": ["a", "c"]}, False),
    ("ForAllValues:StringLike", "dynamodb:LeadingKeys", ["${aws:username}*"],
     {"dynamodb:leadingkeys": ["alice-1"], "aws:username": "alice"}, True),
    ("ForAllValues:StringEquals", "dynamodb:LeadingKeys", ["${aws:username}"],
     {"dynamodb:leadingkeys": ["alice", "bob"], "aws:username": "alice"}, False),
]  # fmt: skip


# Every condition operator, with and without the key, with one value and with several.
@pytest.mark.parametrize(("operator", "key", "values", "context", "verdict"), CASES)
def test_conditions(operator: str, key: str, values: Any, context: dict[str, Any], verdict: bool) -> None:
    statements = [allow(Condition={operator: {key: values}})]
    assert allowed(statements, "dynamodb:GetItem", TABLE, context) is verdict


# All operators and all keys of a Condition block must hold.
def test_conditions_are_joined_by_and() -> None:
    statement = allow(Condition={"StringEquals": {"a:x": "1", "a:y": "2"}, "Bool": {"a:z": "true"}})
    whole = {"a:x": "1", "a:y": "2", "a:z": "true"}
    assert allowed([statement], "a:B", "*", whole)
    for key in whole:
        assert not allowed([statement], "a:B", "*", {**whole, key: "no"})


GRANT = named(allow("dynamodb:*"))
NOTHING = named(allow("s3:*"))
FORBID = named(allow("*"), deny("dynamodb:*"))


# Boundary and session policies only limit; the refusal says which layer it was.
@pytest.mark.parametrize(
    ("policies", "verdict", "layer", "explicit"),
    [
        (PolicySet(GRANT), True, Layer.IDENTITY, False),
        (PolicySet(NOTHING), False, Layer.IDENTITY, False),
        (PolicySet(FORBID), False, Layer.IDENTITY, True),
        (PolicySet(GRANT, boundary=GRANT), True, Layer.IDENTITY, False),
        (PolicySet(GRANT, boundary=NOTHING), False, Layer.BOUNDARY, False),
        (PolicySet(GRANT, boundary=FORBID), False, Layer.BOUNDARY, True),
        (PolicySet(GRANT, boundary=()), False, Layer.BOUNDARY, False),
        (PolicySet(GRANT, session=GRANT), True, Layer.IDENTITY, False),
        (PolicySet(GRANT, session=NOTHING), False, Layer.SESSION, False),
        (PolicySet(GRANT, session=FORBID), False, Layer.SESSION, True),
        (PolicySet((), boundary=GRANT, session=GRANT), False, Layer.IDENTITY, False),
        (PolicySet((), session=FORBID), False, Layer.SESSION, True),
    ],
)
def test_layers(policies: PolicySet, verdict: bool, layer: Layer, explicit: bool) -> None:
    decision = evaluate(policies, "dynamodb:GetItem", TABLE, {})
    assert (decision.allowed, decision.layer, decision.explicit) == (verdict, layer, explicit)


ACCOUNT = "arn:aws:iam::000000000000:root"
ME = "arn:aws:iam::000000000000:user/alice"
CALLER = CallerNames("AWS", (ME,), ("000000000000", ACCOUNT))


# A resource's policy that names the caller is enough; one that names its account leaves it to identity policies;
# one that forbids the account forbids the caller.
@pytest.mark.parametrize(
    ("effect", "principal", "identity", "verdict"),
    [
        ("Allow", {"AWS": ME}, (), True),
        ("Allow", {"AWS": [ME]}, FORBID, False),
        ("Allow", {"AWS": ACCOUNT}, (), False),
        ("Allow", {"AWS": "000000000000"}, GRANT, True),
        ("Allow", "*", (), True),
        ("Allow", {"AWS": "*"}, (), True),
        ("Allow", {"Service": "lambda.amazonaws.com"}, (), False),
        ("Deny", {"AWS": ACCOUNT}, GRANT, False),
        ("Deny", {"AWS": ME + "2"}, GRANT, True),
    ],
)
def test_resource_policies(effect: str, principal: Any, identity: tuple[NamedPolicy, ...], verdict: bool) -> None:
    resource = named({"Effect": effect, "Principal": principal, "Action": "dynamodb:*", "Resource": "*"})
    decision = evaluate(PolicySet(identity), "dynamodb:GetItem", TABLE, {}, resource_policies=resource, caller=CALLER)
    assert decision.allowed is verdict


DIRECT = CallerNames("AWS", (ME, "arn:aws:iam::000000000000:role/r"), ("000000000000", ACCOUNT), (ME,))
ROLE = "arn:aws:iam::000000000000:role/r"


# What a resource's policy allows to the very caller no silence of a boundary or session policy limits; what it allows to
# his role or to everybody they do, and an explicit deny counts in any case.
@pytest.mark.parametrize(
    ("principal", "limits", "verdict", "layer"),
    [
        ({"AWS": ME}, {}, True, Layer.RESOURCE),
        ({"AWS": ME}, {"boundary": NOTHING}, True, Layer.RESOURCE),
        ({"AWS": [ROLE, ME]}, {"session": NOTHING}, True, Layer.RESOURCE),
        ({"AWS": ME}, {"boundary": NOTHING, "session": NOTHING}, True, Layer.RESOURCE),
        ({"AWS": ME}, {"boundary": FORBID}, False, Layer.BOUNDARY),
        ({"AWS": ME}, {"boundary": NOTHING, "session": FORBID}, False, Layer.SESSION),
        ({"AWS": ROLE}, {}, True, Layer.RESOURCE),
        ({"AWS": ROLE}, {"boundary": NOTHING}, False, Layer.BOUNDARY),
        ({"AWS": ROLE}, {"session": NOTHING}, False, Layer.SESSION),
        ({"AWS": ROLE}, {"boundary": GRANT, "session": GRANT}, True, Layer.RESOURCE),
        ("*", {"boundary": NOTHING}, False, Layer.BOUNDARY),
        ({"AWS": ACCOUNT}, {"boundary": GRANT}, False, Layer.IDENTITY),
    ],
)
def test_grants_by_name(principal: Any, limits: dict[str, Any], verdict: bool, layer: Layer) -> None:
    resource = named(allow("dynamodb:*", Principal=principal))
    policies = PolicySet((), **limits)
    decision = evaluate(policies, "dynamodb:GetItem", TABLE, {}, resource_policies=resource, caller=DIRECT)
    assert (decision.allowed, decision.layer) == (verdict, layer)


# A request for everything there is has no values to a policy, as on AWS, and no Allow holds because of that.
@pytest.mark.parametrize(
    ("operator", "values", "allows", "denies"),
    [
        ("ForAllValues:StringEquals", ["me"], False, True),
        ("ForAllValues:StringNotEquals", ["you"], False, True),
        ("ForAnyValue:StringEquals", ["me"], False, False),
        ("StringEquals", ["me"], False, False),
        ("StringEqualsIfExists", ["me"], False, True),
        ("StringNotEquals", ["you"], False, True),
        ("Null", ["true"], True, True),
        ("Null", ["false"], False, False),
    ],
)
def test_keys_without_bounds(operator: str, values: list[str], allows: bool, denies: bool) -> None:
    condition = {operator: {"dynamodb:LeadingKeys": values}}
    context = {"dynamodb:leadingkeys": UNBOUNDED}
    assert allowed([allow(Condition=condition)], "dynamodb:Scan", TABLE, context) is allows
    assert allowed([allow(), deny(Condition=condition)], "dynamodb:Scan", TABLE, context) is not denies


# A deny for everybody but the listed spares the listed, by any of its names.
def test_not_principal() -> None:
    for listed, verdict in ((ME, True), (ACCOUNT, True), (ME + "2", False)):
        resource = named({"Effect": "Deny", "NotPrincipal": {"AWS": listed}, "Action": "*", "Resource": "*"})
        decision = evaluate(PolicySet(GRANT), "dynamodb:GetItem", TABLE, {}, resource_policies=resource, caller=CALLER)
        assert decision.allowed is verdict


# A pattern of many stars against a text that nearly matches must end at once, not in the age of the universe.
def test_a_hostile_pattern_is_harmless() -> None:
    pattern = "arn:aws:s3:::" + "a*" * 5000 + "b"
    assert not allowed([allow("s3:GetObject", pattern)], "s3:GetObject", "arn:aws:s3:::" + "a" * 2000)
    assert not allowed([allow("s3:" + "a*" * 60 + "b")], "s3:" + "a" * 500, "*")


# A decision names the statement that made it.
def test_a_decision_names_its_statement() -> None:
    policies = PolicySet(named(allow("dynamodb:*"), deny("dynamodb:DeleteTable", Sid="NoDrop")))
    decision = evaluate(policies, "dynamodb:DeleteTable", TABLE, {})
    assert decision.statement is not None
    assert (decision.policy, decision.statement.sid, decision.statement.number) == ("inline p", "NoDrop", 2)
    assert decision.reason("dynamodb:DeleteTable") == "with an explicit deny in an identity-based policy"


# What was made ready for one caller serves no other: also when more callers come than are kept ready.
def test_variables_of_many_callers() -> None:
    statement = allow(
        "dynamodb:*",
        TABLE[:-5] + "${aws:username}",
        Condition={"StringLike": {"dynamodb:LeadingKeys": "${aws:username}-*"}},
    )
    policies = PolicySet(identity=named(statement))
    for turn in range(2):
        for number in range(150):
            context = {"aws:username": f"u{number}", "dynamodb:leadingkeys": [f"u{number}-{turn}"]}
            own = TABLE[:-5] + f"u{number}"
            assert evaluate(policies, "dynamodb:GetItem", own, context).allowed
            assert not evaluate(policies, "dynamodb:GetItem", own + "0", context).allowed
            other = context | {"dynamodb:leadingkeys": [f"u{number + 1}-{turn}"]}
            assert not evaluate(policies, "dynamodb:GetItem", own, other).allowed
    assert not evaluate(policies, "dynamodb:GetItem", TABLE[:-5], {}).allowed
