"""Every operation of every service there and back, with botocore's client side at the other end."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from botocore import parsers, serialize
from generate import Generator, client_model, is_fault, plain
from requests.structures import CaseInsensitiveDict

from tabletop.base.errors import ApiError
from tabletop.wire.faults import FAULT_STATUS
from tabletop.wire.http import HttpRequest, HttpResponse
from tabletop.wire.models import service_model
from tabletop.wire.protocols import decode_request, encode_error, encode_response, protocol_of

SERVICES = [
    ("dynamodb", "json"),
    ("dynamodbstreams", "json"),
    ("logs", "json"),
    ("application-autoscaling", "json"),
    ("events", "json"),
    ("kms", "json"),
    ("iam", "query"),
    ("sts", "query"),
    ("lambda", "rest-json"),
    ("s3", "rest-xml"),
    ("cloudwatch", "query"),
    ("cloudwatch", "json"),
    ("cloudwatch", "smithy-rpc-v2-cbor"),
    ("resourcegroupstaggingapi", "json"),
    ("resourcegroupstaggingapi", "smithy-rpc-v2-cbor"),
]


def as_request(serialized: dict[str, Any]) -> HttpRequest:
    """What botocore's HTTP layer makes of a serialized request."""
    body = serialized["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    target = serialized["url_path"]
    query = serialized["query_string"]
    if query:
        pairs = []
        for name, value in query.items():
            for part in value if isinstance(value, list) else [value]:
                pairs += [f"{quote(name, safe='-_.~')}={quote(str(part), safe='-_.~')}"]
        target += ("&" if "?" in target else "?") + "&".join(pairs)
    return HttpRequest(
        method=serialized["method"],
        target=target,
        headers={name.lower(): str(value) for name, value in serialized["headers"].items()},
        body=body.encode() if isinstance(body, str) else body,
    )


def as_response_dict(response: HttpResponse) -> dict[str, Any]:
    headers = CaseInsensitiveDict(response.headers)
    assert isinstance(response.body, bytes)
    return {"body": response.body, "headers": headers, "status_code": response.status, "context": {}}


def blob_payload(shape: Any) -> bool:
    payload = None if shape is None else shape.serialization.get("payload")
    return payload is not None and shape.members[payload].type_name == "blob"


def parse(service: str, protocol: str, operation: str, response: HttpResponse) -> dict[str, Any]:
    shape = client_model(service).operation_model(operation).output_shape
    raw = as_response_dict(response)
    if client_model(service).operation_model(operation).has_streaming_output or blob_payload(shape):
        raw["body"] = io.BytesIO(raw["body"])
    parsed = parsers.create_parser(protocol).parse(raw, shape)
    return plain({name: part.read() if isinstance(part, io.BytesIO) else part for name, part in parsed.items()})


def without_empty_collections(value: Any) -> Any:
    """Query forms and XML cannot tell an empty map or structure, or a list within them, from none."""
    if isinstance(value, dict):
        kept = {key: without_empty_collections(part) for key, part in value.items()}
        return {key: part for key, part in kept.items() if part not in ({}, [], "", b"")}
    if isinstance(value, list):
        return [kept for part in value if (kept := without_empty_collections(part)) not in ({}, [], "", b"")]
    return value


AMBIGUOUS = {"GetBucketNotification", "PutBucketNotification"}
"""S3's first notification API has two members of one name, Event, in one structure: no reader can tell them apart."""

SHADOWED = {"GetBucketLifecycle", "PutBucketLifecycle", "ListDirectoryBuckets", "WriteGetObjectResponse"}
"""Operations with the very path of another: deprecated, or told apart by a host name that we do not have."""


def streams(shape: Any) -> bool:
    return shape is not None and any(m.serialization.get("eventstream") for m in shape.members.values())


# Requests that botocore serialises must come out as the parameters that went in, whole and sparse, for every operation.
@pytest.mark.parametrize(("service", "protocol"), SERVICES)
@pytest.mark.parametrize("everything", [True, False])
def test_requests(service: str, protocol: str, everything: bool) -> None:
    model = service_model(service)
    serializer = serialize.create_serializer(protocol, include_validation=False)
    for seed, name in enumerate(client_model(service).operation_names):
        operation = client_model(service).operation_model(name)
        params = {}
        if operation.input_shape is not None:
            params = Generator(seed, everything=everything).value(operation.input_shape)
        if streams(operation.input_shape) or name in AMBIGUOUS | SHADOWED:
            continue
        # botocore reads this one of S3's strings as a timestamp; on the wire it is text.
        params.pop("Expires", None) if service == "s3" else None
        request = as_request(serializer.serialize_to_request(params, operation))
        if protocol == "query" and "x-amz-target" not in request.headers:
            assert protocol_of(model, request) == "query"
        decoded_name, decoded = decode_request(model, request, protocol)
        assert decoded_name == name
        expected = plain(params)
        if protocol in ("query", "rest-json", "rest-xml"):
            expected, decoded = without_empty_collections(expected), without_empty_collections(decoded)
        assert decoded == expected, name


# Answers must reach the client as they were given, for every operation.
@pytest.mark.parametrize(("service", "protocol"), SERVICES)
@pytest.mark.parametrize("everything", [True, False])
def test_responses(service: str, protocol: str, everything: bool) -> None:
    model = service_model(service)
    for seed, name in enumerate(client_model(service).operation_names):
        shape = client_model(service).operation_model(name).output_shape
        if streams(shape) or name in AMBIGUOUS:
            continue
        output = {} if shape is None else Generator(seed, everything=everything).value(shape)
        for member, described in shape.members.items() if shape is not None else ():
            if described.serialization.get("location") == "statusCode":
                output[member] = 202
        response = encode_response(model, name, output, "request-1", protocol)
        parsed = parse(service, protocol, name, response)
        metadata = parsed.pop("ResponseMetadata")
        if response.body or protocol != "smithy-rpc-v2-cbor":
            assert metadata.get("RequestId") == "request-1", name
        expected = plain(output)
        if protocol in ("query", "rest-json", "rest-xml"):
            expected, parsed = without_empty_collections(expected), without_empty_collections(parsed)
        assert parsed == expected, name


# Every error of every model must reach the client with its code, status, message and members.
@pytest.mark.parametrize(("service", "protocol"), SERVICES)
def test_errors(service: str, protocol: str) -> None:
    model = service_model(service)
    parser = parsers.create_parser(protocol)
    for seed, shape in enumerate(client_model(service).error_shapes):
        fields = Generator(seed, everything=True).value(shape)
        fields = {name: value for name, value in fields.items() if name.lower() not in ("message", "type", "code")}
        error = ApiError(shape.name, "It is <so> & so", fields=fields)
        response = encode_error(model, error, "request-1", protocol)
        raw = as_response_dict(response)
        parsed = parser.parse(raw, None)
        trait = shape.metadata.get("error", {})
        code = trait.get("code", shape.name)
        assert parsed["Error"]["Code"] == code
        assert parsed["Error"]["Message"] == "It is <so> & so"
        assert parsed["ResponseMetadata"]["RequestId"] == "request-1"
        usual = FAULT_STATUS.get(code, 500 if is_fault(service, shape.name) else 400)
        assert response.status == trait.get("httpStatusCode", usual)
        if protocol in ("json", "smithy-rpc-v2-cbor", "rest-json"):
            modelled = plain(parser.parse(raw, shape))
            given = plain(fields)
            assert {name: modelled.get(name) for name in given} == given, shape.name
