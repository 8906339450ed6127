"""Request validation as data: every request's JSON is held against AWS's service model before the operation sees it.

The model of each action is compiled once, on the action's first use, into quick predicates: one dictionary of member
name to test. A request that passes them all is right, and costs about a microsecond. One that does not is judged by
``constraint_rules``, which words the error as AWS does, or finds that it was only unusual (a null member, a number
with fractions for an integer), puts it right in place and lets it pass.

Attribute values are opaque here: ``values`` checks and converts them on the data path, in one pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import islice
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb import constraint_rules as rules
from tabletop.dynamodb import constraint_words as words
from tabletop.dynamodb import item_members
from tabletop.dynamodb.constraint_model import service_model
from tabletop.dynamodb.java_text import OPAQUE, Shapes

Test = Callable[[Any], bool]

_compiled: dict[str, tuple[dict[str, Test], frozenset[str]]] = {}


def check(action: str, body: object) -> None:
    """Raise what AWS raises for a request whose types or constraints are wrong; drop its null members.

    Raises SerializationException (types) before ValidationException (constraints). Unknown members are ignored.
    ``action`` must be one of the DynamoDB or Streams model.
    """
    compiled = _compiled.get(action)
    if compiled is None:
        compiled = _compiled[action] = _compile_action(action)
    tests, required = compiled
    if type(body) is dict and required <= body.keys():
        for name, value in body.items():
            test = tests.get(name)
            if test is not None and not test(value):
                break
        else:
            return
    _judge(action, body)


def refuse_unreadable(action: str, body: Any) -> None:
    """Raise the SerializationException that AWS raises before any other error, if an attribute value earns one.

    For a request that ``check`` let pass and that is about to be refused: values are read late here, and early on AWS.
    """
    shapes, name = _model_of(action)
    rules.fitted(shapes, name, body)


def known_actions() -> frozenset[str]:
    """Every action of today's DynamoDB and Streams models, built or not."""
    return frozenset(
        action for service in ("dynamodb", "dynamodbstreams") for action in service_model(service)["operations"]
    )


@cache
def _model_of(action: str) -> tuple[Shapes, str]:
    """(shapes, name of the input shape) of an action."""
    for service in ("dynamodb", "dynamodbstreams"):
        model = service_model(service)
        if action in model["operations"]:
            return model["shapes"], model["operations"][action]["input"]["shape"]
    raise LookupError("no such action in the service models")


def _judge(action: str, body: Any) -> None:
    shapes, name = _model_of(action)
    if isinstance(body, list):
        raise rules.serialization_error("Start of list found where not expected")
    if not isinstance(body, dict):
        raise rules.serialization_error("Unexpected value type in payload")
    if action in item_members.ACTIONS:
        item_members.saturate(action, body)
    rules.fitted(shapes, name, body)
    if action in item_members.ACTIONS:
        item_members.check(action, body, rules.violations_of_members(shapes, name, body))
        return
    if action not in words.ITEM_ACTIONS and shapes[name]["members"].get("TableName", {}).get("shape") == "TableArn":
        _check_table_name(body.get("TableName"))
    if action == "BatchGetItem":
        item_members.check_keys_of_batch(body)
    found = list(islice(rules.violations(shapes, name, body), words.VIOLATIONS_MAX))
    if found:
        plural = "" if len(found) == 1 else "s"
        raise ApiError("ValidationException", f"{len(found)} validation error{plural} detected: {'; '.join(found)}")
    for member, reference in shapes[name]["members"].items():
        if reference["shape"] in words.EMPTY_LATER and not body[member]:
            raise ApiError("ValidationException", words.EMPTY_LATER[reference["shape"]])


def _check_table_name(name: str | None) -> None:
    """Table operations check their TableName before all else."""
    if name is None:
        raise ApiError(
            "ValidationException", "The parameter 'TableName' is required but was not present in the request"
        )
    longest = words.TABLE_ARN_CHARACTERS_MAX if name.startswith("arn:") else words.TABLE_NAME_CHARACTERS_MAX
    if not words.TABLE_NAME_CHARACTERS_MIN <= len(name) <= longest:
        raise ApiError(
            "ValidationException",
            f"TableName must be at least {words.TABLE_NAME_CHARACTERS_MIN} characters long"
            f" and at most {longest} characters long",
        )


