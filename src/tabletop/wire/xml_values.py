"""XML bodies by the model, compiled once per shape: element writers for query and rest-xml, readers for rest-xml."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from tabletop.base.errors import ApiError
from tabletop.wire import timestamps
from tabletop.wire.models import Shape
from tabletop.wire.scalars import parse_scalar

Write = Callable[[list[str], str, Any], None]
"""write(pieces, element name, value)"""

_SPECIAL = re.compile('[&<>"\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;"}


def escape(text: str) -> str:
    """Text for an element or a quoted attribute. What XML 1.0 cannot express becomes U+FFFD."""
    return _SPECIAL.sub(lambda match: _ENTITIES.get(match[0], "\ufffd"), text)


def malformed_xml() -> ApiError:
    return ApiError(
        "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
    )


def writer(shape: Shape) -> Write:
    found: Write | None = shape.codecs.get("xml-encode")
    if found is None:
        # A shape that contains itself finds this stand-in while it is being compiled.
        shape.codecs["xml-encode"] = lambda pieces, name, value: shape.codecs["xml-encode"](pieces, name, value)
        found = shape.codecs["xml-encode"] = _make_writer(shape)
    return found


def write_members(
    pieces: list[str], shape: Shape, value: dict[str, Any], *, skip: frozenset[str] = frozenset()
) -> None:
    """The elements of a structure without an element around them; ``skip`` are members that go elsewhere."""
    for name, member in shape.members.items():
        part = value.get(name)
        if part is not None and name not in skip and not member.serialization.get("xmlAttribute"):
            writer(member)(pieces, _element_name(member, name), part)


def scalar_text(shape: Shape, value: Any, default_timestamp: str = "iso8601") -> str:
    """A scalar as the text of an element, header or query value."""
    kind = shape.type_name
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return timestamps.render(value, shape.serialization.get("timestampFormat", default_timestamp))
    if kind == "blob":
        return base64.b64encode(value).decode("ascii")
    if kind in ("float", "double"):
        return _float_text(value)
    return str(value)


def _float_text(value: float) -> str:
    if value != value:
        return "NaN"
    return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value) or repr(value)


def _element_name(member: Shape, name: str) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        # A flattened list has no element of its own: its members carry its name, or their own.
        return member.serialization.get("name") or member.member.serialization.get("name") or name
    return member.serialization.get("name", name)  # type: ignore[no-any-return]


def _make_writer(shape: Shape) -> Write:
    return {"structure": _structure_writer, "list": _list_writer, "map": _map_writer}.get(
        shape.type_name, _scalar_writer
    )(shape)


def _scalar_writer(shape: Shape) -> Write:
    def write(pieces: list[str], name: str, value: Any) -> None:
        pieces.append(f"<{name}>{escape(scalar_text(shape, value))}</{name}>")

    return write


def _structure_writer(shape: Shape) -> Write:
    attributes = {
        name: member.serialization.get("name", name)
        for name, member in shape.members.items()
        if member.serialization.get("xmlAttribute")
    }
    namespace = shape.serialization.get("xmlNamespace")

    def write(pieces: list[str], name: str, value: dict[str, Any]) -> None:
        opening = name
        if namespace:
            prefix = f":{namespace['prefix']}" if "prefix" in namespace else ""
            opening += f' xmlns{prefix}="{escape(namespace["uri"])}"'
        for member, attribute in attributes.items():
            if value.get(member) is not None:
                opening += f' {attribute}="{escape(str(value[member]))}"'
        pieces.append(f"<{opening}>")
        write_members(pieces, shape, value)
        pieces.append(f"</{name}>")

    return write


def _list_writer(shape: Shape) -> Write:
    write_member = writer(shape.member)
    if shape.serialization.get("flattened"):

        def write_flat(pieces: list[str], name: str, value: list[Any]) -> None:
            for part in value:
                write_member(pieces, name, part)

        return write_flat
    member_name = shape.member.serialization.get("name", "member")

    def write(pieces: list[str], name: str, value: list[Any]) -> None:
        pieces.append(f"<{name}>")
        for part in value:
            write_member(pieces, member_name, part)
        pieces.append(f"</{name}>")

    return write


def _map_writer(shape: Shape) -> Write:
    write_key, write_value = writer(shape.key), writer(shape.value)
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    flattened = bool(shape.serialization.get("flattened"))

    def write(pieces: list[str], name: str, value: dict[str, Any]) -> None:
        entry = name if flattened else "entry"
        if not flattened:
            pieces.append(f"<{name}>")
        for key, part in value.items():
            pieces.append(f"<{entry}>")
            write_key(pieces, key_name, key)
            write_value(pieces, value_name, part)
            pieces.append(f"</{entry}>")
        if not flattened:
            pieces.append(f"</{name}>")

    return write


def parse_document(body: bytes) -> ElementTree.Element:
    """MalformedXML for what is no XML, and for a document type: AWS has none, and entities are an attack."""
    # A zero byte means UTF-16, which would hide the words that are looked for.
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\0" in body:
        raise malformed_xml()
    try:
        return ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise malformed_xml() from None


def read(shape: Shape, element: ElementTree.Element) -> Any:
    """The value of an element. MalformedXML where a scalar's text does not fit its type."""
    kind = shape.type_name
    if kind == "structure":
        return read_members(shape, element)
    if kind == "list":
        name = shape.member.serialization.get("name", "member")
        return [read(shape.member, child) for child in element if _local_name(child) == name]
    if kind == "map":
        return _read_entries(shape, [child for child in element if _local_name(child) == "entry"])
    text = element.text or ""
    if kind == "blob":
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise malformed_xml() from None
    try:
        return parse_scalar(shape, text)
    except ValueError:
        raise malformed_xml() from None


def read_members(shape: Shape, element: ElementTree.Element) -> dict[str, Any]:
    children: dict[str, list[ElementTree.Element]] = {}
    for child in element:
        children.setdefault(_local_name(child), []).append(child)
    value: dict[str, Any] = {}
    for name, member in shape.members.items():
        if "location" in member.serialization:
            continue
        if member.serialization.get("xmlAttribute"):
            text = _attribute(element, member.serialization.get("name", name))
            if text is not None:
                value[name] = text
            continue
        found = children.get(_element_name(member, name))
        if found:
            value[name] = _read_found(member, found)
    return value


def _read_found(member: Shape, found: list[ElementTree.Element]) -> Any:
    if member.serialization.get("flattened"):
        if member.type_name == "list":
            return [read(member.member, element) for element in found]
        return _read_entries(member, found)
    return read(member, found[0])


def _read_entries(shape: Shape, entries: list[ElementTree.Element]) -> dict[str, Any]:
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    value = {}
    for entry in entries:
        parts = {_local_name(child): child for child in entry}
        if key_name not in parts or value_name not in parts:
            raise malformed_xml()
        value[read(shape.key, parts[key_name])] = read(shape.value, parts[value_name])
    return value


def _local_name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _attribute(element: ElementTree.Element, name: str) -> str | None:
    # The parser has replaced a prefix ("xsi:type") by its namespace.
    local = name.rpartition(":")[2]
    return next((text for key, text in element.attrib.items() if key.rpartition("}")[2] == local), None)
