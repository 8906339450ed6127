"""Conditions made ready to run: a tree, bound to names and values, becomes nested closures over items."""

from __future__ import annotations

import operator
from binascii import a2b_base64
from collections.abc import Callable
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions.binder import Binder, Item, Value
from tabletop.dynamodb.expressions.errors import invalid, wrong_function_use, wrong_operand_type
from tabletop.dynamodb.expressions.grammar import parse_condition
from tabletop.dynamodb.expressions.operands import (
    CONDITION_FUNCTIONS,
    BoundOperand,
    bind,
    check_function,
    check_types,
    describe,
    getter,
    require_path,
)
from tabletop.dynamodb.expressions.tree import (
    And,
    Between,
    Comparison,
    ConditionNode,
    FunctionCall,
    In,
    Not,
    Operand,
    Or,
    Truth,
)
from tabletop.dynamodb.values import ORDER_KEYS, equal

Test = Callable[[Item], bool]

ORDERED = frozenset(ORDER_KEYS)
TYPES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")
_NO_ITEM: Item = {}


class Condition:
    """A compiled condition. ``top_level_attributes``: every attribute that it names; ``tree``: as it was written."""

    __slots__ = ("_test", "top_level_attributes", "tree")

    def __init__(self, test: Test, top_level_attributes: frozenset[str], tree: ConditionNode) -> None:
        self._test = test
        self.top_level_attributes = top_level_attributes
        self.tree = tree

    def matches(self, item: Item | None) -> bool:
        """Whether the condition holds; None is an item that does not exist."""
        return self._test(_NO_ITEM if item is None else item)


def compile_condition(text: str, *, kind: str, binder: Binder) -> Condition:
    """``kind`` is the parameter's name, for messages: ConditionExpression or FilterExpression."""
    return compile_tree(parse_condition(kind, text), kind=kind, binder=binder)


def compile_tree(tree: ConditionNode, *, kind: str, binder: Binder) -> Condition:
    """The same for a tree that no text was parsed for. Raises ValidationException in AWS's words."""
    top_level: set[str] = set()
    test = _Compiler(kind, binder, top_level).test(tree)
    return Condition(test, frozenset(top_level), tree)


class _Compiler:
    def __init__(self, kind: str, binder: Binder, top_level: set[str]) -> None:
        self.kind = kind
        self.binder = binder
        self.top_level = top_level

    def test(self, node: ConditionNode) -> Test:
        return _TESTS[type(node)](self, node)

    def bind(self, operand: Operand) -> BoundOperand:
        if type(operand) is Truth:
            holds = self.function(operand.function)
            return BoundOperand(lambda item: {"BOOL": holds(item)}, type="BOOL")
        return bind(self.kind, operand, self.binder, self.top_level)

    def all_of(self, node: And) -> Test:
        tests = []
        for condition in node.conditions:
            tests.append(_TESTS[type(condition)](self, condition))  # noqa: PERF401 - one frame a level: they nest 300 deep

        def test(item: Item) -> bool:
            for test in tests:  # noqa: SIM110 - for the same reason
                if not test(item):
                    return False
            return True

        return test

    def any_of(self, node: Or) -> Test:
        tests = []
        for condition in node.conditions:
            tests.append(_TESTS[type(condition)](self, condition))  # noqa: PERF401

        def test(item: Item) -> bool:
            for test in tests:  # noqa: SIM110
                if test(item):
                    return True
            return False

        return test

    def negation(self, node: Not) -> Test:
        negated = _TESTS[type(node.condition)](self, node.condition)
        return lambda item: not negated(item)

    def comparison(self, node: Comparison) -> Test:
        name = node.operator
        left, right = self.bind(node.left), self.bind(node.right)
        self._refuse_same(name, left, right)
        if name == "=":
            return _equality(left, right)
        if name == "<>":
            equals = _equality(left, right)
            return lambda item: not equals(item)
        check_types(self.kind, name, ORDERED, left, right)
        return _order(_ORDERS[name], left, right)

    def between(self, node: Between) -> Test:
        value, lower, upper = self.bind(node.operand), self.bind(node.lower), self.bind(node.upper)
        self._refuse_same("BETWEEN", value, lower, upper)
        check_types(self.kind, "BETWEEN", ORDERED, value, lower, upper)
        if lower.constant is not None and upper.constant is not None:
            _check_bounds(self.kind, lower.constant, upper.constant)
        not_below, not_above = _order(operator.ge, value, lower), _order(operator.le, value, upper)
        return lambda item: not_below(item) and not_above(item)

    def membership(self, node: In) -> Test:
        value = self.bind(node.operand)
        options = [self.bind(option) for option in node.options]
        self._refuse_same("IN", value, *options)
        tests = [_equality(value, option) for option in options]
        return lambda item: any(test(item) for test in tests)

    def function(self, call: FunctionCall) -> Test:
        check_function(self.kind, call, CONDITION_FUNCTIONS, "a condition")
        make = _FUNCTIONS.get(call.name)
        if make is None:
            self.bind(call)
            raise wrong_function_use(self.kind, call.name)
        return make(self, call)

    def attribute_exists(self, call: FunctionCall) -> Test:
        bound = self.bind(call.operands[0])
        steps = bound.steps
        require_path(self.kind, call)
        assert steps is not None
        if len(steps) == 1:
            name = steps[0]
            return lambda item: name in item
        get = getter(steps)
        return lambda item: get(item) is not None

    def attribute_not_exists(self, call: FunctionCall) -> Test:
        exists = self.attribute_exists(call)
        return lambda item: not exists(item)

    def attribute_type(self, call: FunctionCall) -> Test:
        tested, wanted = (self.bind(operand) for operand in call.operands)
        if wanted.constant is None or wanted.type != "S":
            raise wrong_operand_type(self.kind, "attribute_type", wanted.type or f"{{{','.join(TYPES)}}}")
        name = wanted.constant["S"]
        if name not in TYPES:
            valid = ",".join(TYPES)
            raise invalid(self.kind, f"Invalid attribute type name found; type: {name}, valid types: {{{valid}}}")
        get = tested.get
        return lambda item: name in (get(item) or ())

    def begins_with(self, call: FunctionCall) -> Test:
        whole, beginning = (self.bind(operand) for operand in call.operands)
        self._refuse_same("begins_with", whole, beginning)
        check_types(self.kind, "begins_with", frozenset("SB"), whole, beginning)
        return _pairwise(_begins_with, whole, beginning)

    def contains(self, call: FunctionCall) -> Test:
        whole, part = (self.bind(operand) for operand in call.operands)
        self._refuse_same("contains", whole, part)
        check_types(self.kind, "contains", frozenset(_CONTAINS), whole)
        return _pairwise(_contains, whole, part)

    def _refuse_same(self, name: str, first: BoundOperand, *rest: BoundOperand) -> None:
        if first.steps is not None:
            for operand in rest:
                if operand.steps == first.steps:
                    raise invalid(
                        self.kind,
                        "The first operand must be distinct from the remaining operands for this operator or function; "
                        f"operator: {name}, first operand: {describe(first.steps)}",
                    )


