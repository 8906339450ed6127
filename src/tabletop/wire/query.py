"""The query protocol: a form with Action and Version in, XML out (IAM, STS, and CloudWatch's old clients).

A form's names are paths (``Tags.member.1.Key``). They are gathered into a tree first, of bounded depth, and the
operation's input shape then says how to read the tree.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import unquote_plus

from tabletop.base.errors import ApiError
from tabletop.wire.faults import denied_status, fault_of
from tabletop.wire.http import HttpRequest, HttpResponse
from tabletop.wire.models import ServiceModel, Shape
from tabletop.wire.scalars import parse_scalar
from tabletop.wire.xml_values import escape, write_members, writer

PARAMETERS_MAX = 20_000
DEPTH_MAX = 32

CONTENT_TYPE = "text/xml"


class _Node:
    __slots__ = ("children", "text")

    def __init__(self) -> None:
        self.text: str | None = None
        self.children: dict[str, _Node] = {}


def form_pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """The form's names and values, from the query string and then from the body. MalformedQueryString if too many."""
    pairs = request.query_pairs()
    body = request.body.decode("utf-8", "replace")
    if body.count("&") + len(pairs) > PARAMETERS_MAX:
        raise ApiError("MalformedQueryString", "Too many parameters")
    for part in body.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote_plus(name.strip()), unquote_plus(value)))
    return pairs


def decode_request(model: ServiceModel, request: HttpRequest) -> tuple[str, dict[str, Any]]:
    pairs = form_pairs(request)
    flat = dict(pairs)
    action = flat.get("Action")
    if not action:
        raise ApiError("MissingAction", "The request must contain the parameter Action")
    version = flat.get("Version", "NO_VERSION_SPECIFIED")
    if version != model.api_version or not model.has_operation(action):
        raise ApiError("InvalidAction", f"Could not find operation {action} for version {version}")
    shape = model.operation_model(action).input_shape
    return action, {} if shape is None else _read_structure(shape, _tree(pairs))


def _tree(pairs: list[tuple[str, str]]) -> _Node:
    root = _Node()
    for name, value in pairs:
        parts = name.split(".")
        if len(parts) > DEPTH_MAX:
            raise malformed_input("Nesting levels are too deep")
        node = root
        for part in parts:
            child = node.children.get(part)
            if child is None:
                child = node.children[part] = _Node()
            node = child
        node.text = value
    return root


def malformed_input(message: str) -> ApiError:
    return ApiError("MalformedInput", message)


def _read(shape: Shape, node: _Node) -> Any:
    kind = shape.type_name
    if kind == "structure":
        if node.text:
            raise malformed_input("Unexpected complex element termination")
        return _read_structure(shape, node)
    if kind == "list":
        return _read_list(shape, node)
    if kind == "map":
        return _read_map(shape, node)
    if node.text is None:
        raise malformed_input("Start of structure or map found where not expected.")
    if kind == "blob":
        try:
            return base64.b64decode(node.text, validate=True)
        except (binascii.Error, ValueError):
            raise malformed_input("Invalid Base64 character") from None
    try:
        return parse_scalar(shape, node.text)
    except ValueError:
        raise malformed_input(f"STRING_VALUE cannot be converted to {kind.capitalize()}") from None


def _read_structure(shape: Shape, node: _Node) -> dict[str, Any]:
    value = {}
    for name, member in shape.members.items():
        wire_name = member.serialization.get("queryName") or _member_name(member, name)
        child = node.children.get(wire_name)
        if child is not None:
            value[name] = _read(member, child)
    return value


def _member_name(member: Shape, name: str) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        inner = member.member.serialization.get("name")
        if inner:
            return inner  # type: ignore[no-any-return]
    return member.serialization.get("name", name)  # type: ignore[no-any-return]


def _read_list(shape: Shape, node: _Node) -> list[Any]:
    if node.text:
        raise malformed_input("Unexpected list element termination")
    if not shape.serialization.get("flattened"):
        below = node.children.get(shape.member.serialization.get("name", "member"))
        if below is None:
            return []
        node = below
    return [_read(shape.member, child) for child in _numbered(node)]


def _read_map(shape: Shape, node: _Node) -> dict[str, Any]:
    if not shape.serialization.get("flattened"):
        below = node.children.get("entry")
        if below is None:
            return {}
        node = below
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    value = {}
    for entry in _numbered(node):
        if key_name not in entry.children or value_name not in entry.children:
            raise malformed_input("Key and value of a map entry must both be present")
        value[_read(shape.key, entry.children[key_name])] = _read(shape.value, entry.children[value_name])
    return value


def _numbered(node: _Node) -> list[_Node]:
    """The children in the order of their numbers; gaps are closed up."""
    numbered = []
    for part, child in node.children.items():
        if not (part.isascii() and part.isdigit() and len(part) < 10):
            raise malformed_input(f"Unexpected list index: {part}")
        numbered.append((int(part), child))
    return [child for _, child in sorted(numbered, key=lambda pair: pair[0])]


def encode_response(model: ServiceModel, operation: str, output: dict[str, Any], request_id: str) -> HttpResponse:
    shape = model.operation_model(operation).output_shape
    pieces = [f'<{operation}Response xmlns="{_namespace(model)}">']
    if shape is not None:
        wrapper = shape.serialization.get("resultWrapper", f"{operation}Result")
        pieces.append(f"<{wrapper}>")
        write_members(pieces, shape, output)
        pieces.append(f"</{wrapper}>")
    pieces.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>\n")
    return _response(200, pieces, request_id)


def encode_error(model: ServiceModel, error: ApiError, request_id: str) -> HttpResponse:
    fault = fault_of(model, error)
    pieces = [
        f'<ErrorResponse xmlns="{_namespace(model)}"><Error><Type>{"Sender" if fault.sender else "Receiver"}</Type>'
        f"<Code>{escape(fault.code)}</Code>"
    ]
    if fault.message is not None:
        pieces.append(f"<Message>{escape(fault.message)}</Message>")
    if fault.shape is not None:
        for name, value in fault.members.items():
            member = fault.shape.members[name]
            writer(member)(pieces, _member_name(member, name), value)
    pieces.append(f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>\n")
    return _response(denied_status(fault), pieces, request_id)


def _namespace(model: ServiceModel) -> str:
    return escape(model.metadata["xmlNamespace"])


def _response(status: int, pieces: list[str], request_id: str) -> HttpResponse:
    headers = [("Content-Type", CONTENT_TYPE), ("x-amzn-RequestId", request_id)]
    return HttpResponse(status, headers, "".join(pieces).encode())
