"""Attacks on signatures, one by one, with what each family of services answers: a table of cases and verdicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.iam.service import Iam
from tabletop.wire.http import HttpRequest

from .conftest import NOW, Api, DictStore, signed
from .test_iam_authentication import LAMBDA_TRUST, ROLE_ARN, enter

MISMATCH = "The request signature we calculated does not match the signature you provided. "
UNKNOWN = "The security token included in the request is invalid."
EXPIRED = "The security token included in the request is expired"
# service -> (mismatch, unknown key, incomplete, expired token): names and statuses
FAMILIES = {
    "dynamodb": (
        ("InvalidSignatureException", 400),
        ("UnrecognizedClientException", 400),
        ("IncompleteSignatureException", 400),
        ("ExpiredTokenException", 400),
    ),
    "lambda": (
        ("InvalidSignatureException", 403),
        ("UnrecognizedClientException", 403),
        ("IncompleteSignatureException", 400),
        ("ExpiredTokenException", 403),
    ),
    "sts": (
        ("SignatureDoesNotMatch", 403),
        ("InvalidClientTokenId", 403),
        ("IncompleteSignature", 400),
        ("ExpiredToken", 403),
    ),
}
SKEW_S = {"dynamodb": 900, "lambda": 300, "sts": 900}


class World:
    """A session of a role and another one; requests of the first, honest until they are changed."""

    def __init__(self, api: Api, iam: Iam, store: DictStore) -> None:
        api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
        self.mine, self.other = (api.role_credentials(ROLE_ARN, "fn", 3600) for _ in range(2))
        self.api, self.iam, self.store = api, iam, store
        self.service = "dynamodb"

    def request(self, **more: Any) -> HttpRequest:
        keys = {"token": self.mine.session_token, "service": self.service, **more}
        return signed(self.mine.access_key_id, self.mine.secret_access_key, **keys)


Attack = Callable[[World], tuple[HttpRequest, float]]
ATTACKS: dict[str, tuple[Attack, int, str]] = {}
"""name -> (attack, which of the family's refusals, beginning of its words); the attack answers the request and the time."""


def attack(kind: int, words: str = "") -> Callable[[Attack], Attack]:
    def note(function: Attack) -> Attack:
        ATTACKS[function.__name__] = (function, kind, words)
        return function

    return note


@attack(0, MISMATCH)
def wrong_secret(world: World) -> tuple[HttpRequest, float]:
    token, service = world.mine.session_token, world.service
    return signed(world.mine.access_key_id, world.other.secret_access_key, token=token, service=service), NOW


@attack(0, MISMATCH)
def changed_body(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    request.body += b" "
    return request, NOW


@attack(0, MISMATCH)
def unsigned_body(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    request.body = b"{}"
    return request, NOW


@attack(0, MISMATCH)
def claimed_body_hash(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    request.headers["x-amz-content-sha256"] = "0" * 64
    request.body = b"{}"
    return request, NOW


@attack(0, "Signature expired: 20250615T150640Z is now earlier than ")
def replay_after_the_skew(world: World) -> tuple[HttpRequest, float]:
    return world.request(), NOW + SKEW_S[world.service] + 1


@attack(0, "Signature not yet current: 20250615T150640Z is still later than ")
def from_the_future(world: World) -> tuple[HttpRequest, float]:
    return world.request(), NOW - SKEW_S[world.service] - 1


@attack(0, "Signature expired: 20250615T150640Z is now earlier than ")
def expired_address(world: World) -> tuple[HttpRequest, float]:
    return world.request(presigned_s=60, method="GET"), NOW + 61


@attack(0, MISMATCH)
def address_made_to_last(world: World) -> tuple[HttpRequest, float]:
    request = world.request(presigned_s=60, method="GET")
    target = request.target.replace("X-Amz-Expires=60", "X-Amz-Expires=900")
    return HttpRequest(method="GET", target=target, headers=request.headers), NOW + 61


@attack(1, UNKNOWN)
def swapped_token(world: World) -> tuple[HttpRequest, float]:
    return world.request(token=world.other.session_token), NOW


@attack(1, UNKNOWN)
def no_token(world: World) -> tuple[HttpRequest, float]:
    return world.request(token=None), NOW


@attack(1, UNKNOWN)
def two_tokens(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    request.headers["x-amz-security-token"] += "," + request.headers["x-amz-security-token"]
    return request, NOW


@attack(3, EXPIRED)
def expired_session(world: World) -> tuple[HttpRequest, float]:
    return world.request(at=NOW + 3600), NOW + 3600


@attack(2, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.")
def signature_version_4a(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    request.headers["authorization"] = request.headers["authorization"].replace(
        "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"
    )
    return request, NOW


@attack(2, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.")
def address_of_version_4a(world: World) -> tuple[HttpRequest, float]:
    request = world.request(presigned_s=60, method="GET")
    target = request.target.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")
    return HttpRequest(method="GET", target=target, headers=request.headers), NOW


@attack(2, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
def no_date(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    del request.headers["x-amz-date"]
    return request, NOW


@attack(2, "Date must be in ISO-8601 'basic format'. ")
def two_dates(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    request.headers["x-amz-date"] += "," + request.headers["x-amz-date"]
    return request, NOW


@attack(2, "Authorization header has more than one ")
def two_signatures(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    request.headers["authorization"] += "," + request.headers["authorization"]
    return request, NOW


@attack(2, "Authorization header requires 'Signature' parameter. ")
def no_signature(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    request.headers["authorization"] = request.headers["authorization"].rpartition(", ")[0]
    return request, NOW


@attack(0, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
def host_not_signed(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    request.headers["authorization"] = request.headers["authorization"].replace("host;", "")
    return request, NOW


@attack(0, "Credential should be scoped to correct service: ")
def signed_for_another_service(world: World) -> tuple[HttpRequest, float]:
    return world.request(service="iam"), NOW


@attack(0, MISMATCH)
def another_region(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    request.headers["authorization"] = request.headers["authorization"].replace("eu-west-1", "us-east-1")
    return request, NOW


@attack(0, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ")
def another_day(world: World) -> tuple[HttpRequest, float]:
    request = world.request()
    request.headers["authorization"] = request.headers["authorization"].replace("/20250615/", "/20250614/")
    return request, NOW


# Each attack on each family of services: the family's name and status for it, and AWS's words.
@pytest.mark.parametrize("service", FAMILIES)
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused(api: Api, iam: Iam, store: DictStore, service: str, name: str) -> None:
    world = World(api, iam, store)
    world.service = service
    assert enter(iam, store, world.request(), service=service).principal.name == "worker"
    function, kind, words = ATTACKS[name]
    request, now = function(world)
    with pytest.raises(ApiError) as caught:
        enter(iam, store, request, service=service, now=now)
    assert (caught.value.code, caught.value.status) == FAMILIES[service][kind]
    assert (caught.value.message or "").startswith(words)


# The words of the skew name the family's own allowance.
@pytest.mark.parametrize(("service", "span"), [("dynamodb", "15 min"), ("lambda", "5 min"), ("sts", "15 min")])
def test_the_skew_is_named(api: Api, iam: Iam, store: DictStore, service: str, span: str) -> None:
    world = World(api, iam, store)
    world.service = service
    assert enter(iam, store, world.request(), service=service, now=NOW + SKEW_S[service])
    for now, sign in ((NOW + 901, "-"), (NOW - 901, "+")):
        with pytest.raises(ApiError) as caught:
            enter(iam, store, world.request(), service=service, now=now)
        assert (caught.value.message or "").endswith(f"Z {sign} {span}.)")


# In the strict mode the same attacks find the same refusals, and a stranger's key is as unknown as a guessed one.
def test_strict_mode_answers_the_same(store: DictStore, api: Api) -> None:
    strict = Iam(store, secret_key=bytes(range(32)), auth="strict")
    world = World(api, strict, store)
    for function, kind, _ in ATTACKS.values():
        request, now = function(world)
        with pytest.raises(ApiError) as caught:
            enter(strict, store, request, now=now)
        assert (caught.value.code, caught.value.status) == FAMILIES["dynamodb"][kind]
    with pytest.raises(ApiError) as caught:
        enter(strict, store, signed("AKIAIOSFODNN7EXAMPLE", "x"))
    assert caught.value.message == UNKNOWN
