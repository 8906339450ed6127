"""STS: sessions of users, of the root and for others; chains of roles with tags and identities; what is never verified."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.errors import ApiError
from tabletop.iam.service import Iam
from tabletop.wire.http import HttpRequest

from .conftest import NOW, ROOT, Api, DictStore, signed
from .test_iam_authentication import enter, refusal
from .test_iam_authorization import TABLE, document
from .test_iam_operations import ACCOUNT_ROOT, trust

READ_ONLY = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"


class Caller:
    """Somebody with keys: ``caller("AssumeRole", ...)`` as that principal with that key."""

    def __init__(
        self, api: Api, iam: Iam, store: DictStore, key_id: str, secret: str, token: str | None = None
    ) -> None:
        self._api, self._iam, self._store = api, iam, store
        self._keys = (key_id, secret, token)
        request = signed(key_id, secret, token=token, at=api.clock())
        self.identity = enter(iam, store, request, now=api.clock())

    @property
    def call(self) -> Call:
        return self._api.call(self.identity.principal, self.identity.access_key_id)

    def __call__(self, action: str, **params: Any) -> Any:
        import asyncio

        return asyncio.run(self._iam.handle("sts", self.call, action, params))

    def refusal(self, action: str, **params: Any) -> tuple[str, int, str]:
        with pytest.raises(ApiError) as caught:
            self(action, **params)
        return caught.value.code, caught.value.status, caught.value.message or ""

    def holder(self, answer: Any) -> Caller:
        """Who has the credentials of this answer."""
        keys = answer["Credentials"]
        token = keys["SessionToken"]
        return Caller(self._api, self._iam, self._store, keys["AccessKeyId"], keys["SecretAccessKey"], token)

    def may(self, action: str) -> bool:
        with self._store.view() as view:
            try:
                self._iam.authorize(view, self.call, [(action, TABLE)])
            except ApiError:
                return False
        return True

    def tag(self, name: str) -> str | None:
        with self._store.view() as view:
            return self._iam._authorizer.policies_of(view, self.call)[1].tags.get(name)

    def entry(self, service: str) -> tuple[str, int] | None:
        """The refusal at the door of a service, if there is one."""
        key_id, secret, token = self._keys
        request = signed(key_id, secret, token=token, service=service, at=self._api.clock())
        try:
            enter(self._iam, self._store, request, service=service, now=self._api.clock())
        except ApiError as error:
            return error.code, error.status
        return None


@pytest.fixture
def alice(api: Api, iam: Iam, store: DictStore) -> Caller:
    api("CreateUser", UserName="alice")
    api("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document("dynamodb:*"))
    key = api("CreateAccessKey", UserName="alice")["AccessKey"]
    return Caller(api, iam, store, key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture
def root(api: Api, iam: Iam, store: DictStore) -> Caller:
    return Caller(api, iam, store, "test", "test")


# A user's session is the user, for twelve hours unless it says otherwise, and is refused by IAM (there is no MFA).
def test_session_tokens(alice: Caller, api: Api) -> None:
    answer = alice("GetSessionToken")
    assert answer["Credentials"]["Expiration"] == NOW + 43_200
    session = alice.holder(answer)
    assert session.identity.principal == alice.identity.principal
    assert session.may("dynamodb:PutItem")
    assert not session.may("lambda:InvokeFunction")
    assert session.entry("iam") == ("InvalidClientTokenId", 403)
    assert session.entry("sts") is None
    assert session.entry("lambda") is None
    for action, params in (("GetSessionToken", {}), ("GetFederationToken", {"Name": "bob"})):
        refused = session.refusal(action, **params)
        assert refused == ("AccessDenied", 403, f"Cannot call {action} with session credentials")
    api("DeleteUserPolicy", UserName="alice", PolicyName="p")
    assert not session.may("dynamodb:PutItem")


# The root's session lasts an hour, and is the root; codes of devices that nobody has are wrong.
def test_root_sessions(root: Caller) -> None:
    answer = root("GetSessionToken", DurationSeconds=43_200)
    assert answer["Credentials"]["Expiration"] == NOW + 3600
    assert root.holder(answer).identity.principal == ROOT
    refused = root.refusal("GetSessionToken", SerialNumber="arn:aws:iam::000000000000:mfa/x", TokenCode="123456")
    assert refused[:2] == ("AccessDenied", 403)
    assert refused[2].startswith("MultiFactorAuthentication failed")


# A federated user may do what the session's policies and the user's allow together; without policies nothing.
def test_federated_users(alice: Caller, root: Caller) -> None:
    answer = alice("GetFederationToken", Name="bob", Policy=document("dynamodb:GetItem"), DurationSeconds=900)
    assert answer["FederatedUser"] == {
        "FederatedUserId": "000000000000:bob",
        "Arn": "arn:aws:sts::000000000000:federated-user/bob",
    }
    bob = alice.holder(answer)
    assert bob("GetCallerIdentity")["Arn"] == "arn:aws:sts::000000000000:federated-user/bob"
    assert (bob.may("dynamodb:GetItem"), bob.may("dynamodb:PutItem")) == (True, False)
    assert bob.entry("iam") == ("InvalidClientTokenId", 403)
    role = {"RoleArn": "arn:aws:iam::000000000000:role/r", "RoleSessionName": "s1"}
    assert bob.refusal("AssumeRole", **role)[:2] == ("AccessDenied", 403)
    assert not alice.holder(alice("GetFederationToken", Name="bob")).may("dynamodb:GetItem")
    more = alice.holder(alice("GetFederationToken", Name="bob", Policy=document("*")))
    assert (more.may("dynamodb:PutItem"), more.may("lambda:InvokeFunction")) == (True, False)
    from_root = root.holder(root("GetFederationToken", Name="carol", PolicyArns=[{"arn": READ_ONLY}]))
    assert (from_root.may("dynamodb:GetItem"), from_root.may("dynamodb:PutItem")) == (True, False)


# Without its user a federated session may do nothing.
def test_a_federated_session_ends_with_its_user(alice: Caller, api: Api) -> None:
    bob = alice.holder(alice("GetFederationToken", Name="bob", Policy=document("dynamodb:*")))
    assert bob.may("dynamodb:GetItem")
    api("DeleteUserPolicy", UserName="alice", PolicyName="p")
    assert not bob.may("dynamodb:GetItem")


def role(api: Api, name: str, *actions: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT_ROOT}}
    statement["Action"] = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    api("CreateRole", RoleName=name, AssumeRolePolicyDocument=policy, MaxSessionDuration=7200)
    api("PutRolePolicy", RoleName=name, PolicyName="p", PolicyDocument=document("sts:*"))
    return f"arn:aws:iam::000000000000:role/{name}"


# Along a chain of roles transitive tags and the source identity stay, other tags go, and an hour is the longest.
def test_chains_of_roles(root: Caller, api: Api) -> None:
    first_arn, second_arn = role(api, "first"), role(api, "second")
    tags = [{"Key": "Team", "Value": "x"}, {"Key": "step", "Value": "1"}]
    answer = root("AssumeRole", RoleArn=first_arn, RoleSessionName="s1", Tags=tags, TransitiveTagKeys=["team"],
                  SourceIdentity="ada", DurationSeconds=7200)  # fmt: skip
    assert (answer["SourceIdentity"], answer["Credentials"]["Expiration"]) == ("ada", NOW + 7200)
    first = root.holder(answer)
    assert (first.tag("Team"), first.tag("step")) == ("x", "1")
    params = {"RoleArn": second_arn, "RoleSessionName": "s2"}
    assert first.refusal("AssumeRole", DurationSeconds=3601, **params) == (
        "ValidationError",
        400,
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    )
    answer = first("AssumeRole", **params)
    assert answer["SourceIdentity"] == "ada"
    second = first.holder(answer)
    assert (second.tag("Team"), second.tag("step")) == ("x", None)
    again = [{"Key": "TEAM", "Value": "y"}]
    assert first.refusal("AssumeRole", Tags=again, **params)[0] == "InvalidParameterValue"
    third = second.holder(second("AssumeRole", **params, Tags=[{"Key": "step", "Value": "3"}]))
    assert (third.tag("Team"), third.tag("step")) == ("x", "3")


# Tags and a source identity need permissions of their own, and transitive tags must be given.
def test_what_a_session_is_told_must_be_permitted(alice: Caller, root: Caller, api: Api) -> None:
    api("CreateRole", RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT_ROOT}))
    api("PutUserPolicy", UserName="alice", PolicyName="q", PolicyDocument=document("sts:*"))
    params = {"RoleArn": "arn:aws:iam::000000000000:role/r", "RoleSessionName": "s1"}
    assert alice("AssumeRole", **params)
    for told, action in (
        ({"SourceIdentity": "ada"}, "sts:SetSourceIdentity"),
        ({"Tags": [{"Key": "a", "Value": "1"}]}, "sts:TagSession"),
    ):
        code, status, message = alice.refusal("AssumeRole", **params, **told)
        assert (code, status) == ("AccessDenied", 403)
        assert f"is not authorized to perform: {action} on resource: " in message
    assert alice.refusal("AssumeRole", **params, TransitiveTagKeys=["a"])[0] == "InvalidParameterValue"


# Session policies are bounded together with tags.
def test_packed_policies_are_bounded(root: Caller, api: Api) -> None:
    arn = role(api, "first")
    params = {"RoleArn": arn, "RoleSessionName": "s1"}
    small = root("AssumeRole", **params, Policy=document("s3:*"))["PackedPolicySize"]
    assert 0 < small < 10
    assert "PackedPolicySize" not in root("AssumeRole", **params)
    large = document("s3:*", resource="arn:aws:s3:::" + "x" * 4200)
    code, _, message = root.refusal("AssumeRole", **params, Policy=large)
    assert code == "PackedPolicyTooLarge"
    assert message.startswith("Packed policy consumes 10")


def token(claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


# Tokens of identity providers are refused, unsigned as they come, in AWS's words for a provider it does not know.
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"Action": "AssumeRoleWithWebIdentity", "WebIdentityToken": token({"iss": "https://id.example.com"})},
            "No OpenIDConnect provider found in your account for https://id.example.com",
        ),
        (
            {"Action": "AssumeRoleWithWebIdentity", "WebIdentityToken": "nonsense"},
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        ),
        (
            {"Action": "AssumeRoleWithWebIdentity", "WebIdentityToken": token([1])},
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        ),
        (
            {"Action": "AssumeRoleWithWebIdentity", "WebIdentityToken": "x", "ProviderId": "www.amazon.com"},
            "Provider www.amazon.com is not available here.",
        ),
        ({"Action": "AssumeRoleWithSAML", "SAMLAssertion": "PHg+"}, "Specified provider doesn't exist"),
    ],
)
@pytest.mark.parametrize("in_body", [True, False])
def test_tokens_that_cannot_be_verified(
    iam: Iam, store: DictStore, fields: dict[str, str], message: str, in_body: bool
) -> None:
    sent = urlencode(fields)
    if in_body:
        request = HttpRequest(method="POST", target="/", headers={"host": "localhost"}, body=sent.encode())
    else:
        request = HttpRequest(method="GET", target="/?" + sent, headers={"host": "localhost"})
    with pytest.raises(ApiError) as caught:
        enter(iam, store, request, service="sts")
    assert (caught.value.code, caught.value.status, caught.value.message) == ("InvalidIdentityToken", 400, message)


# Any other request without a signature stays refused, whatever its body says.
@pytest.mark.parametrize("body", [b"", b"\xff\xfe=&&", b"Action=GetCallerIdentity", b"Action=Assume&Action=x"])
def test_other_unsigned_requests(iam: Iam, store: DictStore, body: bytes) -> None:
    request = HttpRequest(method="POST", target="/", headers={"host": "localhost"}, body=body)
    assert refusal(iam, store, request, service="sts") == ("MissingAuthenticationToken", 403)
    body = b"Action=AssumeRoleWithSAML"
    request = HttpRequest(method="POST", target="/", headers={"host": "localhost"}, body=body)
    assert refusal(iam, store, request, service="iam") == ("MissingAuthenticationToken", 403)


# No service here encodes its refusals: no message can be decoded.
def test_messages_cannot_be_decoded(root: Caller) -> None:
    refused = root.refusal("DecodeAuthorizationMessage", EncodedMessage="x")
    assert refused[:2] == ("InvalidAuthorizationMessageException", 400)


# The keys of principals are told by kind.
def test_principal_types(alice: Caller) -> None:
    bob = alice.holder(alice("GetFederationToken", Name="bob", Policy=document("*")))
    assert isinstance(bob.identity.principal, Principal)
    assert (bob.identity.principal.kind, bob.identity.principal.unique_id) == ("federated-user", "000000000000:bob")


# A session ends with whom it is of: not even what a resource's policy allows everybody, or a namesake, is left to it.
@pytest.mark.parametrize("made_again", [False, True])
def test_sessions_of_whom_is_gone(api: Api, iam: Iam, store: DictStore, alice: Caller, made_again: bool) -> None:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=trust("*"))
    role_arn = "arn:aws:iam::000000000000:role/worker"
    sessions = [
        alice.holder(alice("AssumeRole", RoleArn=role_arn, RoleSessionName="s1")),
        alice.holder(alice("GetSessionToken")),
        alice.holder(alice("GetFederationToken", Name="bob")),
    ]
    assert [session.entry("dynamodb") for session in sessions] == [None, None, None]
    key = api("ListAccessKeys", UserName="alice")["AccessKeyMetadata"][0]["AccessKeyId"]
    api("DeleteAccessKey", UserName="alice", AccessKeyId=key)
    # A key that is gone does not end the sessions that it asked for.
    assert [session.entry("dynamodb") for session in sessions] == [None, None, None]
    api("DeleteUserPolicy", UserName="alice", PolicyName="p")
    api("DeleteUser", UserName="alice")
    api("DeleteRole", RoleName="worker")
    if made_again:
        api("CreateUser", UserName="alice")
        api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=trust("*"))
    for session in sessions:
        assert session.entry("dynamodb") == ("UnrecognizedClientException", 400)
        assert session.entry("sts") == ("InvalidClientTokenId", 403)


# Tags of sessions are held to IAM's rules, under STS's error name.
@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["a", "A"], "Duplicate tag keys found. Please note that Tag keys are case insensitive."),
        (["aws:a"], "Tag keys beginning with aws: are reserved for system use."),
    ],
)
def test_tags_that_no_session_has(alice: Caller, keys: list[str], message: str) -> None:
    tags = [{"Key": key, "Value": "v"} for key in keys]
    refused = alice.refusal("GetFederationToken", Name="bob", Tags=tags)
    assert refused == ("InvalidParameterValue", 400, message)
