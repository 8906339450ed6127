"""smithy-rpc-v2-cbor: POST /service/NAME/operation/NAME with CBOR both ways (CloudWatch's newer clients)."""

from __future__ import annotations

import re
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.wire import cbor_values, timestamps
from tabletop.wire.faults import fault_of
from tabletop.wire.http import HttpRequest, HttpResponse
from tabletop.wire.models import ServiceModel, Shape
from tabletop.wire.trees import Convert, Tree, serialization_error, wrong_type

PATH = re.compile(r".*/service/([^/]+)/operation/([^/]+)/?")
_HEADERS = [("smithy-protocol", "rpc-v2-cbor"), ("Content-Type", "application/cbor")]


def _decode_blob(value: Any) -> bytes:
    if type(value) is not bytes:
        raise wrong_type(value, "blob")
    return value


def _encode_blob(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _timestamp_decoder(shape: Shape) -> Convert:
    def decode(value: Any) -> float:
        try:
            return timestamps.parse_number(value)
        except ValueError:
            raise wrong_type(value, "timestamp") from None

    return decode


def _timestamp_encoder(shape: Shape) -> Convert:
    return lambda value: cbor_values.Timestamp(timestamps.unix_number(value))


CBOR = Tree(
    "cbor",
    decode_blob=_decode_blob,
    encode_blob=_encode_blob,
    decode_timestamp=_timestamp_decoder,
    encode_timestamp=_timestamp_encoder,
    encode_float=float,
)


def decode_request(model: ServiceModel, request: HttpRequest) -> tuple[str, dict[str, Any]]:
    match = PATH.fullmatch(request.path)
    if match is None or match[1] != model.metadata["targetPrefix"] or not model.has_operation(match[2]):
        raise ApiError("UnknownOperationException", status=404)
    shape = model.operation_model(match[2]).input_shape
    try:
        body = cbor_values.loads(request.body) if request.body else {}
    except cbor_values.CborError:
        raise serialization_error() from None
    if type(body) is not dict:
        raise serialization_error()
    return match[2], {} if shape is None else CBOR.decoder(shape)(body)


def encode_response(model: ServiceModel, operation: str, output: dict[str, Any], request_id: str) -> HttpResponse:
    shape = model.operation_model(operation).output_shape
    if shape is None:
        return HttpResponse(200, [_HEADERS[0], ("x-amzn-RequestId", request_id)])
    return _response(200, CBOR.encoder(shape)(output), request_id)


def encode_error(model: ServiceModel, error: ApiError, request_id: str) -> HttpResponse:
    fault = fault_of(model, error)
    body: dict[str, Any] = {"__type": fault.shape.name if fault.shape is not None else fault.code}
    body |= CBOR.encoder(fault.shape)(fault.members) if fault.shape is not None else fault.members
    if fault.message is not None:
        body[fault.message_key or "message"] = fault.message
    response = _response(fault.status, body, request_id)
    if model.is_query_compatible:
        response.headers.append(("x-amzn-query-error", f"{fault.code};{'Sender' if fault.sender else 'Receiver'}"))
    return response


def _response(status: int, body: dict[str, Any], request_id: str) -> HttpResponse:
    return HttpResponse(status, [*_HEADERS, ("x-amzn-RequestId", request_id)], cbor_values.dumps(body))
