"""rest-xml: operations are paths and methods, bodies are XML (S3, in path style)."""

from __future__ import annotations

from typing import Any

from tabletop.base.errors import ApiError
from tabletop.wire import rest
from tabletop.wire.faults import denied_status, fault_of
from tabletop.wire.http import HttpRequest, HttpResponse
from tabletop.wire.models import ServiceModel, Shape
from tabletop.wire.xml_values import escape, parse_document, read, read_members, write_members, writer

CONTENT_TYPE = "application/xml"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def decode_request(model: ServiceModel, request: HttpRequest) -> tuple[str, dict[str, Any]]:
    return rest.decode_request(model, request, _read_payload, _read_members)


def _read_payload(shape: Shape, body: bytes) -> Any:
    return read(shape, parse_document(body))


def _read_members(shape: Shape, body: bytes) -> dict[str, Any]:
    return read_members(shape, parse_document(body))


def encode_response(model: ServiceModel, operation: str, output: dict[str, Any], request_id: str) -> HttpResponse:
    described = model.operation_model(operation)
    shape = described.output_shape
    status, headers, elsewhere = rest.bind_response(shape, output)
    headers = [("x-amz-request-id", request_id), ("x-amzn-RequestId", request_id), *headers]
    body = b"" if shape is None else _body(model, shape, operation, output, elsewhere)
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.insert(0, ("Content-Type", CONTENT_TYPE))
    return HttpResponse(status or described.http.get("responseCode", 200), headers, body)


def _body(
    model: ServiceModel, shape: Shape, operation: str, output: dict[str, Any], elsewhere: frozenset[str]
) -> bytes:
    payload = shape.serialization.get("payload")
    pieces = [_DECLARATION]
    if payload is not None:
        member, value = shape.members[payload], output.get(payload)
        if member.type_name in ("blob", "string"):
            return value.encode() if isinstance(value, str) else value or b""
        if value is None:
            return b""
        writer(member)(pieces, member.serialization.get("name", member.name), value)
    elif shape.members.keys() - elsewhere:
        root = shape.serialization.get("name") or shape.metadata.get("xmlName") or shape.name
        pieces.append(f"<{root}{_namespace(model)}>")
        write_members(pieces, shape, output, skip=elsewhere)
        pieces.append(f"</{root}>")
    else:
        return b""
    return "".join(pieces).encode()


def encode_error(model: ServiceModel, error: ApiError, request_id: str) -> HttpResponse:
    fault = fault_of(model, error)
    inner = f"<Code>{escape(fault.code)}</Code><Message>{escape(fault.message or '')}</Message>"
    pieces = [_DECLARATION]
    if model.service_name == "s3":
        pieces.append(f"<Error>{inner}")
    else:
        kind = "Sender" if fault.sender else "Receiver"
        pieces.append(f"<ErrorResponse{_namespace(model)}><Error><Type>{kind}</Type>{inner}")
    if fault.shape is not None:
        write_members(pieces, fault.shape, fault.members)
    request = f"<RequestId>{request_id}</RequestId>"
    pieces.append(f"{request}</Error>" if model.service_name == "s3" else f"</Error>{request}</ErrorResponse>")
    headers = [
        ("Content-Type", CONTENT_TYPE),
        ("x-amz-request-id", request_id),
        ("x-amzn-RequestId", request_id),
    ]
    return HttpResponse(denied_status(fault), headers, "".join(pieces).encode())


def _namespace(model: ServiceModel) -> str:
    uri = model.metadata.get("xmlNamespace") or (
        "http://s3.amazonaws.com/doc/2006-03-01/" if model.service_name == "s3" else ""
    )
    return f' xmlns="{escape(uri)}"' if uri else ""
