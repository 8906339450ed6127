"""json 1.0 and json 1.1: the operation in X-Amz-Target, a JSON object each way (DynamoDB, Streams, Logs, KMS ...)."""

from __future__ import annotations

from typing import Any

import orjson

from tabletop.base.errors import ApiError
from tabletop.wire import eventstream
from tabletop.wire.checksums import crc32_header
from tabletop.wire.faults import fault_of
from tabletop.wire.http import HttpRequest, HttpResponse
from tabletop.wire.json_values import JSON, parse_object
from tabletop.wire.models import ServiceModel, Shape

CORAL_NAMESPACES = {
    "ThrottlingException": "com.amazon.coral.availability",
    "ValidationException": "com.amazon.coral.validate",
}
"""What json 1.0 services put before errors that every service has; com.amazon.coral.service before all others."""

CAPITAL_MESSAGE = frozenset({"AccessDeniedException", "SerializationException"})
"""Errors of the framework, not of a model, that have "Message" and not "message" (from memory, unchecked)."""

CHECKSUMMED_SERVICES = frozenset({"dynamodb", "dynamodbstreams"})


def operation_name(model: ServiceModel, request: HttpRequest) -> str:
    """UnknownOperationException unless X-Amz-Target names an operation of this service."""
    prefix, _, name = request.headers.get("x-amz-target", "").rpartition(".")
    if prefix != model.metadata["targetPrefix"] or not model.has_operation(name):
        raise ApiError("UnknownOperationException")
    return name


def read_body(request: HttpRequest) -> dict[str, Any]:
    """The body's JSON object as it is, for services that check types on their own (DynamoDB)."""
    return parse_object(request.body)


def decode_request(model: ServiceModel, request: HttpRequest) -> tuple[str, dict[str, Any]]:
    name = operation_name(model, request)
    body = parse_object(request.body)
    shape = model.operation_model(name).input_shape
    return name, {} if shape is None else JSON.decoder(shape)(body)


def encode_response(
    model: ServiceModel, operation: str, output: dict[str, Any] | bytes, request_id: str
) -> HttpResponse:
    """``output`` as bytes is the finished JSON."""
    if isinstance(output, dict):
        shape = model.operation_model(operation).output_shape
        streamed = None if shape is None else _streamed_member(shape)
        if streamed is not None:
            # The service hands over encoded messages, the first of which ("initial-response") has all other members.
            headers = [("Content-Type", eventstream.CONTENT_TYPE), ("x-amzn-RequestId", request_id)]
            return HttpResponse(200, headers, output[streamed])
        if shape is None:
            # Logs answers operations without an output with no body at all; DynamoDB has none such.
            return _response(model, 200, b"", request_id)
        output = orjson.dumps(JSON.encoder(shape)(output))
    return _response(model, 200, output, request_id)


def _streamed_member(shape: Shape) -> str | None:
    """The output's member that is an event stream (Logs: StartLiveTail)."""
    return next((name for name, member in shape.members.items() if "eventstream" in member.serialization), None)


def encode_error(model: ServiceModel, error: ApiError, request_id: str) -> HttpResponse:
    fault = fault_of(model, error)
    body: dict[str, Any] = {"__type": _error_type(model, fault.code, fault.shape is not None)}
    if fault.shape is not None:
        body |= JSON.encoder(fault.shape)(fault.members)
    else:
        body |= fault.members
    if fault.message is not None:
        body[fault.message_key or ("Message" if fault.code in CAPITAL_MESSAGE else "message")] = fault.message
    response = _response(model, fault.status, orjson.dumps(body), request_id)
    if model.is_query_compatible:
        response.headers.append(("x-amzn-query-error", f"{fault.code};{'Sender' if fault.sender else 'Receiver'}"))
    return response


def _error_type(model: ServiceModel, code: str, modelled: bool) -> str:
    if model.metadata.get("jsonVersion") != "1.0":
        return code
    if not modelled:
        return f"{CORAL_NAMESPACES.get(code, 'com.amazon.coral.service')}#{code}"
    # DynamoDB and Streams share the namespace of DynamoDB.
    service = "dynamodb" if model.service_name in CHECKSUMMED_SERVICES else model.service_name
    return f"com.amazonaws.{service}.v{model.api_version.replace('-', '')}#{code}"


def _response(model: ServiceModel, status: int, body: bytes, request_id: str) -> HttpResponse:
    headers = [
        ("Content-Type", f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.0')}"),
        ("x-amzn-RequestId", request_id),
    ]
    if model.service_name in CHECKSUMMED_SERVICES:
        headers.append(crc32_header(body))
    return HttpResponse(status, headers, body)
