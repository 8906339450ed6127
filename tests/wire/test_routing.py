"""Which service a request is for."""

from __future__ import annotations

import pytest

from tabletop.wire.http import HttpRequest
from tabletop.wire.routing import credential_scope, service_of


def request(target: str = "/", body: bytes = b"", **headers: str) -> HttpRequest:
    return HttpRequest(
        method="POST", target=target, headers={k.replace("_", "-"): v for k, v in headers.items()}, body=body
    )


def signed(service: str) -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )


# The target is more exact than the scope (Streams are signed as DynamoDB); forms and paths serve where both are absent.
@pytest.mark.parametrize(
    ("given", "service"),
    [
        (request(x_amz_target="DynamoDB_20120810.GetItem"), "dynamodb"),
        (
            request(x_amz_target="DynamoDBStreams_20120810.ListStreams", authorization=signed("dynamodb")),
            "dynamodbstreams",
        ),
        (request(x_amz_target="Logs_20140328.GetLogEvents"), "logs"),
        (request(x_amz_target="Nothing.At.All", authorization=signed("dynamodb")), "dynamodb"),
        (request(authorization=signed("iam")), "iam"),
        (request(authorization=signed("monitoring")), "cloudwatch"),
        (request(authorization=signed("nothing")), None),
        (request(authorization="Basic abc"), None),
        (request("/?X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fsts%2Faws4_request"), "sts"),
        (request(body=b"Action=GetCallerIdentity&Version=2011-06-15"), "sts"),
        (request("/?Version=2010-05-08&Action=ListRoles"), "iam"),
        (request("/2015-03-31/functions"), "lambda"),
        (request("/2021-10-31/functions/f/url"), "lambda"),
        (request("/2018-06-01/runtime/invocation/next"), None),
        (request("/service/GraniteServiceVersion20100801/operation/ListMetrics"), "cloudwatch"),
        (request(), None),
        (request("/favicon.ico"), None),
    ],
)
def test_service_of(given: HttpRequest, service: str | None) -> None:
    assert service_of(given) == service


# Access keys may contain slashes in old forms; a signature of version 4a has no region.
def test_credential_scope() -> None:
    assert credential_scope(request(authorization=signed("s3"))) == ("test", "20260101", "us-east-1", "s3")
    four_a = request(authorization="AWS4-ECDSA-P256-SHA256 Credential=test/20260101/s3/aws4_request, Signature=0")
    assert credential_scope(four_a) == ("test", "20260101", "", "s3")
    assert credential_scope(request(authorization="AWS4-HMAC-SHA256 Credential=x")) is None
