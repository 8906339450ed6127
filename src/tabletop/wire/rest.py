"""What rest-json and rest-xml share: routes, requests, and the members bound to path, query string, headers and status.

Routes are matched in one table per service, compiled once: literal parts of a path before labels, labels before a
greedy label, routes that demand query parameters (``?Type=x``) before those that do not.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson

from tabletop.base.errors import ApiError
from tabletop.wire.http import HeaderList, HttpRequest
from tabletop.wire.models import OperationModel, ServiceModel, Shape
from tabletop.wire.scalars import parse_scalar
from tabletop.wire.trees import serialization_error
from tabletop.wire.xml_values import scalar_text

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")
_LIST_VALUE = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class _Route:
    operation: str
    pattern: re.Pattern[str]
    labels: tuple[str, ...]
    query: tuple[tuple[str, str | None], ...]
    """Names that the query string must have, with the value they must have if the template says one."""
    bound: tuple[tuple[str, str], ...]
    """("query" or "header", name) of the required members: they tell S3's operations on one path from each other."""
    rank: tuple[Any, ...]

    def query_holds(self, query: dict[str, str]) -> bool:
        return all(name in query and value in (None, query[name]) for name, value in self.query)

    def bound_members_are_in(self, query: dict[str, str], headers: dict[str, str]) -> bool:
        return all(name in (query if place == "query" else headers) for place, name in self.bound)


def match_route(model: ServiceModel, request: HttpRequest) -> tuple[str, dict[str, str]]:
    """(operation, its path labels, unquoted). UnknownOperationException with status 404 if no route matches."""
    path = request.path if len(request.path) < 2 else request.path.rstrip("/") or "/"
    query = dict(request.query_pairs())
    chosen: tuple[_Route, re.Match[str]] | None = None
    for route in _routes(model, request.method):
        if chosen is not None and route.rank != chosen[0].rank:
            break
        match = route.pattern.fullmatch(path)
        if match is not None and route.query_holds(query):
            # A route whose required members are missing is still the right one if no other of its rank fits.
            chosen = (route, match)
            if route.bound_members_are_in(query, request.headers):
                break
    if chosen is None:
        raise ApiError("UnknownOperationException", status=404)
    route, match = chosen
    return route.operation, dict(zip(route.labels, map(unquote, match.groups()), strict=True))


def has_route(model: ServiceModel, request: HttpRequest) -> bool:
    try:
        match_route(model, request)
    except ApiError:
        return False
    return True


def _routes(model: ServiceModel, method: str) -> list[_Route]:
    table: dict[str, list[_Route]] | None = model.codecs.get("routes")
    if table is None:
        table = model.codecs["routes"] = _compile_routes(model)
    return table.get(method, [])