def _compile_action(action: str) -> tuple[dict[str, Test], frozenset[str]]:
    shapes, name = _model_of(action)
    compiled: dict[str, Test] = {}
    tests: dict[str, Test] = {}
    for member, reference in shapes[name]["members"].items():
        if member in words.CHECKED_BY_OPERATION.get(name, ()):
            tests[member] = _is_string
        elif member == "TableName" and reference["shape"] == "TableArn":
            tests[member] = _is_table_name
        else:
            tests[member] = _test_of(shapes, reference["shape"], compiled)
    return tests, rules.required_members(shapes, name)


_table_name = re.compile(r"[a-zA-Z0-9_.\-]{3,255}|arn:.{,1020}", re.DOTALL).fullmatch


def _is_string(value: Any) -> bool:
    return type(value) is str


def _is_table_name(value: Any) -> bool:
    return type(value) is str and _table_name(value) is not None


def _anything(value: Any) -> bool:
    return True


def _test_of(shapes: Shapes, name: str, compiled: dict[str, Test]) -> Test:
    """The quick predicate of a shape: True only if ``constraint_rules`` has nothing to say or to convert."""
    if name in OPAQUE:
        return _anything
    if name in compiled:
        return compiled[name]
    shape = shapes[name]
    kind = shape["type"]
    # A shape that contains itself finds this one meanwhile.
    compiled[name] = lambda value: compiled[name](value)
    test: Test
    if kind == "structure":
        test = _structure_test(shapes, name, compiled)
    elif kind == "list":
        test = _list_test(shape, shapes, compiled)
    elif kind == "map":
        test = _map_test(name, shape, shapes, compiled)
    elif kind in ("string", "blob"):
        test = _string_test(shape)
    elif kind == "boolean":
        test = _is_boolean
    else:
        test = _number_test(shape, kind)
    compiled[name] = test
    return test


def _is_boolean(value: Any) -> bool:
    return value is True or value is False


def _structure_test(shapes: Shapes, name: str, compiled: dict[str, Test]) -> Test:
    required = rules.required_members(shapes, name)
    tests: dict[str, Test] = {}
    for member, reference in shapes[name]["members"].items():
        if member == "TableName" and reference["shape"] == "TableArn":
            tests[member] = _is_table_name
        else:
            tests[member] = _test_of(shapes, reference["shape"], compiled)

    def test(value: Any) -> bool:
        if type(value) is not dict or not required <= value.keys():
            return False
        return all(member not in tests or tests[member](one) for member, one in value.items())

    return test


def _list_test(shape: dict[str, Any], shapes: Shapes, compiled: dict[str, Test]) -> Test:
    low, high = shape.get("min", 0), shape.get("max", 1 << 62)
    element = _test_of(shapes, shape["member"]["shape"], compiled)

    def test(value: Any) -> bool:
        return type(value) is list and low <= len(value) <= high and all(map(element, value))

    return test


def _map_test(name: str, shape: dict[str, Any], shapes: Shapes, compiled: dict[str, Test]) -> Test:
    low, high = shape.get("min", 0), shape.get("max", 1 << 62)
    key = _string_test(shapes[shape["key"]["shape"]])
    element = _test_of(shapes, shape["value"]["shape"], compiled)
    if name in words.TABLES_BY_NAME:
        key = _is_table_name
    any_key = not shapes[shape["key"]["shape"]].keys() & {"min", "max", "pattern", "enum"}
    if any_key and element is _anything:
        return lambda value: type(value) is dict and low <= len(value) <= high
    if shape["value"]["shape"] in OPAQUE:
        return lambda value: type(value) is dict and low <= len(value) <= high and all(map(key, value))

    def test(value: Any) -> bool:
        return (
            type(value) is dict
            and low <= len(value) <= high
            and all(map(key, value))
            and all(map(element, value.values()))
        )

    return test


def _string_test(shape: dict[str, Any]) -> Test:
    if "enum" in shape:
        allowed = frozenset(shape["enum"])
        return lambda value: type(value) is str and value in allowed
    low, high = shape.get("min", 0), shape.get("max", 1 << 62)
    if "pattern" in shape:
        pattern = shape["pattern"]
        return lambda value: type(value) is str and low <= len(value) <= high and rules.fits_pattern(pattern, value)
    if low == 0 and "max" not in shape:
        return _is_string
    return lambda value: type(value) is str and low <= len(value) <= high


def _number_test(shape: dict[str, Any], kind: str) -> Test:
    types = (int,) if kind in ("integer", "long") else (int, float)
    bound = rules.INTEGER_BOUNDS.get(kind, 1 << 63)
    low, high = max(shape.get("min", -bound), -bound), min(shape.get("max", bound - 1), bound - 1)
    return lambda value: type(value) in types and low <= value <= high
