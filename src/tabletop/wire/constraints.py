"""AWS's request constraints (required, length, range, pattern, enumeration), compiled once per shape from the model.

``compile_constraints(shape)(params)`` gives the messages of everything that is wrong, in AWS's words; an empty list is
a sound request. Closures exist only where the model constrains something, and write no path unless something is wrong.

A list or map of scalars is one message at the list ("Member must satisfy constraint: [...]"; the form and the order
within it are from answers of Lambda that users quote). A list of structures is one message per member
("tags.1.member.key"). Sensitive values are left out. Within one value the pattern comes before the enumeration and that
before length or range. These, and the words for maps, are from memory and not checked against AWS. The order of members
is the model's; AWS's own order differs by service and is not documented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.wire.models import ServiceModel, Shape
from tabletop.wire.patterns import translate

Path = tuple[Any, ...]
"""(path of the parent, name): joined only when a message is written."""

Check = Callable[[Any, Path, list[str]], None]
Holds = Callable[[Any], bool]
Rule = tuple[Holds, str]
"""A test and what "Member must ..." says where it fails."""

NOT_NULL = "Member must not be null"
_ROOT: Path = ()
_LENGTH_TYPES = frozenset({"string", "blob", "list", "map"})
_RANGE_TYPES = frozenset({"integer", "long", "float", "double"})
_RENDERED_MAX = 100_000


def compile_constraints(
    shape: Shape | None, *, besides: frozenset[str] = frozenset()
) -> Callable[[dict[str, Any]], list[str]]:
    """``shape`` is an operation's input shape, or None for an operation without one; ``besides`` names its members that
    somebody else checks.
    """
    check = None
    if shape is not None:
        check = _structure_checker(shape, besides) if besides else _checker(shape)

    def run(params: dict[str, Any]) -> list[str]:
        messages: list[str] = []
        if check is not None:
            check(params, _ROOT, messages)
        return messages

    return run


def validation_error(messages: list[str], code: str = "ValidationException") -> ApiError:
    """The error for one or more messages; ``code`` is the service's own, see ``validation_code``."""
    count = len(messages)
    text = f"{count} validation error{'' if count == 1 else 's'} detected: {'; '.join(messages)}"
    return ApiError(code, text)


def validation_code(model: ServiceModel, action: str) -> str:
    """What a service calls a request that breaks its model's constraints.

    The query protocol has a code of its own. CloudWatch Logs says InvalidParameterException (users quote it of
    CreateLogGroup and PutLogEvents), except in its newer operations, whose models have ValidationException alone.
    """
    if model.metadata["protocol"] == "query":
        return "ValidationError"
    if model.service_name == "logs":
        errors = {shape.name for shape in model.operation_model(action).error_shapes}
        if "ValidationException" not in errors or "InvalidParameterException" in errors:
            return "InvalidParameterException"
    return "ValidationException"


def _checker(shape: Shape) -> Check | None:
    """None where nothing below this shape is constrained."""
    if "check" in shape.codecs:
        return shape.codecs["check"]  # type: ignore[no-any-return]
    # A shape that contains itself finds this stand-in while it is being compiled.
    shape.codecs["check"] = lambda value, path, messages: (shape.codecs["check"] or _nothing)(value, path, messages)
    check: Check | None
    if shape.is_document_type:
        check = None
    elif shape.type_name == "structure":
        check = _structure_checker(shape)
    elif shape.type_name == "list":
        check = _list_checker(shape)
    elif shape.type_name == "map":
        check = _map_checker(shape)
    else:
        check = _rules_checker(shape, _rules(shape))
    shape.codecs["check"] = check
    return check


def _nothing(value: Any, path: Path, messages: list[str]) -> None:
    return None


def _structure_checker(shape: Shape, besides: frozenset[str] = frozenset()) -> Check | None:
    required = shape.required_members
    members = [
        (name, _lower_first(name), check)
        for name, part in shape.members.items()
        if name not in besides and (check := _checker(part))
    ]
    required_names = [(name, _lower_first(name)) for name in required]
    if not required and not members:
        return None

    def check_structure(value: Any, path: Path, messages: list[str]) -> None:
        for name, written in required_names:
            if value.get(name) is None:
                messages.append(_message(None, (path, written), NOT_NULL))
        for name, written, check in members:
            part = value.get(name)
            if part is not None:
                check(part, (path, written), messages)

    return check_structure


def _list_checker(shape: Shape) -> Check | None:
    own = _rules(shape)
    inner = shape.member
    scalar = inner.type_name not in ("structure", "list", "map")
    below = None if scalar else _checker(inner)
    if scalar:
        own += _member_rules(_rules(inner), "Member must satisfy constraint", lambda value: value)
    check_own = _rules_checker(shape, own)

    def check_list(value: Any, path: Path, messages: list[str]) -> None:
        if check_own is not None:
            check_own(value, path, messages)
        if below is not None:
            for index, part in enumerate(value, 1):
                place = ((path, str(index)), "member")
                if part is None:
                    messages.append(_message(None, place, NOT_NULL))
                else:
                    below(part, place, messages)

    # Null members are refused also where the model constrains nothing else.
    return check_own if below is None else check_list


