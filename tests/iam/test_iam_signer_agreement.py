"""botocore's signer against our verifier: what it signs is verified, whatever the path, the query and the headers hold."""

from __future__ import annotations

import random
import time
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tabletop.iam.signatures import SignatureFault, read_signature
from tabletop.iam.sigv4 import verify
from tabletop.wire.http import HttpRequest

HOST = "http://localhost:4566"
TEXT = [*"abzAZ09-_.~!*'()@:,;=&+$/ %?#[]{}|\\^`\"<>", "é", "à", "Å", "漢", "😀", "\t", "  "]
# UTF-8 bytes that are white space in latin-1 are among these.
HEADER_TEXT = [*"ab ,;:=\"'/%", "  ", "é", "à", "Å", "漢"]
SEGMENTS = ["..", ".", "", "%2F", "%2e%2e", "%252F", "a%20b"]


def text_of(draw: random.Random, characters: list[str], longest: int) -> str:
    return "".join(draw.choice(characters) for _ in range(draw.randrange(longest)))


def signed_by_botocore(draw: random.Random) -> tuple[HttpRequest, str]:
    """(a request as it comes over the wire, the service that it is signed for)"""
    segments = [
        quote(text_of(draw, TEXT, 6), safe=draw.choice(["", "/", "~", "!*'()"]))
        if draw.random() < 0.8
        else draw.choice(SEGMENTS)
        for _ in range(draw.randrange(5))
    ]
    params = {text_of(draw, TEXT, 5) or "k": text_of(draw, TEXT, 6) for _ in range(draw.randrange(4))}
    headers = {
        f"X-{text_of(draw, [*'abcXYZ-0'], 5)}q": text_of(draw, HEADER_TEXT, 8).strip() for _ in range(draw.randrange(4))
    }
    service, presigned, given = draw.choice(["dynamodb", "lambda", "iam", "sts"]), draw.random() < 0.3, {}
    url = f"{HOST}/{'/'.join(segments)}"
    if draw.random() < 0.5:
        # botocore writes these with a plus for each space, and signs them with %20.
        given = params
    elif params:
        url += "?" + "&".join(
            f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in params.items()
        )
    body = b"" if presigned else draw.randbytes(draw.randrange(20))
    request = AWSRequest(draw.choice(["GET", "POST", "PUT"]), url, headers=headers, data=body, params=given)
    credentials = Credentials("AKIDEXAMPLE", "secret", draw.choice([None, "tok/en+=="]))
    signer = SigV4QueryAuth if presigned else SigV4Auth
    signer(credentials, service, "eu-west-1").add_auth(request)
    prepared = request.prepare()
    sent = {
        name.lower(): (value if isinstance(value, str) else value.decode("latin-1")).encode().decode("latin-1")
        for name, value in prepared.headers.items()
    }
    sent.setdefault("host", "localhost:4566")
    target = prepared.url.removeprefix(HOST)
    return HttpRequest(method=request.method, target=target, headers=sent, body=body), service


# A client whose headers, paths or parameters hold anything at all must not be told that its secret is wrong.
@pytest.mark.parametrize("seed", range(10))
def test_what_botocore_signs_is_verified(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(30):
        request, service = signed_by_botocore(draw)
        signature = read_signature(request)
        verify(request, signature, "secret", time.time(), service=service, skew_s=900)
        with pytest.raises(SignatureFault):
            verify(request, signature, "another", time.time(), service=service, skew_s=900)


# Of what was signed nothing can be changed: a plus is the space that it is read as, so that it is none for a "%2B".
@pytest.mark.parametrize(
    ("signed_value", "sent_value"), [("a%2Bb", "a+b"), ("a%20b", "a%2520b"), ("a", "a%00"), ("%C3", "%C4")]
)
def test_a_changed_query_is_refused(signed_value: str, sent_value: str) -> None:
    request = AWSRequest("GET", f"{HOST}/?k={signed_value}")
    SigV4Auth(Credentials("AKIDEXAMPLE", "secret"), "lambda", "eu-west-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": "localhost:4566"}

    def check(value: str) -> None:
        sent = HttpRequest(method="GET", target=f"/?k={value}", headers=headers)
        verify(sent, read_signature(sent), "secret", time.time(), service="lambda", skew_s=900)

    check(signed_value)
    with pytest.raises(SignatureFault):
        check(sent_value)
