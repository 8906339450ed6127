"""Who is let in as whom: known keys, strangers, sessions, and the attacks on them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError, StartupError
from tabletop.iam.authentication import Identity
from tabletop.iam.credentials import SESSION_KEY, Keyring, open_key_file
from tabletop.iam.service import Iam
from tabletop.iam.sessions import SWEPT_AFTER_S
from tabletop.wire.http import HttpRequest

from .conftest import KEY, NOW, ROOT, Api, DictStore, signed

LAMBDA_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)
ROLE_ARN = "arn:aws:iam::000000000000:role/worker"


def enter(iam: Iam, store: DictStore, request: HttpRequest, *, service: str = "dynamodb", now: float = NOW) -> Identity:
    with store.view() as view:
        return iam.authenticate(view, request, service, now)


def refusal(iam: Iam, store: DictStore, request: HttpRequest, **more: Any) -> tuple[str, int]:
    with pytest.raises(ApiError) as caught:
        enter(iam, store, request, **more)
    return caught.value.code, caught.value.status


@pytest.fixture
def session(api: Api) -> Any:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    return api.role_credentials(ROLE_ARN, "fn")


def by(credentials: Any, **more: Any) -> HttpRequest:
    keys = {"token": credentials.session_token, **more}
    return signed(credentials.access_key_id, credentials.secret_access_key, **keys)


# The documented test keys, unknown keys and account numbers act as a root, so that existing set-ups run.
@pytest.mark.parametrize(
    ("key_id", "account", "strangers"),
    [
        ("test", "000000000000", 0),
        ("AKIAIOSFODNN7EXAMPLE", "000000000000", 1),
        ("123456789012", "123456789012", 0),
        ("1234567890123", "000000000000", 1),
    ],
)
def test_strangers_are_the_root(iam: Iam, store: DictStore, key_id: str, account: str, strangers: int) -> None:
    identity = enter(iam, store, signed(key_id, "whatever"))
    assert identity.principal.kind == "root"
    assert identity.principal.arn == f"arn:aws:iam::{account}:root"
    assert (identity.region, identity.access_key_id) == ("eu-west-1", key_id)
    assert iam.strangers == strangers


# Strict: only issued keys, and the root's own, which is drawn once or chosen by the user.
def test_strict_mode_knows_everybody(store: DictStore) -> None:
    iam = Iam(store, secret_key=KEY, auth="strict")
    assert refusal(iam, store, signed())[0] == "UnrecognizedClientException"
    drawn = asyncio.run(iam.keep_root_key(None))
    assert drawn is not None
    assert enter(iam, store, signed(drawn.access_key_id, drawn.secret)).principal == ROOT
    assert asyncio.run(iam.keep_root_key(None)) is None
    assert asyncio.run(iam.keep_root_key("test:test")) is None
    assert refusal(iam, store, signed(drawn.access_key_id, drawn.secret))[0] == "UnrecognizedClientException"
    assert enter(iam, store, signed()).principal == ROOT
    assert refusal(iam, store, signed("test", "guess"))[0] == "InvalidSignatureException"
    assert drawn.secret.encode() not in b"".join(store.content.values())
    assert refusal(iam, store, signed("AKIAIOSFODNN7EXAMPLE"))[0] == "UnrecognizedClientException"
    assert refusal(iam, store, signed("123456789012"))[0] == "UnrecognizedClientException"


# A root key that the user chose is verified in the default mode too, and is never another's key.
def test_a_chosen_root_key(iam: Iam, store: DictStore, api: Api) -> None:
    assert asyncio.run(iam.keep_root_key(None)) is None
    assert enter(iam, store, signed("test", "guess")).principal == ROOT
    asyncio.run(iam.keep_root_key("owner:s3cret/with+signs="))
    assert enter(iam, store, signed("owner", "s3cret/with+signs=")).principal == ROOT
    assert refusal(iam, store, signed("owner", "guess"))[0] == "InvalidSignatureException"
    api("CreateUser", UserName="alice")
    key = api("CreateAccessKey", UserName="alice")["AccessKey"]
    for text in (f"{key['AccessKeyId']}:x", "nocolon", ":x", "a:", "a b:c", "a:b c"):
        with pytest.raises(StartupError, match="--root-key"):
            asyncio.run(iam.keep_root_key(text))


# Off: nobody is asked anything.
def test_off_lets_everybody_in(store: DictStore) -> None:
    iam = Iam(store, secret_key=KEY, auth="off")
    assert enter(iam, store, HttpRequest(method="POST", target="/", headers={})).principal == ROOT
    assert enter(iam, store, signed("123456789012")).principal.account == "123456789012"


# Each service words a refusal in its own way.
@pytest.mark.parametrize(
    ("service", "missing", "mismatch"),
    [
        ("dynamodb", ("MissingAuthenticationTokenException", 400), ("InvalidSignatureException", 400)),
        ("lambda", ("MissingAuthenticationTokenException", 403), ("InvalidSignatureException", 403)),
        ("iam", ("MissingAuthenticationToken", 403), ("SignatureDoesNotMatch", 403)),
        ("sts", ("MissingAuthenticationToken", 403), ("SignatureDoesNotMatch", 403)),
    ],
)
def test_services_word_refusals(
    iam: Iam, store: DictStore, session: Any, service: str, missing: tuple[str, int], mismatch: tuple[str, int]
) -> None:
    bare = HttpRequest(method="POST", target="/", headers={"host": "localhost"})
    assert refusal(iam, store, bare, service=service) == missing
    request = by(session, service=service)
    request.body += b"x"
    assert refusal(iam, store, request, service=service) == mismatch


# A role's session is who AWS says it is.
def test_a_session_is_its_role(iam: Iam, store: DictStore, session: Any, api: Api) -> None:
    principal = enter(iam, store, by(session)).principal
    role_id = api("GetRole", RoleName="worker")["Role"]["RoleId"]
    assert principal.kind == "assumed-role"
    assert principal.arn == "arn:aws:sts::000000000000:assumed-role/worker/fn"
    assert principal.unique_id == f"{role_id}:fn"
    assert (principal.name, principal.session_name, principal.account) == ("worker", "fn", "000000000000")


# DynamoDB Streams signs with DynamoDB's name.
def test_streams_sign_as_dynamodb(iam: Iam, store: DictStore, session: Any) -> None:
    assert enter(iam, store, by(session), service="dynamodbstreams").principal.name == "worker"


# A session token belongs to one key: no token, another's, or a changed one is refused.
def test_a_swapped_token_is_refused(iam: Iam, store: DictStore, session: Any, api: Api) -> None:
    other = api.role_credentials(ROLE_ARN, "fn")
    for token in (None, other.session_token, session.session_token[:-1], ""):
        code, _ = refusal(iam, store, by(session, token=token))
        assert code == "UnrecognizedClientException"


# An expired session is refused in AWS's words; so it stays when its record has been swept, and it never turns
# into a stranger, who would be the root.
def test_an_expired_session_is_refused_for_ever(
    iam: Iam, store: DictStore, session: Any, api: Api, clock: ManualClock
) -> None:
    assert enter(iam, store, by(session, at=NOW + 899), now=NOW + 899)
    expired = ("ExpiredTokenException", 400)
    assert refusal(iam, store, by(session, at=NOW + 900), now=NOW + 900) == expired
    clock.now = NOW + 901 + SWEPT_AFTER_S
    before = len(store.content)
    assert asyncio.run(iam.sweep()) == 1
    assert asyncio.run(iam.sweep()) == 0
    assert len(store.content) == before - 2
    assert refusal(iam, store, by(session, at=clock.now), now=clock.now) == expired


# A captured request is worthless once the skew has passed.
def test_a_replay_after_the_skew_is_refused(iam: Iam, store: DictStore, api: Api, session: Any) -> None:
    request = by(api.role_credentials(ROLE_ARN, "fn", 3600))
    assert enter(iam, store, request, now=NOW + 900)
    assert refusal(iam, store, request, now=NOW + 901) == ("InvalidSignatureException", 400)


# A user's key works until it is made inactive or deleted; a deleted key is not a stranger's key.
def test_a_users_key_lives_and_dies(iam: Iam, store: DictStore, api: Api) -> None:
    api("CreateUser", UserName="Alice", Path="/team/")
    key = api("CreateAccessKey", UserName="alice")["AccessKey"]
    request = signed(key["AccessKeyId"], key["SecretAccessKey"])
    principal = enter(iam, store, request).principal
    assert (principal.kind, principal.arn) == ("user", "arn:aws:iam::000000000000:user/team/Alice")
    api("UpdateAccessKey", UserName="Alice", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refusal(iam, store, request)[0] == "UnrecognizedClientException"
    api("UpdateAccessKey", UserName="Alice", AccessKeyId=key["AccessKeyId"], Status="Active")
    assert enter(iam, store, request)
    api("DeleteAccessKey", UserName="Alice", AccessKeyId=key["AccessKeyId"])
    assert refusal(iam, store, request)[0] == "UnrecognizedClientException"


# No secret lies in the store in the clear, and a sealed one cannot be moved to another key's record.
def test_secrets_are_sealed(store: DictStore, api: Api, iam: Iam, session: Any) -> None:
    stored = b"".join(store.content.values())
    assert session.secret_access_key.encode() not in stored
    assert session.session_token.encode() not in stored
    other = api.role_credentials(ROLE_ARN, "fn")
    mine, theirs = (
        next(key for key in store.content if b"access-key" in key and one.access_key_id.encode() in key)
        for one in (session, other)
    )
    moved = json.loads(store.content[mine]) | {"secret": json.loads(store.content[theirs])["secret"]}
    store.content[mine] = json.dumps(moved).encode()
    with pytest.raises(Exception, match="sealed"):
        enter(iam, store, by(session))


# Keys drawn here are recognised by their checksum, others are not; under another key file nothing is.
def test_issued_keys_are_recognised() -> None:
    keyring = Keyring(KEY)
    drawn = keyring.draw(SESSION_KEY)
    assert len(drawn.access_key_id) == 20
    assert keyring.issued(drawn.access_key_id)
    assert not keyring.issued(drawn.access_key_id[:-1] + ("A" if drawn.access_key_id[-1] != "A" else "B"))
    assert not keyring.issued("ASIAIOSFODNN7EXAMPLE")
    assert not keyring.issued("test")
    assert not keyring.issued("\u00e4" * 20)
    assert not Keyring(bytes(32)).issued(drawn.access_key_id)


# The key file is made once, for its owner only, and a damaged one is said to be damaged.
def test_the_key_file(tmp_path: Any) -> None:
    path = tmp_path / "iam.key"
    key = open_key_file(path)
    assert open_key_file(path) == key
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"short")
    with pytest.raises(Exception, match="damaged"):
        open_key_file(path)


# What a stranger sends as a key id or region is never stored, nor too long for the store.
def test_monstrous_scopes_are_harmless(iam: Iam, store: DictStore) -> None:
    for key_id in ("A" * 20, "A" * 5000, "AKIA" + "\u00ff" * 16):
        request = signed()
        request.headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={key_id}/20250615/{'r' * 9000}/dynamodb/aws4_request, "
            "SignedHeaders=host, Signature=00"
        )
        assert enter(iam, store, request).principal.kind == "root"
