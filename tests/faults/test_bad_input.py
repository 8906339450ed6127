"""Whatever arrives is answered: with AWS's error where AWS has one, never by a 5xx, a traceback or a silent end."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from fault_server import (
    SIGNED,
    Answer,
    connect,
    dynamodb,
    dynamodb_head,
    exchange,
    head,
    read_answer,
    running,
)

TABLE = {
    "TableName": "things",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One server for all of these; what it wrote to stderr in the end has no traceback and no fault of ours."""
    log = tmp_path_factory.mktemp("log") / "stderr"
    with running("--in-memory", log=log) as (_, port):
        assert dynamodb(port, "CreateTable", TABLE).status == 200
        yield port
        assert_serves(port)
        assert "Traceback" not in log.read_text()
        assert "our fault" not in log.read_text()


def assert_serves(port: int) -> None:
    answer = dynamodb(port, "ListTables", {})
    assert (answer.status, json.loads(answer.body)) == (200, {"TableNames": ["things"]})


def refused(answer: Answer) -> tuple[int, str]:
    """(status, code) of an answer that must be an AWS error of the caller's, with a request id."""
    assert 400 <= answer.status < 500
    assert answer.headers["x-amzn-requestid"]
    return answer.status, answer.code


# A DynamoDB request without a body, or with one that is no JSON object, is AWS's SerializationException.
@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"nonsense", b'{"TableName": "a"', b"\xff\xfe\x00", b'{"TableName": "\xff"}', b"[" * 100_000,
     b'{"a":' * 50_000, b"[]", b'"x"', b"null", b"1", b"{}{}", b"NaN", b'{"TableName":"a",}'],
)  # fmt: skip
def test_broken_json(port: int, payload: bytes) -> None:
    assert refused(dynamodb(port, "GetItem", payload)) == (400, "SerializationException")


# A member of another JSON type than the model's is refused before anything is looked up.
@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("GetItem", {"TableName": 1, "Key": {}}),
        ("GetItem", {"TableName": ["things"], "Key": {}}),
        ("GetItem", {"TableName": "things", "Key": []}),
        ("GetItem", {"TableName": "things", "Key": {"p": "x"}}),
        ("GetItem", {"TableName": "things", "Key": {"p": {"S": 1}}}),
        ("GetItem", {"TableName": "things", "Key": {"p": {"N": 1}}}),
        ("GetItem", {"TableName": "things", "Key": {"p": {"SS": "x"}}}),
        ("GetItem", {"TableName": "things", "Key": {"p": {"L": {}}}}),
        ("GetItem", {"TableName": "things", "Key": {"p": {"M": []}}}),
        ("GetItem", {"TableName": "things", "Key": {"p": {"B": "no base64!"}}}),
        ("GetItem", {"TableName": "things", "Key": {"p": {"S": "x"}}, "ConsistentRead": 1}),
        ("Scan", {"TableName": "things", "Limit": "many"}),
        ("BatchGetItem", {"RequestItems": []}),
        ("BatchWriteItem", {"RequestItems": {"things": {}}}),
        ("TransactWriteItems", {"TransactItems": {"Put": 1}}),
        ("CreateTable", {"TableName": "x", "KeySchema": "p"}),
    ],
)
def test_wrong_types(port: int, action: str, body: dict[str, object]) -> None:
    assert refused(dynamodb(port, action, body)) == (400, "SerializationException")


# What the model does not require or knows nothing of never becomes a fault of the server's.
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"TableName": None, "Key": None},
        {"TableName": "things", "Key": {"p": {}}},
        {"TableName": "things", "Key": {"p": None}},
        {"TableName": "things", "Key": {"p": {"S": None}}},
        {"TableName": "things", "Key": {"p": {"S": "x", "N": "1"}}},
        {"TableName": "things", "Key": {"p": {"X": "x"}}},
        {"TableName": "things", "Key": {"p": {"NULL": False}}},
        {"TableName": "things", "Key": {"p": {"S": ""}}},
        {"TableName": "things", "Key": {"": {"S": "x"}}},
        {"TableName": "things", "Key": {"p": {"N": "1e400"}}},
        {"TableName": "things", "Key": {"p": {"N": "NaN"}}},
        {"TableName": "things", "Key": {"p": {"S": "x" * 3000}}},
        {"TableName": "things\0", "Key": {"p": {"S": "x"}}},
        {"TableName": "t" * 2000, "Key": {"p": {"S": "x"}}},
    ],
)
def test_senseless_parameters(port: int, body: dict[str, object]) -> None:
    status, code = refused(dynamodb(port, "GetItem", body))
    assert status == 400
    assert code in ("ValidationException", "SerializationException")


# A target that AWS does not have is UnknownOperationException, whatever the body holds.
@pytest.mark.parametrize(
    "target",
    ["DynamoDB_20120810.Nonsense", "DynamoDB_20120810.", "DynamoDB_20120810.putitem", "DynamoDB_20111205.GetItem",
     "Nonsense_1.Do", "Nonsense", "", "DynamoDB_20120810.__class__", "DynamoDB_20120810.GetItem.x"],
)  # fmt: skip
def test_unknown_targets(port: int, target: str) -> None:
    answer = exchange(port, dynamodb_head("", 2, X_Amz_Target=target) + b"{}")
    assert refused(answer) == (400, "UnknownOperationException")


