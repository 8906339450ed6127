"""Function URLs: who may call, what the function sees of the request, and what the client gets of the answer."""

from __future__ import annotations

import base64
import http.client
import io
import json
import shutil
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
SOURCE = """
import json

def handler(event, context):
    do = (event.get("queryStringParameters") or {}).get("do")
    if do == "text":
        return "just text"
    if do == "plain":
        return {"any": "object"}
    if do == "raise":
        raise ValueError("no")
    if do == "structured":
        return {
            "statusCode": 201,
            "headers": {"Content-Type": "text/plain", "X-Own": "1"},
            "cookies": ["a=1; Path=/", "b=2"],
            "body": "b25seSBieXRlcyD/",
            "isBase64Encoded": True,
        }
    return {"event": event}
"""


@dataclass
class Response:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    url: str,
    path: str = "",
    method: str = "GET",
    body: bytes | None = None,
    credentials: Any = None,
    region: str = "us-east-1",
    **headers: str,
) -> Response:
    """``credentials`` sign the request. Names below localhost are this machine, which not every resolver knows."""
    parts = urlsplit(url + path)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if credentials is not None:
        request = AWSRequest(method=method, url=url + path, data=body or b"", headers=sent)
        SigV4Auth(credentials, "lambda", region).add_auth(request)
        sent = dict(request.headers.items())
    assert parts.hostname is not None
    local = parts.hostname.endswith(".localhost")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind("127.0.0.1" if local else parts.hostname, parts.port, timeout=30)
    try:
        target = parts.path + ("?" + parts.query if parts.query else "")
        connection.request(method, target, body, {"Host": parts.netloc} | sent)
        answer = connection.getresponse()
        return Response(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def function(functions: Any, iam: Any) -> Iterator[str]:
    name = f"tabletop-{time.time_ns()}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", SOURCE)
    functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="main.handler",
        Role=role,
        Timeout=20,
        Publish=True,
        Code={"ZipFile": buffer.getvalue()},
    )
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    yield name
    functions.delete_function(FunctionName=name)
    iam.delete_role(RoleName=name)


def allow_everybody(functions: Any, name: str, **options: str) -> None:
    """What the console adds for AuthType NONE."""
    functions.add_permission(
        FunctionName=name,
        StatementId="url-for_all",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
        **options,
    )
    functions.add_permission(
        FunctionName=name,
        StatementId="invoke",
        Action="lambda:InvokeFunction",
        Principal="*",
        InvokedViaFunctionUrl=True,
        **options,
    )


@pytest.fixture(scope="module")
def open_url(functions: Any, function: str) -> str:
    url = functions.create_function_url_config(FunctionName=function, AuthType="NONE")["FunctionUrl"]
    assert ask(url).status == 403
    allow_everybody(functions, function)
    return str(url)


@pytest.fixture(scope="module")
def closed_url(functions: Any, function: str) -> str:
    config = functions.create_function_url_config(
        FunctionName=function,
        Qualifier="live",
        AuthType="AWS_IAM",
        Cors={"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 60, "ExposeHeaders": ["x-own"]},
    )
    return str(config["FunctionUrl"])


# The function gets the request in payload format 2.0.
def test_event(open_url: str) -> None:
    answer = ask(
        open_url,
        "some/path%20x?a=1&a=2&b=%C3%A9",
        "POST",
        b'{"x": 1}',
        Content_Type="application/json",
        Cookie="c=1; d=2",
        X_Other="y",
    )
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    event = answer.json["event"]
    assert (event["version"], event["routeKey"]) == ("2.0", "$default")
    assert (event["rawPath"], event["rawQueryString"]) == ("/some/path%20x", "a=1&a=2&b=%C3%A9")
    assert event["queryStringParameters"] == {"a": "1,2", "b": "é"}
    assert event["cookies"] == ["c=1", "d=2"]
    assert event["headers"]["x-other"] == "y"
    assert "cookie" not in event["headers"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"x": 1}', False)
    context = event["requestContext"]
    assert (context["accountId"], context["http"]["method"]) == ("anonymous", "POST")
    assert context["domainName"] == urlsplit(open_url).hostname
    assert context["domainPrefix"] == context["apiId"] == urlsplit(open_url).hostname.split(".")[0]  # type: ignore[union-attr]


# Bytes that are no text go in and come out as base64.
def test_binary(open_url: str) -> None:
    event = ask(open_url, "", "POST", b"\xff\x00", Content_Type="application/octet-stream").json["event"]
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\xff\x00", True)
    answer = ask(open_url, "?do=structured")
    assert (answer.status, answer.body) == (201, b"only bytes \xff")
    assert (answer.header("content-type"), answer.header("x-own")) == ("text/plain", "1")
    assert [value for name, value in answer.headers if name.lower() == "set-cookie"] == ["a=1; Path=/", "b=2"]


# What has no status code is the body itself; a function error is a 502 that tells nothing.
def test_simple_answers(open_url: str) -> None:
    assert ask(open_url, "?do=text").body == b"just text"
    assert ask(open_url, "?do=plain").json == {"any": "object"}
    answer = ask(open_url, "?do=raise")
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


# AWS_IAM: no signature or one without permission is forbidden, whoever may call is shown to the function.
def test_signed_calls(functions: Any, iam: Any, function: str, closed_url: str, account: str) -> None:
    answer = ask(closed_url)
    assert (answer.status, answer.json["Message"].startswith("Forbidden")) == (403, True)
    user = f"tabletop-{time.time_ns()}"
    arn = iam.create_user(UserName=user)["User"]["Arn"]
    key = iam.create_access_key(UserName=user)["AccessKey"]
    try:
        credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        assert ask(closed_url, credentials=credentials).status == 403
        statement = {
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"],
            "Resource": f"arn:aws:lambda:*:{account}:function:{function}:live",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document)
        answer = ask(closed_url, "x?a=1", "POST", b"{}", credentials)
        assert answer.status == 200
        identity = answer.json["event"]["requestContext"]["authorizer"]["iam"]
        assert (identity["userArn"], identity["accountId"]) == (arn, account)
        wrong = Credentials(key["AccessKeyId"], "x" * 40)
        answer = ask(closed_url, credentials=wrong)
        assert (answer.status, answer.header("x-amzn-errortype")) == (403, "InvalidSignatureException")
        assert answer.json["message"].startswith("The request signature we calculated does not match")
        answer = ask(closed_url, credentials=credentials, region="eu-west-1")
        assert (answer.status, answer.json["message"]) == (403, "Credential should be scoped to a valid region.")
        answer = ask(closed_url, Authorization="AWS4-HMAC-SHA256 Credential=x")
        assert (answer.status, answer.header("x-amzn-errortype")) == (400, "IncompleteSignatureException")
        # The root of another account is nobody here until the function's own policy names it.
        assert ask(closed_url, credentials=Credentials("222222222222", "x")).status == 403
        iam.delete_user_policy(UserName=user, PolicyName="p")
    finally:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=user)