_TESTS: dict[Any, Callable[[_Compiler, Any], Test]] = {
    And: _Compiler.all_of,
    Or: _Compiler.any_of,
    Not: _Compiler.negation,
    Comparison: _Compiler.comparison,
    Between: _Compiler.between,
    In: _Compiler.membership,
    FunctionCall: _Compiler.function,
}

_FUNCTIONS: dict[str, Callable[[_Compiler, FunctionCall], Test]] = {
    "attribute_exists": _Compiler.attribute_exists,
    "attribute_not_exists": _Compiler.attribute_not_exists,
    "attribute_type": _Compiler.attribute_type,
    "begins_with": _Compiler.begins_with,
    "contains": _Compiler.contains,
}

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED = {operator.lt: operator.gt, operator.le: operator.ge, operator.gt: operator.lt, operator.ge: operator.le}


def _equality(left: BoundOperand, right: BoundOperand) -> Test:
    """Equal values; False where either is not there."""
    if right.constant is None and left.constant is not None:
        left, right = right, left
    get, expected = left.get, right.constant
    if expected is None:
        return _pairwise(equal, left, right)
    if right.type in ("S", "N", "B", "BOOL", "NULL"):
        return lambda item: get(item) == expected

    def test(item: Item) -> bool:
        value = get(item)
        return value is not None and equal(value, expected)

    return test


def _order(compare: Callable[[Any, Any], bool], left: BoundOperand, right: BoundOperand) -> Test:
    """Compare values of one ordered type; False for all others, and where either is not there."""
    if right.constant is None and left.constant is not None:
        left, right, compare = right, left, _MIRRORED[compare]
    get, bound = left.get, right.constant
    if bound is None:
        return _pairwise(lambda one, other: _compare(compare, one, other), left, right)
    ((kind, content),) = bound.items()
    make_key = ORDER_KEYS[kind]
    bound_key = make_key(content)

    def test(item: Item) -> bool:
        value = get(item)
        if value is None:
            return False
        content = value.get(kind)
        return content is not None and compare(make_key(content), bound_key)

    return test


def _compare(compare: Callable[[Any, Any], bool], left: Value, right: Value) -> bool:
    ((kind, content),) = left.items()
    make_key = ORDER_KEYS.get(kind)
    return make_key is not None and kind in right and compare(make_key(content), make_key(right[kind]))


def _pairwise(compare: Callable[[Value, Value], bool], left: BoundOperand, right: BoundOperand) -> Test:
    get_left, get_right = left.get, right.get

    def test(item: Item) -> bool:
        one, other = get_left(item), get_right(item)
        return one is not None and other is not None and compare(one, other)

    return test


def _begins_with(whole: Value, beginning: Value) -> bool:
    ((kind, content),) = whole.items()
    if kind not in beginning:
        return False
    if kind == "S":
        return bool(content.startswith(beginning["S"]))
    return kind == "B" and a2b_base64(content).startswith(a2b_base64(beginning["B"]))


def _contains(whole: Value, part: Value) -> bool:
    ((kind, content),) = whole.items()
    test = _CONTAINS.get(kind)
    return test is not None and test(content, part)


_CONTAINS: dict[str, Callable[[Any, Value], bool]] = {
    "S": lambda text, part: "S" in part and part["S"] in text,
    "B": lambda text, part: "B" in part and a2b_base64(part["B"]) in a2b_base64(text),
    "SS": lambda elements, part: part.get("S") in elements,
    "NS": lambda elements, part: part.get("N") in elements,
    "BS": lambda elements, part: part.get("B") in elements,
    "L": lambda elements, part: any(equal(element, part) for element in elements),
}


def _check_bounds(kind: str, lower: Value, upper: Value) -> None:
    ((lower_type, lower_content),) = lower.items()
    ((upper_type, upper_content),) = upper.items()
    shown = (
        f"lower bound operand: AttributeValue: {{{lower_type}:{lower_content}}}, "
        f"upper bound operand: AttributeValue: {{{upper_type}:{upper_content}}}"
    )
    if lower_type != upper_type:
        raise invalid(kind, f"The BETWEEN operator requires same data type for lower and upper bounds; {shown}")
    make_key = ORDER_KEYS[lower_type]
    if make_key(lower_content) > make_key(upper_content):
        raise _upside_down(kind, shown)


def _upside_down(kind: str, shown: str) -> ApiError:
    return invalid(
        kind, f"The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {shown}"
    )
