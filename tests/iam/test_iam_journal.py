"""What was refused and what was done: kept for the owner, bounded, and never in the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tabletop.base.access import KeyFacts
from tabletop.base.call import Call, Principal
from tabletop.base.errors import ApiError, StorageUnavailable
from tabletop.iam import journal
from tabletop.iam.evaluation import Decision, Layer
from tabletop.iam.generation import least_policy
from tabletop.iam.journal import Entries, Journal
from tabletop.iam.service import Iam

from .conftest import Api, DictStore, DictView
from .test_iam_authentication import LAMBDA_TRUST, ROLE_ARN
from .test_iam_authorization import TABLE, Caller, document

USER = Principal(kind="user", account="000000000000", arn="arn:aws:iam::000000000000:user/u", unique_id="AIDAU")
IMPLICIT = Decision(False, False, Layer.IDENTITY)


def call(number: int = 0) -> Call:
    return Call(f"R{number}", "000000000000", "us-east-1", USER, 1_750_000_000.0 + number)


class Held:
    """A store that keeps what is submitted until it is told to go on."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Entries, Callable[[Any], None]]] = []

    def submit(self, plan: Any, request: Entries, done: Callable[[Any], None]) -> None:
        self.waiting.append((request, done))


@pytest.fixture
def worker(api: Api, iam: Iam, store: DictStore) -> Caller:
    api("CreateRole", RoleName="worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    return Caller(api, iam, store, api.role_credentials(ROLE_ARN, "fn"))


def kept(store: DictStore) -> list[dict[str, Any]]:
    with store.view() as view:
        return list(journal.denials(view))


# A refusal is explained by who, what, and what would have been needed; a statement that came near says what it lacked.
def test_an_implicit_refusal(api: Api, worker: Caller, store: DictStore) -> None:
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}}
    for name, text in (
        ("elsewhere", document("dynamodb:GetItem", resource=TABLE + "2")),
        ("conditional", document("dynamodb:Get*", Condition=condition)),
        ("other", document("dynamodb:PutItem")),
    ):
        api("PutRolePolicy", RoleName="worker", PolicyName=name, PolicyDocument=text)
    with pytest.raises(ApiError):
        worker.ask("dynamodb:GetItem", **{"dynamodb:leadingkeys": ["mine", "theirs"]})
    (denial,) = kept(store)
    assert (denial["request_id"], denial["action"], denial["resource"]) == ("REQUEST", "dynamodb:GetItem", TABLE)
    assert denial["principal"] == "arn:aws:sts::000000000000:assumed-role/worker/fn"
    assert (denial["explicit"], denial["layer"], denial["statement"]) == (False, "identity-based policy", "")
    assert denial["nearly"] == [
        f"identity-based policy, inline elsewhere of {ROLE_ARN}, statement 1: its resources do not include this one",
        f"identity-based policy, inline conditional of {ROLE_ARN}, statement 1: ForAllValues:StringEquals "
        "dynamodb:leadingkeys [mine] does not hold of mine, theirs",
    ]


# An explicit deny names its policy and statement.
def test_an_explicit_refusal(api: Api, worker: Caller, store: DictStore) -> None:
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Sid": "NoDeletes", "Effect": "Deny", "Action": "dynamodb:Delete*", "Resource": "*"},
            ],
        }
    )
    api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=text)
    with pytest.raises(ApiError):
        worker.ask("dynamodb:DeleteTable")
    (denial,) = kept(store)
    assert (denial["explicit"], denial["policy"], denial["statement"]) == (True, f"inline p of {ROLE_ARN}", "NoDeletes")


# AssumeRole is refused inside of a plan: its refusal is kept as well.
def test_a_refused_role_is_explained(api: Api, store: DictStore) -> None:
    with pytest.raises(ApiError):
        api("AssumeRole", service="sts", RoleArn=ROLE_ARN, RoleSessionName="s")
    assert [(denial["action"], denial["resource"]) for denial in kept(store)] == [("sts:AssumeRole", ROLE_ARN)]