# Without a signature, and with a broken one, AWS names what is missing; nothing is done.
@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "MissingAuthenticationTokenException"),
        ("AWS4-HMAC-SHA256", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=test", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 nonsense " + "=," * 2000, "IncompleteSignatureException"),
    ],
)
def test_missing_signature(port: int, authorization: str | None, code: str) -> None:
    assert refused(dynamodb(port, "ListTables", {}, Authorization=authorization)) == (400, code)


# The key was issued here, so its signature counts: a wrong one is InvalidSignatureException in AWS's words.
def test_bad_signature_of_an_issued_key(port: int) -> None:
    endpoint = f"http://127.0.0.1:{port}"
    options = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    sts = boto3.client("sts", endpoint_url=endpoint, **options)
    iam = boto3.client("iam", endpoint_url=endpoint, **options)
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
    role = iam.create_role(RoleName="signer", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    issued = sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    signed = SIGNED.replace("Credential=test/", f"Credential={issued['AccessKeyId']}/")
    answer = dynamodb(port, "ListTables", {}, Authorization=signed, X_Amz_Security_Token=issued["SessionToken"])
    assert refused(answer)[1] == "InvalidSignatureException"
    # The token must be the key's own.
    answer = dynamodb(port, "ListTables", {}, Authorization=signed, X_Amz_Security_Token="other")
    assert refused(answer) == (400, "UnrecognizedClientException")
    wrong = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=issued["AccessKeyId"],
        aws_secret_access_key="wrong",
        aws_session_token=issued["SessionToken"],
    )
    with pytest.raises(wrong.exceptions.ClientError) as caught:
        wrong.list_tables()
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert caught.value.response["Error"]["Message"].startswith(
        "The request signature we calculated does not match the signature you provided."
    )


# 20 MB are refused without being kept, and the client that sends all of them first still gets to read why.
@pytest.mark.parametrize("announced", [True, False])
def test_oversized_body(port: int, announced: bool) -> None:
    piece = b"x" * 1_000_000
    with connect(port) as connection:
        if announced:
            connection.sendall(dynamodb_head("PutItem", 20 * len(piece)))
            for _ in range(20):
                connection.sendall(piece)
        else:
            connection.sendall(dynamodb_head("PutItem", 0, Content_Length=None, Transfer_Encoding="chunked"))
            for _ in range(20):
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        answer = read_answer(connection)
    assert (answer.status, answer.code) == (413, "RequestEntityTooLarge")


# 16 MB of spaces around a small request are within the bound and hurt nobody.
def test_large_but_lawful_body(port: int) -> None:
    assert dynamodb(port, "ListTables", b"{" + b" " * (16 << 20) + b"}").status == 200


# A body that comes byte by byte is a body; a connection cut in the midst of one harms nobody else.
def test_slow_and_cut_bodies(port: int) -> None:
    payload = b'{"TableName":"things","Item":{"p":{"S":"slow"}}}'
    request = dynamodb_head("PutItem", len(payload)) + payload
    with connect(port) as connection:
        for at in range(len(request)):
            connection.sendall(request[at : at + 1])
        assert read_answer(connection).status == 200
    for cut in (1, 30, len(request) - len(payload), len(request) - 1):
        with connect(port) as connection:
            connection.sendall(request[:cut].replace(b"slow", b"cuts"))
    # An end of sending in the midst of a body is told so.
    with connect(port) as connection:
        connection.sendall(request[:-1])
        connection.shutdown(1)
        answer = read_answer(connection)
        assert (answer.status, answer.code) == (400, "BadRequestException")
    key = {"TableName": "things", "Key": {"p": {"S": "cuts"}}, "ConsistentRead": True}
    assert json.loads(dynamodb(port, "GetItem", key).body) == {}


# A whole request whose sender has stopped sending is a request like any other.
def test_half_closed_connection(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(dynamodb_head("ListTables", 2) + b"{}")
        connection.shutdown(1)
        assert read_answer(connection).status == 200


# Bytes that are no HTTP get one answer and an end, not a crash: random ones and those of other protocols.
@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
        b"SSH-2.0-OpenSSH_9\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"POST / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(3000)) + b"\r\n",
    ],
)
def test_garbage(port: int, garbage: bytes) -> None:
    assert 400 <= exchange(port, garbage).status < 500


# Seeded noise, alone and behind a lawful request: the server answers what was lawful and lives on.
def test_noise(port: int) -> None:
    dice = random.Random(7)
    for _ in range(40):
        noise = dice.randbytes(dice.randint(1, 400))
        with connect(port) as connection:
            connection.sendall(dynamodb_head("ListTables", 2) + b"{}" + noise)
            connection.shutdown(1)
            assert read_answer(connection).status == 200
    assert_serves(port)


