"""Signatures: requests signed by botocore are accepted, altered ones are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tabletop.iam.signatures import CACHE_ENTRIES_MAX, Fault, SignatureFault, read_signature
from tabletop.iam.sigv4 import _signing_keys, signing_key, verify
from tabletop.wire.http import HttpRequest

from .conftest import NOW, signed

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def check(request: HttpRequest, *, service: str = "dynamodb", now: float = NOW, secret: str = SECRET) -> None:
    verify(request, read_signature(request), secret, now, service=service, skew_s=900)


def fault_of(request: HttpRequest, **more: object) -> Fault:
    with pytest.raises(SignatureFault) as caught:
        check(request, **more)  # type: ignore[arg-type]
    return caught.value.fault


# What botocore signs for any service, path and query must verify: headers and presigned alike.
@pytest.mark.parametrize(
    ("service", "method", "path", "body"),
    [
        ("dynamodb", "POST", "/", b'{"TableName":"Users"}'),
        ("dynamodb", "POST", "/", b""),
        ("iam", "POST", "/", b"Action=ListRoles&Version=2010-05-08"),
        ("lambda", "GET", "/2015-03-31/functions/a%3Ab/invocations?Qualifier=%24LATEST&b=2&a=1", b""),
        ("lambda", "GET", "/2015-03-31/functions/?MaxItems=10&Marker=a%2Bb%3D", b""),
        (
            "lambda",
            "GET",
            "/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af?tagKeys=a&tagKeys=B",
            b"",
        ),
    ],
)
@pytest.mark.parametrize("presigned_s", [0, 60])
def test_a_request_signed_by_botocore_verifies(
    service: str, method: str, path: str, body: bytes, presigned_s: int
) -> None:
    request = signed(
        "AKID", SECRET, token="TO/K+EN==", service=service, method=method, path=path, body=body, presigned_s=presigned_s
    )
    check(request, service=service)
    signature = read_signature(request)
    assert (signature.scope.access_key_id, signature.scope.region) == ("AKID", "eu-west-1")
    assert signature.session_token == "TO/K+EN=="


# Runs of spaces are one space in what is signed, and bytes beyond ASCII count as they were sent.
def test_header_values_are_signed_in_canonical_form() -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    from .conftest import _frozen

    sent = AWSRequest("POST", "http://localhost:4566/", headers={"x-amz-meta": "a   b "}, data=b"")
    with _frozen(NOW):
        SigV4Auth(Credentials("AKID", SECRET), "dynamodb", "eu-west-1").add_auth(sent)
    headers = {name.lower(): value for name, value in sent.headers.items()} | {"host": "localhost:4566"}
    check(HttpRequest(method="POST", target="/", headers=headers))


# Every part that is signed must matter: change any one, and the signature is wrong.
@pytest.mark.parametrize("attack", ["body", "target", "method", "path", "query", "host", "date", "secret", "signature"])
def test_an_altered_request_is_refused(attack: str) -> None:
    request = signed("AKID", SECRET)
    secret = SECRET
    if attack == "body":
        request.body += b" "
    elif attack == "target":
        request.headers["x-amz-target"] = "DynamoDB_20120810.DeleteTable"
    elif attack == "method":
        request.method = "PUT"
    elif attack == "path":
        request.path = "/x"
    elif attack == "query":
        request.query = "a=b"
    elif attack == "host":
        request.headers["host"] = "example.com"
    elif attack == "date":
        request.headers["x-amz-date"] = request.headers["x-amz-date"][:-2] + "9Z"
    elif attack == "secret":
        secret = SECRET[:-1]
    else:
        request.headers["authorization"] = request.headers["authorization"][:-1] + "\u00e9"
    assert fault_of(request, secret=secret) is Fault.MISMATCH


# An operation named in a header that nobody signed could be swapped on the way.
def test_an_unsigned_target_is_refused() -> None:
    request = signed("AKID", SECRET, service="iam")
    request.headers["x-amz-target"] = "DynamoDB_20120810.DeleteTable"
    assert fault_of(request, service="iam") is Fault.MISMATCH


# UNSIGNED-PAYLOAD is for S3; elsewhere a body that nobody signed must not pass, whatever the header says.
def test_an_unsigned_body_is_refused() -> None:
    request = signed("AKID", SECRET)
    request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    request.body = b"another"
    assert fault_of(request) is Fault.MISMATCH


# A signature may be used for 15 minutes either side of its time, and not a second longer; the text has AWS's form.
@pytest.mark.parametrize(("seconds", "valid"), [(-901, False), (-900, True), (900, True), (901, False)])
def test_the_clock_may_be_off_by_the_skew(seconds: int, valid: bool) -> None:
    request = signed("AKID", SECRET)
    if valid:
        check(request, now=NOW + seconds)
    else:
        assert fault_of(request, now=NOW + seconds) is Fault.SKEW


def test_the_skew_is_worded_as_aws_words_it() -> None:
    with pytest.raises(SignatureFault) as caught:
        check(signed("AKID", SECRET), now=NOW + 1200)
    assert caught.value.message == (
        "Signature expired: 20250615T150640Z is now earlier than 20250615T151140Z (20250615T152640Z - 15 min.)"
    )


# A presigned request lives as long as it says, at most a week.
def test_a_presigned_request_expires() -> None:
    request = signed("AKID", SECRET, presigned_s=60, method="GET", body=b"")
    check(request, now=NOW + 60)
    assert fault_of(request, now=NOW + 61) is Fault.SKEW
    longer = request.target.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
    assert fault_of(HttpRequest(method="GET", target=longer, headers=request.headers)) is Fault.MISMATCH
    forever = request.target.replace("X-Amz-Expires=60", "X-Amz-Expires=604801")
    assert fault_of(HttpRequest(method="GET", target=forever, headers=request.headers)) is Fault.INCOMPLETE


# The scope must name the service that was called, the day that was signed, and end as AWS's scopes end.
def test_the_scope_must_fit() -> None:
    request = signed("AKID", SECRET)
    assert fault_of(request, service="iam") is Fault.MISMATCH
    signature = read_signature(request)
    for scope in (
        replace(signature.scope, date="20200101"),
        replace(signature.scope, date="2025"),
        replace(signature.scope, terminator="aws4"),
        replace(signature.scope, signed_headers=("x-amz-date",)),
    ):
        with pytest.raises(SignatureFault) as caught:
            verify(request, replace(signature, scope=scope), SECRET, NOW, service="dynamodb", skew_s=900)
        assert caught.value.fault is Fault.MISMATCH


# Whatever stands in the header: a signature or a typed fault, nothing else.
@pytest.mark.parametrize(
    ("authorization", "fault"),
    [
        (None, Fault.MISSING),
        ("", Fault.INCOMPLETE),
        ("Bearer x", Fault.INCOMPLETE),
        ("AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00", Fault.INCOMPLETE),
        ("AWS4-HMAC-SHA256", Fault.INCOMPLETE),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host", Fault.INCOMPLETE),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=", Fault.INCOMPLETE),
        ("AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=00", Fault.INCOMPLETE),
        ("AWS4-HMAC-SHA256 Credential=////, SignedHeaders=host, Signature=00", Fault.INCOMPLETE),
    ],
)
def test_a_broken_header_is_a_typed_fault(authorization: str | None, fault: Fault) -> None:
    headers = {"host": "localhost", "x-amz-date": "20250615T150640Z"}
    if authorization is not None:
        headers["authorization"] = authorization
    assert fault_of(HttpRequest(method="POST", target="/", headers=headers)) is fault


# Every prefix of a good header is either whole or a typed fault: the parser has no third way.
def test_a_cut_header_is_a_typed_fault_or_a_mismatch() -> None:
    request = signed("AKID", SECRET)
    whole = request.headers["authorization"]
    for length in range(len(whole)):
        request.headers["authorization"] = whole[:length]
        assert fault_of(request) in (Fault.INCOMPLETE, Fault.MISMATCH)


# The order of the fields and the spaces between them are free.
def test_fields_may_come_in_any_order() -> None:
    request = signed("AKID", SECRET)
    algorithm, _, rest = request.headers["authorization"].partition(" ")
    request.headers["authorization"] = f"{algorithm} {','.join(reversed(rest.split(', ')))}"
    check(request)


# The cache of derived keys has a bound.
def test_derived_keys_are_bounded() -> None:
    for number in range(CACHE_ENTRIES_MAX + 5):
        signing_key("secret", "20250615", "us-east-1", f"service-{number}")
    assert len(_signing_keys) == CACHE_ENTRIES_MAX