# What AssumeRole allows is noted beside all else, though it is decided inside of a plan: a least policy without it fails.
def test_an_assumed_role_is_noted(api: Api, worker: Caller, store: DictStore) -> None:
    other = "arn:aws:iam::000000000000:role/other"
    trust = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    api(
        "CreateRole",
        RoleName="other",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
    )
    api("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=document("sts:*"))
    session = {"RoleArn": other, "RoleSessionName": "me", "Tags": [{"Key": "team", "Value": "red"}]}
    api("AssumeRole", service="sts", principal=worker.call.principal, **session)
    principal = worker.call.principal
    with store.view() as view:
        pairs, complete = journal.activities(view, principal.account, principal.unique_id.partition(":")[0])
    assert (sorted(pairs), complete) == ([("sts:AssumeRole", other), ("sts:TagSession", other)], True)


# The oldest refusals make room; what comes while the store is busy waits in bounded numbers.
def test_refusals_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "DENIALS_KEPT", 3)
    content: dict[bytes, bytes] = {}
    for number in range(5):
        held = Held()
        writer = Journal(held)  # type: ignore[arg-type]
        writer.deny(call(number), "dynamodb:Scan", TABLE, IMPLICIT, [])
        writer.write()
        ((entries, _),) = held.waiting
        _, batch = journal.plan_write(DictView(content), entries, call(number).now)
        for key, value in batch.writes.items():
            content.pop(key, None) if value is None else content.__setitem__(key, value)
    assert [one["request_id"] for one in journal.denials(DictView(content))] == ["R2", "R3", "R4"]


# While one batch is being written another gathers, up to its bound, and follows; a failed write is dropped, not repeated.
def test_one_write_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PENDING_MAX", 2)
    held, now = Held(), [0.0]
    writer = Journal(held, stopwatch=lambda: now[0])  # type: ignore[arg-type]
    for number in range(5):
        writer.deny(call(number), "dynamodb:Scan", TABLE, IMPLICIT, [])
        writer.write()
    assert [len(entries.denials) for entries, _ in held.waiting] == [1]
    now[0] += journal.WRITTEN_EVERY_S
    held.waiting[0][1](None)
    assert [len(entries.denials) for entries, _ in held.waiting] == [1, 2]
    held.waiting[1][1](StorageUnavailable("disk full"))
    assert len(held.waiting) == 2


# What was allowed is noted once, and no more of it than the bound; then the list is known to be incomplete.
def test_activities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "ACTIVITIES_KEPT", 2)
    content: dict[bytes, bytes] = {}
    seen = []
    for resource in (TABLE, TABLE, TABLE + "2", "x" * 2000, TABLE + "3"):
        held = Held()
        writer = Journal(held)  # type: ignore[arg-type]
        writer.allow(call(), "dynamodb:GetItem", resource)
        writer.allow(call(), "dynamodb:GetItem", resource)
        assert len(held.waiting) == 1
        _, batch = journal.plan_write(DictView(content), held.waiting[0][0], 0.0)
        content |= {key: value for key, value in batch.writes.items() if value is not None}
        seen.append(journal.activities(DictView(content), "000000000000", "AIDAU"))
    first, second = ("dynamodb:GetItem", TABLE), ("dynamodb:GetItem", TABLE + "2")
    assert seen == [
        ([first], True),
        ([first], True),
        ([first, second], True),
        ([first, second], False),
        ([first, second], False),
    ]


# The generated policy allows what was done and nothing else, and is the least of statements.
def test_the_least_policy(api: Api, worker: Caller, iam: Iam, store: DictStore) -> None:
    logs = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f:log-stream:"
    pairs = [
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:Query", TABLE + "/index/by-name"),
        ("logs:PutLogEvents", logs + "2025/01/01/[1]a"),
        ("logs:PutLogEvents", logs + "2025/01/02/[1]b"),
    ]
    policy = least_policy(pairs)
    assert policy["Statement"] == [
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": [TABLE]},
        {"Effect": "Allow", "Action": ["dynamodb:Query"], "Resource": [TABLE + "/index/by-name"]},
        {"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": [logs + "*"]},
    ]
    api("PutRolePolicy", RoleName="worker", PolicyName="least", PolicyDocument=json.dumps(policy))
    for action, resource in pairs:
        assert worker.may(action, resource)
    assert not worker.may("dynamodb:DeleteItem")
    with store.view() as view:
        worker.iam.authorize(view, worker.call, [("dynamodb:GetItem", TABLE)], KeyFacts({}))