# HTTP/1.0 gets its answer, and the connection's end, as that version has it.
def test_http_1_0(port: int) -> None:
    request = dynamodb_head("ListTables", 2).replace(b"HTTP/1.1", b"HTTP/1.0") + b"{}"
    with connect(port) as connection:
        connection.sendall(request)
        answer = read_answer(connection)
        assert answer.status == 200
        assert connection.recv(10) == b""


# HEAD answers like GET, without a body that would be taken for the next answer.
def test_head(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("HEAD", "/"))
        answer = read_answer(connection, to_head=True)
        assert (answer.status, answer.body) == (200, b"")
        connection.sendall(dynamodb_head("ListTables", 2) + b"{}")
        assert read_answer(connection).status == 200


# Paths and methods that nobody serves are the caller's mistake, never ours.
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "TRACE", "PROPFIND"])
@pytest.mark.parametrize(
    "target",
    ["/favicon.ico", "/../../etc/passwd", "/%2e%2e/%00", "/a/b/c?x=1&y", "//", "*", "http://other/x",
     "/2015-03-31/functions/x", "/2015-03-31/functions/%ff/invocations", "/2015-03-31/nonsense", "/?Action=Nonsense",
     "/2018-06-01/runtime/invocation/next", "/_tabletop/nonsense", "/?Action=", "/?Action=ListUsers&Version=9"],
)  # fmt: skip
def test_junk_paths(port: int, method: str, target: str) -> None:
    answer = exchange(port, head(method, target, Content_Length="0"), to_head=method == "HEAD")
    assert 200 <= answer.status < 500


# The other services' protocols get broken bodies too: an error in their own form, never a 5xx.
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xff", b"[]", b"Action=&=&&", b"<xml", b"Action=CreateRole&" * 3000])
@pytest.mark.parametrize(
    ("method", "target", "service", "amz_target", "content_type"),
    [
        ("POST", "/", "iam", None, "application/x-www-form-urlencoded"),
        ("POST", "/", "sts", None, "application/x-www-form-urlencoded"),
        ("POST", "/", "logs", "Logs_20140328.PutLogEvents", "application/x-amz-json-1.1"),
        ("POST", "/", "logs", "Logs_20140328.Nonsense", "application/x-amz-json-1.1"),
        ("POST", "/2015-03-31/functions", "lambda", None, "application/json"),
        ("POST", "/2015-03-31/functions/none/invocations", "lambda", None, "application/json"),
        ("PUT", "/2015-03-31/functions/none/code", "lambda", None, "application/json"),
        ("POST", "/", "nonsense", None, "application/json"),
    ],
)
def test_other_services(
    port: int, method: str, target: str, service: str, amz_target: str | None, content_type: str, body: bytes
) -> None:
    request = head(
        method,
        target,
        Authorization=SIGNED.replace("/dynamodb/", f"/{service}/"),
        X_Amz_Date="20260101T000000Z",
        X_Amz_Target=amz_target,
        Content_Type=content_type,
        Content_Length=str(len(body)),
    )
    answer = exchange(port, request + body)
    assert 400 <= answer.status < 500
    assert answer.body


# A compressed body that is not is InternalServerError, as AWS answers it (no fault of ours is logged for it); one that
# unfolds into far more than a request may be is not unfolded.
def test_content_encoding(port: int) -> None:
    assert dynamodb(port, "ListTables", gzip.compress(b"{}"), Content_Encoding="gzip").status == 200
    for payload in (b"{}", gzip.compress(b" " * (64 << 20)), gzip.compress(b"{}")[:-3]):
        answer = dynamodb(port, "ListTables", payload, Content_Encoding="gzip")
        assert answer.code in ("InternalServerError", "RequestEntityTooLarge")


# Requests in a row on one connection are answered in their order, the refused among them too.
def test_pipeline_with_refusals(port: int) -> None:
    good = dynamodb_head("ListTables", 2) + b"{}"
    bad = dynamodb_head("ListTables", 1) + b"{"
    with connect(port) as connection:
        connection.sendall((good + bad) * 20)
        received = b""
        while received.count(b"HTTP/1.1 ") < 40 or not received.endswith(b"}"):
            piece = connection.recv(65536)
            assert piece
            received += piece
    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"400"] * 20


# Readers of this file may run the server durable: the same holds there, and with workers.
def test_durable_server_with_workers(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    with running("--data", str(tmp_path / "db"), "--workers", "2", log=log) as (_, port):
        assert dynamodb(port, "CreateTable", TABLE).status == 200
        for _ in range(4):
            assert refused(dynamodb(port, "GetItem", b"{")) == (400, "SerializationException")
            assert exchange(port, b"nonsense\r\n\r\n").status == 400
            assert exchange(port, head("POST", "/2015-03-31/functions", Content_Length="0")).status < 500
            assert exchange(port, head("GET", "/nonsense")).status == 404
        assert_serves(port)
    assert "Traceback" not in log.read_text()
