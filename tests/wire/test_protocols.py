"""What goes over the wire, byte for byte where AWS's answers are known, and what arrives from clients that err."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from tabletop.base.errors import ApiError
from tabletop.wire.checksums import crc32_value
from tabletop.wire.http import HttpRequest, HttpResponse
from tabletop.wire.models import UnknownService, service_model
from tabletop.wire.protocols import decode_request, encode_error, encode_response

SERVICES = ["dynamodb", "dynamodbstreams", "logs", "iam", "sts", "lambda", "s3", "cloudwatch"]


def json_request(target: str, body: bytes) -> HttpRequest:
    return HttpRequest(method="POST", target="/", headers={"x-amz-target": target}, body=body)


def refusal(service: str, request: HttpRequest) -> ApiError:
    with pytest.raises(ApiError) as raised:
        decode_request(service_model(service), request)
    return raised.value


def error_body(response: HttpResponse) -> dict[str, Any]:
    assert isinstance(response.body, bytes)
    return orjson.loads(response.body)


# The namespace before an error's name and the letter case of "message" are what clients and their tests compare.
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "ResourceNotFoundException",
            {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "m"},
        ),
        (
            "TransactionCanceledException",
            {"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "Message": "m"},
        ),
        ("ValidationException", {"__type": "com.amazon.coral.validate#ValidationException", "message": "m"}),
        ("SerializationException", {"__type": "com.amazon.coral.service#SerializationException", "Message": "m"}),
        ("AccessDeniedException", {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "m"}),
    ],
)
def test_dynamodb_errors(code: str, expected: dict[str, str]) -> None:
    response = encode_error(service_model("dynamodb"), ApiError(code, "m"), "R1")
    assert error_body(response) == expected
    assert response.status == 400
    assert dict(response.headers)["Content-Type"] == "application/x-amz-json-1.0"
    assert isinstance(response.body, bytes)
    assert dict(response.headers)["x-amz-crc32"] == crc32_value(response.body)


# An error without a message (UnknownOperationException) has none on the wire either, and not a null.
def test_error_without_message() -> None:
    response = encode_error(service_model("dynamodb"), ApiError("UnknownOperationException"), "R1")
    assert error_body(response) == {"__type": "com.amazon.coral.service#UnknownOperationException"}


# A cancelled transaction's reasons hold whole items, which must come out in DynamoDB's own JSON.
def test_error_members() -> None:
    fields = {"CancellationReasons": [{"Code": "None"}, {"Code": "X", "Item": {"a": {"B": "AAEC"}}}]}
    response = encode_error(
        service_model("dynamodb"), ApiError("TransactionCanceledException", "m", fields=fields), "R"
    )
    assert error_body(response)["CancellationReasons"] == fields["CancellationReasons"]


# json 1.1 services name their errors without a namespace.
def test_logs_error() -> None:
    error = ApiError("ResourceNotFoundException", "The specified log group does not exist.")
    response = encode_error(service_model("logs"), error, "R1")
    assert error_body(response) == {
        "__type": "ResourceNotFoundException",
        "message": "The specified log group does not exist.",
    }
    assert dict(response.headers)["Content-Type"] == "application/x-amz-json-1.1"


# IAM's clients read the code from XML, and their retry logic the status; the shape's name differs from the code.
def test_iam_error() -> None:
    response = encode_error(
        service_model("iam"), ApiError("NoSuchEntity", "The role with name a<b cannot be found."), "R1"
    )
    assert response.status == 404
    assert response.body == (
        b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
        b"<Code>NoSuchEntity</Code><Message>The role with name a&lt;b cannot be found.</Message></Error>"
        b"<RequestId>R1</RequestId></ErrorResponse>\n"
    )


# Refusals of the caller are 403 in the query and rest protocols, and 400 in the json ones.
def test_status_of_denials() -> None:
    assert encode_error(service_model("iam"), ApiError("AccessDenied", "m"), "R").status == 403
    assert encode_error(service_model("lambda"), ApiError("AccessDeniedException", "m"), "R").status == 403
    assert encode_error(service_model("dynamodb"), ApiError("AccessDeniedException", "m"), "R").status == 400
    assert encode_error(service_model("lambda"), ApiError("ResourceNotFoundException", "m"), "R").status == 404


# Lambda's errors carry their type in a header and "User" or "Service" in the body.
def test_lambda_error() -> None:
    response = encode_error(
        service_model("lambda"), ApiError("ResourceNotFoundException", "Function not found: x"), "R"
    )
    assert error_body(response) == {"Type": "User", "Message": "Function not found: x"}
    assert dict(response.headers)["x-amzn-ErrorType"] == "ResourceNotFoundException"
    assert (
        error_body(encode_error(service_model("lambda"), ApiError("ServiceException", "m"), "R"))["Type"] == "Service"
    )
    assert error_body(encode_error(service_model("lambda"), ApiError("ValidationException", "m"), "R")) == {
        "message": "m"
    }


# What AWS answers to JSON that is none, or of the wrong type, is a SerializationException, word for word.
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", None),
        (b"\xff\xfe", None),
        (b"[]", None),
        (b'{"TableName": 5}', "NUMBER_VALUE cannot be converted to String"),
        (b'{"TableName": true}', "TRUE_VALUE cannot be converted to String"),
        (b'{"TableName": {}}', "Start of structure or map found where not expected"),
        (b'{"Key": "a"}', "Unexpected field type"),
        (b'{"Key": {"a": {"B": "abc"}}}', "Base64 encoded length is expected a multiple of 4 bytes but found: 3"),
        (b'{"ConsistentRead": "x"}', "STRING_VALUE cannot be converted to Boolean"),
    ],
)
def test_json_refusals(body: bytes, message: str | None) -> None:
    error = refusal("dynamodb", json_request("DynamoDB_20120810.GetItem", body))
    assert (error.code, error.message) == ("SerializationException", message)


# A body nested as deep as the parser allows is deeper than Python's own stack: it must be refused, not crash.
def test_deep_nesting() -> None:
    depth = 500
    body = b'{"Item": {"a": ' + b'{"M": {"a": ' * depth + b'{"S": "x"}' + b"}}" * depth + b'}, "TableName": "t"}'
    assert refusal("dynamodb", json_request("DynamoDB_20120810.PutItem", body)).code == "SerializationException"


# Members that are null are as good as absent, and members that the model does not know are no one's business.
def test_null_and_unknown_members() -> None:
    request = json_request("DynamoDB_20120810.GetItem", b'{"TableName": "t", "Key": null, "Other": [1]}')
    assert decode_request(service_model("dynamodb"), request) == ("GetItem", {"TableName": "t"})


@pytest.mark.parametrize("target", ["DynamoDB_20120810.Nothing", "DynamoDB_20111205.GetItem", "GetItem", "", "."])
# A target of another version or name is an unknown operation.
def test_unknown_targets(target: str) -> None:
    assert refusal("dynamodb", json_request(target, b"{}")).code == "UnknownOperationException"


def form(body: str) -> HttpRequest:
    return HttpRequest(method="POST", target="/", headers={}, body=body.encode())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "MissingAction"),
        ("Action=Nothing&Version=2010-05-08", "InvalidAction"),
        ("Action=ListRoles&Version=2000-01-01", "InvalidAction"),
        ("Action=ListRoles&Version=2010-05-08&MaxItems=abc", "MalformedInput"),
        ("Action=ListRoles&Version=2010-05-08&MaxItems=99999999999", "MalformedInput"),
        ("Action=CreateRole&Version=2010-05-08&Tags.member.x.Key=a", "MalformedInput"),
        ("Action=CreateRole&Version=2010-05-08&Tags=a", "MalformedInput"),
        ("Action=CreateRole&Version=2010-05-08&RoleName.a=a", "MalformedInput"),
        ("Action=CreateRole&Version=2010-05-08&" + "a." * 100 + "b=1", "MalformedInput"),
        ("&a=1" * 20_001, "MalformedQueryString"),
    ],
)
# Forms that cannot be read are refused with the query protocol's codes.
def test_query_refusals(body: str, code: str) -> None:
    assert refusal("iam", form(body)).code == code


# Lists are in the order of their numbers, not of their arrival: ten comes after nine.
def test_query_list_order() -> None:
    names = "&".join(f"Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value=" for n in range(12, 0, -1))
    _, params = decode_request(service_model("iam"), form(f"Action=TagRole&Version=2010-05-08&RoleName=r&{names}"))
    assert [tag["Key"] for tag in params["Tags"]] == [f"k{n}" for n in range(1, 13)]


# An output of IAM has AWS's frame: namespace, result, metadata.
def test_query_response() -> None:
    response = encode_response(
        service_model("sts"), "GetCallerIdentity", {"Account": "000000000000", "Arn": None}, "R1"
    )
    assert response.body == (
        b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        b"<Account>000000000000</Account></GetCallerIdentityResult>"
        b"<ResponseMetadata><RequestId>R1</RequestId></ResponseMetadata></GetCallerIdentityResponse>\n"
    )
    assert dict(response.headers)["Content-Type"] == "text/xml"


def lambda_request(method: str, target: str, body: bytes = b"") -> HttpRequest:
    return HttpRequest(method=method, target=target, headers={}, body=body)


@pytest.mark.parametrize(
    ("method", "target", "operation", "params"),
    [
        ("GET", "/2015-03-31/functions/", "ListFunctions", {}),
        ("GET", "/2015-03-31/functions?MaxItems=5", "ListFunctions", {"MaxItems": 5}),
        ("GET", "/2015-03-31/functions/f%3A1", "GetFunction", {"FunctionName": "f:1"}),
        ("GET", "/2015-03-31/functions/f/configuration", "GetFunctionConfiguration", {"FunctionName": "f"}),
        ("POST", "/2015-03-31/functions/f/invocations", "Invoke", {"FunctionName": "f", "Payload": b"{}"}),
        ("GET", "/2018-10-31/layers?find=LayerVersion&Arn=a", "GetLayerVersionByArn", {"Arn": "a"}),
        ("GET", "/2018-10-31/layers", "ListLayers", {}),
    ],
)
# Paths lead to one operation each: with and without the closing slash, escaped, and told apart by their query.
def test_rest_routes(method: str, target: str, operation: str, params: dict[str, Any]) -> None:
    request = lambda_request(method, target, b"{}")
    assert decode_request(service_model("lambda"), request) == (operation, params)


# A path or a method that leads nowhere is an unknown operation with status 404.
@pytest.mark.parametrize(("method", "target"), [("GET", "/"), ("PATCH", "/2015-03-31/functions/f"), ("GET", "/x")])
def test_unknown_routes(method: str, target: str) -> None:
    error = refusal("lambda", lambda_request(method, target))
    assert (error.code, error.status) == ("UnknownOperationException", 404)


# The function named in the path is the one that is meant, whatever the body says.
def test_path_beats_body() -> None:
    request = lambda_request("PUT", "/2015-03-31/functions/a/configuration", b'{"FunctionName": "b", "Timeout": 3}')
    assert decode_request(service_model("lambda"), request)[1] == {"FunctionName": "a", "Timeout": 3}


# Invoke's payload is the function's own bytes, and its status and log come beside it.
def test_invoke_response() -> None:
    output = {"StatusCode": 200, "Payload": b'{"a":1}', "FunctionError": "Unhandled", "ExecutedVersion": "$LATEST"}
    response = encode_response(service_model("lambda"), "Invoke", output, "R1")
    assert (response.status, response.body) == (200, b'{"a":1}')
    assert dict(response.headers)["X-Amz-Function-Error"] == "Unhandled"
    assert dict(response.headers)["Content-Type"] == "application/json"


# An answer with a member that the model does not have is our mistake, and must not go out unnoticed.
def test_unknown_output_member() -> None:
    with pytest.raises(AssertionError):
        encode_response(service_model("dynamodb"), "GetItem", {"Itme": {}}, "R1")


# XML may neither declare entities nor be broken.
@pytest.mark.parametrize(
    "body",
    [
        b"<Tagging",
        b'<!DOCTYPE a [<!ENTITY b "c">]><Tagging>&b;</Tagging>',
        '<!DOCTYPE a [<!ENTITY b "c">]><Tagging>&b;</Tagging>'.encode("utf-16"),
        b"<?xml version='1.0' encoding='nothing'?><Tagging/>",
    ],
)
def test_malformed_xml(body: bytes) -> None:
    assert refusal("s3", HttpRequest(method="PUT", target="/b?tagging", headers={}, body=body)).code == "MalformedXML"


# Text that XML cannot express must not make a document that no client can read.
def test_xml_control_characters() -> None:
    output = {"Account": "a\x00b\rc"}
    body = encode_response(service_model("sts"), "GetCallerIdentity", output, "R1").body
    assert isinstance(body, bytes)
    assert "<Account>a\ufffdb&#xD;c</Account>".encode() in body


# A service that botocore does not know is a mistake in our code.
def test_unknown_service() -> None:
    with pytest.raises(UnknownService):
        service_model("nothing")


FRAGMENTS = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b":",
    b",",
    b"1e999",
    b"-1",
    b"null",
    b"true",
    b'"TableName"',
    b'"Item"',
    b'"M"',
    b'"B"',
    b"<",
    b">",
    b"</a>",
    b"&amp;",
    b"Action=CreateRole&Version=2010-05-08",
    b"&Tags.member.1.Key=",
    b".",
    b"=",
    b"&",
    b"%",
    b"\x00",
    b"\xff",
    b"\xbf",
    b"\xa1",
    b"\x7f",
    b"\x9b",
    b"\xc1",
    b"\xfb",
    b"a",
    b"9" * 400,
]
TARGETS = [
    "/",
    "/2015-03-31/functions",
    "/2015-03-31/functions/%ff%00/invocations",
    "/b/k?tagging&x=%zz",
    "/%",
    "//",
    "/service/GraniteServiceVersion20100801/operation/PutMetricData",
    "/2015-03-31/functions?MaxItems=x",
]


# Whatever arrives is a request or AWS's error for it, and never another exception.
@pytest.mark.parametrize("service", SERVICES)
def test_fuzz(service: str) -> None:
    model = service_model(service)
    draw = random.Random(service)
    for _ in range(1500):
        headers = {
            "x-amz-target": f"{model.metadata.get('targetPrefix')}.{draw.choice(model.operation_names)}",
            "x-amz-expected-bucket-owner": '"',
            "if-modified-since": draw.choice(["x", "Wed, 99 Jan 1994 19:09:02 GMT", "9" * 30, "1994-01-01T00:00:00Z"]),
            "x-amz-object-attributes": draw.choice(['"', 'a,"b', ",", ""]),
        }
        if draw.random() < 0.3:
            headers["smithy-protocol"] = "rpc-v2-cbor"
        elif draw.random() < 0.5:
            del headers["x-amz-target"]
        body = b"".join(draw.choice(FRAGMENTS) for _ in range(draw.randint(0, 12)))
        if draw.random() < 0.3:
            body = draw.randbytes(draw.randint(0, 60))
        method = draw.choice(["GET", "POST", "PUT", "DELETE", "HEAD", "X"])
        request = HttpRequest(method=method, target=draw.choice(TARGETS), headers=headers, body=body)
        try:
            name, params = decode_request(model, request)
        except ApiError as error:
            assert error.code  # noqa: PT017
            assert encode_error(model, error, "R1").status >= 400  # noqa: PT017
        else:
            assert model.has_operation(name)
            assert isinstance(params, dict)


# An operation whose output is an event stream answers the service's encoded messages as they come, under their own type.
def test_event_streams_over_json() -> None:
    response = encode_response(service_model("logs"), "StartLiveTail", {"responseStream": b"messages"}, "id")
    assert (response.status, response.body) == (200, b"messages")
    assert dict(response.headers)["Content-Type"] == "application/vnd.amazon.eventstream"