def _compile_routes(model: ServiceModel) -> dict[str, list[_Route]]:
    table: dict[str, list[_Route]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        http = operation.http
        template, _, query = http["requestUri"].partition("?")
        required = tuple(
            (key, value if equals else None) for key, equals, value in (p.partition("=") for p in query.split("&") if p)
        )
        labels = tuple(label[1] for label in _LABEL.finditer(template))
        # S3's older operations have the paths of the newer ones that took their place.
        rank = (*_rank(template), -len(required), operation.deprecated)
        table.setdefault(http["method"], []).append(
            _Route(name, _pattern(template), labels, required, _bound_members(operation), rank)
        )
    for routes in table.values():
        routes.sort(key=lambda route: (route.rank, -len(route.bound)))
    return table


def _bound_members(operation: OperationModel) -> tuple[tuple[str, str], ...]:
    shape = operation.input_shape
    if shape is None:
        return ()
    bound = []
    for name in shape.required_members:
        member = shape.members[name]
        wire_name = member.serialization.get("name", name)
        location = member.serialization.get("location")
        if location == "querystring":
            bound.append(("query", wire_name))
        elif location == "header":
            bound.append(("header", wire_name.lower()))
    return tuple(bound)


def _pattern(template: str) -> re.Pattern[str]:
    parts, end = [], 0
    for label in _LABEL.finditer(template):
        parts += [re.escape(template[end : label.start()]), "(.+)" if label[2] else "([^/]+)"]
        end = label.end()
    literal = template[end:]
    return re.compile("".join(parts) + re.escape(literal if literal == template == "/" else literal.rstrip("/")))


def _rank(template: str) -> tuple[tuple[int, str], ...]:
    """Part by part: a literal (0) before a label (1) before a greedy label (2) before the path's end (3)."""
    ranks = []
    for part in template.strip("/").split("/"):
        label = _LABEL.search(part)
        ranks.append((0, part) if label is None else (2 if label[2] else 1, ""))
    return (*ranks, (3, ""))


def decode_request(
    model: ServiceModel,
    request: HttpRequest,
    read_payload: Callable[[Shape, bytes], Any],
    read_members: Callable[[Shape, bytes], dict[str, Any]],
) -> tuple[str, dict[str, Any]]:
    """(operation, parameters). The two functions read a body: as the one member that is the payload, or as the members
    that lie nowhere else."""
    name, labels = match_route(model, request)
    operation = model.operation_model(name)
    params = bind_request(operation, request, labels)
    shape = operation.input_shape
    if shape is None:
        return name, params
    payload = shape.serialization.get("payload")
    if payload is not None:
        member = shape.members[payload]
        if member.type_name == "blob":
            params[payload] = request.body
        elif member.type_name == "string":
            params[payload] = request.body.decode("utf-8", "replace")
        elif request.body:
            params[payload] = read_payload(member, request.body)
    elif request.body and any("location" not in member.serialization for member in shape.members.values()):
        # What the path, query and headers say stands; a body cannot override it.
        params = read_members(shape, request.body) | params
    return name, params


def bind_request(operation: OperationModel, request: HttpRequest, labels: dict[str, str]) -> dict[str, Any]:
    """The members of the input that lie outside the body."""
    shape = operation.input_shape
    bound: dict[str, Any] = {}
    if shape is None:
        return bound
    query: dict[str, list[str]] = {}
    for key, text in request.query_pairs():
        query.setdefault(key, []).append(text)
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        if location is None:
            continue
        wire_name = member.serialization.get("name", name)
        if location == "uri":
            bound[name] = _scalar(member, labels[wire_name])
        elif location == "querystring":
            value = _query_value(member, wire_name, query)
            if value is not None:
                bound[name] = value
        elif location == "header":
            header = request.headers.get(wire_name.lower())
            if header is not None:
                bound[name] = _header_value(member, header)
        elif location == "headers":
            prefix = wire_name.lower()
            bound[name] = {key[len(prefix) :]: text for key, text in request.headers.items() if key.startswith(prefix)}
    return bound


def _query_value(member: Shape, name: str, query: dict[str, list[str]]) -> Any:
    if member.type_name == "map":
        listed = member.value.type_name == "list"
        return {key: texts if listed else texts[-1] for key, texts in query.items()}
    texts = query.get(name)
    if texts is None:
        return None
    if member.type_name == "list":
        return [_scalar(member.member, text) for text in texts]
    return _scalar(member, texts[-1])


def _header_value(member: Shape, text: str) -> Any:
    if member.serialization.get("jsonvalue"):
        try:
            return orjson.loads(base64.b64decode(text, validate=True))
        except (orjson.JSONDecodeError, binascii.Error, ValueError):
            raise serialization_error() from None
    if member.type_name == "list":
        return [_scalar(member.member, part, "rfc822") for part in _header_list(member.member, text)]
    return _scalar(member, text, "rfc822")


def _header_list(member: Shape, text: str) -> list[str]:
    if member.type_name == "timestamp" and member.serialization.get("timestampFormat", "rfc822") == "rfc822":
        # An HTTP date has a comma itself.
        halves = text.split(",")
        return [",".join(halves[i : i + 2]).strip() for i in range(0, len(halves), 2)]
    parts = []
    position = 0
    while position < len(text):
        match = _LIST_VALUE.match(text, position)
        if match is None or match.end() == position:
            raise serialization_error()
        parts.append(match[1].replace('\\"', '"') if match[1] is not None else match[2].strip())
        position = match.end()
    return parts


def _scalar(member: Shape, text: str, default_timestamp: str = "iso8601") -> Any:
    if member.type_name == "blob":
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise serialization_error("Invalid Base64 character") from None
    try:
        return parse_scalar(member, text, default_timestamp)
    except ValueError:
        raise serialization_error(f"STRING_VALUE cannot be converted to {member.type_name.capitalize()}") from None


def bind_response(shape: Shape | None, output: dict[str, Any]) -> tuple[int | None, HeaderList, frozenset[str]]:
    """(status if a member says it, headers, the names of the members that are not for the body)."""
    status: int | None = None
    headers: HeaderList = []
    elsewhere = set()
    for name, member in shape.members.items() if shape is not None else ():
        location = member.serialization.get("location")
        if location is None:
            continue
        elsewhere.add(name)
        value = output.get(name)
        if value is None:
            continue
        wire_name = member.serialization.get("name", name)
        if location == "statusCode":
            status = int(value)
        elif location == "headers":
            headers += [(wire_name + key, text) for key, text in value.items()]
        elif location == "header":
            headers.append((wire_name, _header_text(member, value)))
    return status, headers, frozenset(elsewhere)


def _header_text(member: Shape, value: Any) -> str:
    if member.serialization.get("jsonvalue"):
        return base64.b64encode(orjson.dumps(value)).decode("ascii")
    if member.type_name == "list":
        return ",".join(_quoted(scalar_text(member.member, part, "rfc822")) for part in value)
    return scalar_text(member, value, "rfc822")


def _quoted(text: str) -> str:
    if '"' not in text and "," not in text:
        return text
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'