# A CORS configuration answers preflights by itself, and decides which origins are named.
def test_cors(closed_url: str) -> None:
    asked = {"Origin": "https://a.example", "Access_Control_Request_Method": "GET"}
    answer = ask(closed_url, "", "OPTIONS", **asked)
    assert answer.status == 200
    assert answer.header("access-control-allow-origin") == "https://a.example"
    assert (answer.header("access-control-allow-methods"), answer.header("access-control-max-age")) == ("GET", "60")
    other = ask(closed_url, "", "OPTIONS", **asked | {"Origin": "https://b.example"})
    assert other.header("access-control-allow-origin") is None


NODE = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const metadata = { statusCode: 202, headers: { "Content-Type": "text/plain", "X-Own": "1" }, cookies: ["a=1"] };
  const out = awslambda.HttpResponseStream.from(stream, metadata);
  for (let i = 0; i < 3; i++) out.write(`piece ${i} `);
  if (event.rawPath === "/break") throw new Error("in the middle");
  out.end();
});
"""


# A function that streams sends status and headers first, then pieces; one that breaks off leaves a body that does too.
@pytest.mark.skipif(shutil.which("node") is None, reason="the machine has no node")
def test_response_stream(functions: Any, function: str) -> None:
    role = functions.get_function_configuration(FunctionName=function)["Role"]
    name = f"{function}-node"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.js", NODE)
    functions.create_function(
        FunctionName=name,
        Runtime="nodejs22.x",
        Handler="index.handler",
        Role=role,
        Timeout=20,
        Code={"ZipFile": buffer.getvalue()},
    )
    try:
        config = functions.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode="RESPONSE_STREAM")
        assert config["InvokeMode"] == "RESPONSE_STREAM"
        allow_everybody(functions, name)
        answer = ask(config["FunctionUrl"])
        assert (answer.status, answer.body) == (202, b"piece 0 piece 1 piece 2 ")
        assert (answer.header("content-type"), answer.header("x-own")) == ("text/plain", "1")
        assert answer.header("set-cookie") == "a=1"
        assert (answer.header("transfer-encoding"), answer.header("content-length")) == ("chunked", None)
        with pytest.raises(http.client.IncompleteRead):
            ask(config["FunctionUrl"], "break")
    finally:
        functions.delete_function(FunctionName=name)


# What a function returns at once is the body of a streaming URL as it is.
def test_plain_answer_of_a_streaming_url(functions: Any, function: str, open_url: str) -> None:
    functions.update_function_url_config(FunctionName=function, InvokeMode="RESPONSE_STREAM")
    try:
        assert ask(open_url, "?do=plain").json == {"any": "object"}
        assert ask(open_url, "?do=structured").json["statusCode"] == 201
        assert ask(open_url, "?do=raise").status == 502
    finally:
        functions.update_function_url_config(FunctionName=function, InvokeMode="BUFFERED")


# Configurations are described, changed, listed, refused a second time, and gone with their address.
def test_configurations(functions: Any, function: str, open_url: str, closed_url: str, refusal: Any) -> None:
    config = functions.get_function_url_config(FunctionName=function)
    assert (config["FunctionUrl"], config["AuthType"], config["InvokeMode"]) == (open_url, "NONE", "BUFFERED")
    code, message = refusal(functions.create_function_url_config, FunctionName=function, AuthType="NONE")
    assert (code, "FunctionUrlConfig exists for this Lambda function" in message) == ("ResourceConflictException", True)
    listed = functions.list_function_url_configs(FunctionName=function)["FunctionUrlConfigs"]
    assert {one["FunctionUrl"] for one in listed} == {open_url, closed_url}
    updated = functions.update_function_url_config(FunctionName=function, Qualifier="live", AuthType="NONE")
    assert (updated["AuthType"], updated["Cors"]["MaxAge"]) == ("NONE", 60)
    assert updated["FunctionArn"].endswith(":live")
    functions.delete_function_url_config(FunctionName=function, Qualifier="live")
    assert refusal(functions.get_function_url_config, FunctionName=function, Qualifier="live") == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )
    assert ask(closed_url).status == 404
