"""Constraint messages in AWS's words."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.wire.constraints import compile_constraints, validation_code, validation_error
from tabletop.wire.models import service_model
from tabletop.wire.patterns import translate


def messages(service: str, operation: str, params: dict[str, Any]) -> list[str]:
    return compile_constraints(service_model(service).operation_model(operation).input_shape)(params)


ROLE = {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}
AT = "failed to satisfy constraint: Member must"


# Each kind of constraint has its own words, and each place its own path.
@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    [
        ("iam", "CreateRole", ROLE, []),
        (
            "iam",
            "CreateRole",
            ROLE | {"RoleName": "a b"},
            [],  # a pattern of models.PATTERNS_ELSEWHERE
        ),
        (
            "iam",
            "CreateRole",
            ROLE | {"RoleName": "a" * 65},
            [f"Value '{'a' * 65}' at 'roleName' {AT} have length less than or equal to 64"],
        ),
        ("iam", "GetRole", {}, [f"Value null at 'roleName' {AT} not be null"]),
        (
            "iam",
            "ListRoles",
            {"MaxItems": 0},
            [f"Value '0' at 'maxItems' {AT} have value greater than or equal to 1"],
        ),
        (
            "iam",
            "CreateRole",
            ROLE | {"Tags": [{"Key": "k", "Value": ""}, {"Key": "k" * 129, "Value": "v"}]},
            [f"Value '{'k' * 129}' at 'tags.2.member.key' {AT} have length less than or equal to 128"],
        ),
        (
            "lambda",
            "UpdateFunctionConfiguration",
            {"FunctionName": "f", "TracingConfig": {"Mode": "On"}},
            [f"Value 'On' at 'tracingConfig.mode' {AT} satisfy enum value set: [Active, PassThrough]"],
        ),
        (
            "logs",
            "GetLogEvents",
            {"logStreamName": "s", "limit": 10_001},
            [f"Value '10001' at 'limit' {AT} have value less than or equal to 10000"],
        ),
    ],
)
def test_messages(service: str, operation: str, params: dict[str, Any], expected: list[str]) -> None:
    assert messages(service, operation, params) == expected


# A list of plain values is refused as a whole, with all its members' constraints in one message.
def test_list_of_scalars() -> None:
    (message,) = messages("lambda", "UpdateFunctionCode", {"FunctionName": "f", "Architectures": ["x86"]})
    assert message == (
        f"Value '[x86]' at 'architectures' {AT} satisfy constraint: "
        "[Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
    )


# The layers of a function: the observed order is longest, shortest, pattern, null.
def test_order_within_a_list() -> None:
    (message,) = messages("lambda", "UpdateFunctionConfiguration", {"FunctionName": "f", "Layers": [""]})
    positions = [message.index(w) for w in ("less than", "greater than", "regular expression", "not be null")]
    assert positions == sorted(positions)


# Null inside a list or map reaches the constraints, and must not get past them.
def test_nulls_inside() -> None:
    assert messages("iam", "CreateRole", ROLE | {"Tags": [None]}) == [f"Value null at 'tags.1.member' {AT} not be null"]
    assert len(messages("lambda", "TagResource", {"Resource": "arn:aws:lambda:us-east-1:000000000000:function:f",
                                                  "Tags": {"a": None}})) == 1  # fmt: skip


# A value that the model calls sensitive is not shown.
def test_sensitive_values() -> None:
    (message,) = messages("iam", "CreateLoginProfile", {"UserName": "u", "Password": "p" * 129})
    assert message == f"Value at 'password' {AT} have length less than or equal to 128"


# One violation is an error, several are errors.
def test_validation_error() -> None:
    assert validation_error(["a"]).message == "1 validation error detected: a"
    both = validation_error(["a", "b"], "ValidationError")
    assert (both.code, both.message) == ("ValidationError", "2 validation errors detected: a; b")


# The query protocol has its own code, and so has CloudWatch Logs where its operation's model has no ValidationException.
@pytest.mark.parametrize(
    ("service", "action", "code"),
    [
        ("iam", "CreateUser", "ValidationError"),
        ("lambda", "Invoke", "ValidationException"),
        ("dynamodb", "GetItem", "ValidationException"),
        ("logs", "CreateLogGroup", "InvalidParameterException"),
        ("logs", "ListTagsLogGroup", "InvalidParameterException"),
        ("logs", "DeleteLogGroup", "InvalidParameterException"),
        ("logs", "PutDeliverySource", "ValidationException"),
    ],
)
def test_validation_codes(service: str, action: str, code: str) -> None:
    assert validation_code(service_model(service), action) == code


# Every operation's constraints compile, the recursive ones too (attribute values, filters).
@pytest.mark.parametrize("service", ["iam", "sts", "lambda", "logs", "dynamodb"])
def test_everything_compiles(service: str) -> None:
    model = service_model(service)
    for name in model.operation_names:
        assert isinstance(compile_constraints(model.operation_model(name).input_shape)({}), list)


# Every pattern of the services that rely on these constraints is checked, not skipped.
@pytest.mark.parametrize("service", ["iam", "sts", "lambda", "logs"])
def test_every_pattern_translates(service: str) -> None:
    model = service_model(service)
    patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {None}
    assert [pattern for pattern in patterns if translate(pattern) is None] == []


# Where Java's expressions differ from Python's, Java's meaning counts.
@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"[\w-.]+", "a-.", True),
        (r"\w+", "é", False),
        (r"[\p{L}\p{N}_]+", "é5日", True),
        (r"[\p{L}]+", "5", False),
        (r"\d+", "٣", False),
        (r"a\z", "a", True),
        (r"[\p{Alnum}]+", "aé", False),
        (r"[\P{L}]", "5", None),
        (r"[a-z&&[^b]]", "a", None),
    ],
)
def test_patterns(pattern: str, text: str, matches: bool | None) -> None:
    compiled = translate(pattern)
    assert (None if compiled is None else compiled.fullmatch(text) is not None) == matches
