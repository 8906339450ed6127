"""The door to AWS's protocols: bytes to parameters, answers and errors to bytes, for whichever one a request speaks.

``decode_request`` raises ApiError and nothing else, whatever arrives. ``encode_response`` and ``encode_error`` trust
their input. A service may speak several protocols: hand the one that ``protocol_of`` found to the encoders; without
it they use the service's first.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.wire import cbor, json_rpc, query, rest_json, rest_xml
from tabletop.wire.http import HttpRequest, HttpResponse
from tabletop.wire.models import ServiceModel
from tabletop.wire.trees import serialization_error

PROTOCOLS: dict[str, ModuleType] = {
    "json": json_rpc,
    "query": query,
    "rest-json": rest_json,
    "rest-xml": rest_xml,
    "smithy-rpc-v2-cbor": cbor,
}


def protocol_of(model: ServiceModel, request: HttpRequest) -> str:
    """The protocol of the service's that the request is in; the service's first if the request does not show it."""
    spoken = model.protocols
    if len(spoken) == 1:
        return spoken[0]
    if "smithy-protocol" in request.headers:
        shown = "smithy-rpc-v2-cbor"
    elif "x-amz-target" in request.headers:
        shown = "json"
    else:
        shown = "query"
    return shown if shown in spoken else spoken[0]


def decode_request(
    model: ServiceModel, request: HttpRequest, protocol: str | None = None
) -> tuple[str, dict[str, Any]]:
    """(operation, parameters): blobs are bytes, timestamps seconds since the epoch (float), absent members absent."""
    decode = PROTOCOLS[protocol or protocol_of(model, request)].decode_request
    try:
        decoded: tuple[str, dict[str, Any]] = decode(model, request)
    except RecursionError:
        raise serialization_error("Nesting levels are too deep") from None
    return decoded


def encode_response(
    model: ServiceModel,
    operation: str,
    output: dict[str, Any] | bytes,
    request_id: str,
    protocol: str | None = None,
) -> HttpResponse:
    """``output`` by the model's member names; timestamps as seconds or datetime; members that are None are left out.

    Only the json protocol takes bytes, which are then the finished body.
    """
    encode = PROTOCOLS[protocol or model.protocols[0]].encode_response
    response: HttpResponse = encode(model, operation, output, request_id)
    return response


def encode_error(model: ServiceModel, error: ApiError, request_id: str, protocol: str | None = None) -> HttpResponse:
    """``error.code`` is the code on the wire or the name of the error's shape."""
    response: HttpResponse = PROTOCOLS[protocol or model.protocols[0]].encode_error(model, error, request_id)
    return response
