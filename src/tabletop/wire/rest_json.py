"""rest-json: operations are paths and methods, bodies are JSON (Lambda)."""

from __future__ import annotations

from typing import Any

import orjson

from tabletop.base.errors import ApiError
from tabletop.wire import eventstream, rest
from tabletop.wire.faults import denied_status, fault_of
from tabletop.wire.http import HttpRequest, HttpResponse
from tabletop.wire.json_values import JSON, parse, parse_object
from tabletop.wire.models import ServiceModel, Shape

CONTENT_TYPE = "application/json"


def decode_request(model: ServiceModel, request: HttpRequest) -> tuple[str, dict[str, Any]]:
    return rest.decode_request(model, request, _read_payload, _read_members)


def _read_payload(shape: Shape, body: bytes) -> Any:
    return JSON.decoder(shape)(parse(body))


def _read_members(shape: Shape, body: bytes) -> dict[str, Any]:
    members: dict[str, Any] = JSON.decoder(shape)(parse_object(body))
    return members


def encode_response(model: ServiceModel, operation: str, output: dict[str, Any], request_id: str) -> HttpResponse:
    described = model.operation_model(operation)
    shape = described.output_shape
    status, headers, elsewhere = rest.bind_response(shape, output)
    headers = [("x-amzn-RequestId", request_id), *headers]
    body = b""
    if shape is not None:
        payload = shape.serialization.get("payload")
        if payload is not None:
            member, value = shape.members[payload], output.get(payload)
            if "eventstream" in member.serialization:
                # The service hands over encoded messages (``eventstream``), as they come. Its model says Content-Type for
                # what is inside them; on the wire it is the stream's own.
                headers = [pair for pair in headers if pair[0].lower() != "content-type"]
                headers.append(("Content-Type", eventstream.CONTENT_TYPE))
                return HttpResponse(status or described.http.get("responseCode", 200), headers, value or b"")
            if member.type_name in ("blob", "string"):
                body = value.encode() if isinstance(value, str) else value or b""
            elif value is not None:
                body = orjson.dumps(JSON.encoder(member)(value))
        elif shape.members.keys() - elsewhere:
            body = orjson.dumps(JSON.encoder(shape)({k: v for k, v in output.items() if k not in elsewhere}))
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.insert(0, ("Content-Type", CONTENT_TYPE))
    return HttpResponse(status or described.http.get("responseCode", 200), headers, body)


def encode_error(model: ServiceModel, error: ApiError, request_id: str) -> HttpResponse:
    fault = fault_of(model, error)
    headers = [
        ("Content-Type", CONTENT_TYPE),
        ("x-amzn-RequestId", request_id),
        ("x-amzn-ErrorType", fault.code),
    ]
    body: dict[str, Any] = {}
    members = dict(fault.members)
    if fault.shape is not None:
        if "Type" in fault.shape.members:
            members.setdefault("Type", "User" if fault.sender else "Service")
        _, bound, elsewhere = rest.bind_response(fault.shape, members)
        headers += bound
        body |= JSON.encoder(fault.shape)({k: v for k, v in members.items() if k not in elsewhere})
    else:
        body |= members
    if fault.message is not None:
        body[_message_key(fault.code, fault.message_key)] = fault.message
    return HttpResponse(denied_status(fault), headers, orjson.dumps(body))


def _message_key(code: str, modelled: str | None) -> str:
    # Lambda's framework says "Message" when access is denied, and "message" in its other errors that no model has.
    return modelled or ("Message" if code in ("AccessDeniedException", "SerializationException") else "message")