def _map_checker(shape: Shape) -> Check | None:
    own = _rules(shape)
    own += _member_rules(_rules(shape.key), "Map keys must satisfy constraint", lambda value: value)
    inner = shape.value
    scalar = inner.type_name not in ("structure", "list", "map")
    if scalar:
        own += _member_rules(_rules(inner), "Map value must satisfy constraint", lambda value: value.values())
    check_own = _rules_checker(shape, own)
    below = None if scalar else _checker(inner)
    if below is None:
        return check_own

    def check_map(value: Any, path: Path, messages: list[str]) -> None:
        if check_own is not None:
            check_own(value, path, messages)
        for key, part in value.items():
            place = ((path, key), "member")
            if part is None:
                messages.append(_message(None, place, NOT_NULL))
            else:
                below(part, place, messages)

    return check_map


def _member_rules(rules: list[Rule], phrase: str, parts: Callable[[Any], Iterable[Any]]) -> list[Rule]:
    """One rule for the collection from the rules for its scalars; nulls break it too."""
    # Within a collection AWS names the longest length first and the pattern behind the lengths.
    words = ", ".join([*(text for _, text in sorted(rules, key=_place_within)), NOT_NULL])
    tests = [holds for holds, _ in rules]

    def hold(value: Any) -> bool:
        return all(part is not None and all(test(part) for test in tests) for part in parts(value))

    return [(hold, f"{phrase}: [{words}]")]


def _place_within(rule: Rule) -> int:
    words = ("less than or equal to", "greater than or equal to", "regular expression", "enum")
    return next(place for place, word in enumerate(words) if word in rule[1])


def _rules_checker(shape: Shape, rules: list[Rule]) -> Check | None:
    if not rules:
        return None
    sensitive = bool(shape.metadata.get("sensitive"))

    def check(value: Any, path: Path, messages: list[str]) -> None:
        for holds, text in rules:
            if not holds(value):
                messages.append(_sensitive_message(path, text) if sensitive else _message(value, path, text))

    return check


def _rules(shape: Shape) -> list[Rule]:
    """A shape's own rules, in the order in which AWS reports them."""
    rules: list[Rule] = []
    traits = shape.metadata
    if "pattern" in traits:
        pattern = translate(traits["pattern"])
        if pattern is not None:
            matches = pattern.fullmatch
            rules.append(
                (
                    lambda value: matches(value) is not None,
                    f"Member must satisfy regular expression pattern: {traits['pattern']}",
                )
            )
    if "enum" in traits:
        allowed = frozenset(traits["enum"])
        rules.append((allowed.__contains__, f"Member must satisfy enum value set: [{', '.join(traits['enum'])}]"))
    if shape.type_name in _LENGTH_TYPES:
        rules += _length_rules(traits)
    elif shape.type_name in _RANGE_TYPES:
        rules += _range_rules(traits)
    return rules


def _length_rules(traits: dict[str, Any]) -> list[Rule]:
    rules: list[Rule] = []
    if "max" in traits:
        longest = traits["max"]
        rules.append((lambda value: len(value) <= longest, f"Member must have length less than or equal to {longest}"))
    if traits.get("min"):
        shortest = traits["min"]
        rules.append(
            (lambda value: len(value) >= shortest, f"Member must have length greater than or equal to {shortest}")
        )
    return rules


def _range_rules(traits: dict[str, Any]) -> list[Rule]:
    rules: list[Rule] = []
    if "max" in traits:
        largest = traits["max"]
        rules.append((lambda value: value <= largest, f"Member must have value less than or equal to {largest}"))
    if "min" in traits:
        smallest = traits["min"]
        rules.append((lambda value: value >= smallest, f"Member must have value greater than or equal to {smallest}"))
    return rules


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _joined(path: Path) -> str:
    names = []
    while path:
        path, name = path
        names.append(name)
    return ".".join(reversed(names))


def _message(value: Any, path: Path, text: str) -> str:
    shown = "null" if value is None else f"'{rendered(value)}'"
    return f"Value {shown} at '{_joined(path)}' failed to satisfy constraint: {text}"


def _sensitive_message(path: Path, text: str) -> str:
    return f"Value at '{_joined(path)}' failed to satisfy constraint: {text}"


def rendered(value: Any) -> str:
    """A value as Java's toString writes it, which is what AWS's messages show."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(rendered(part) for part in value)}]"[:_RENDERED_MAX]
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={rendered(part)}' for key, part in value.items())}}}"[:_RENDERED_MAX]
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return str(value)[:_RENDERED_MAX]
