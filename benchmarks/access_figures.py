"""What signature and policy cost on a GetItem: the same request through the gateway, in this process, with and without them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.figures import Figure

ROUNDS = 3000
REPEATS = 5
"""The fastest of them counts: what else the machine does only ever adds. Times are of this process alone."""
ACCOUNT = "000000000000"
TABLE_ARN = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/bench"
ACTIONS = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"]
TUTORIAL = {
    "Effect": "Allow",
    "Action": [f"dynamodb:{action}" for action in ACTIONS],
    "Resource": [TABLE_ARN, f"{TABLE_ARN}/index/*"],
}
LEADING_KEYS = {
    **TUTORIAL,
    "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}},
}
BODY = b'{"TableName":"bench","Key":{"p":{"S":"alice"}}}'


def accessing() -> Iterator[Figure]:
    from tabletop.iam.service import Iam
    from tabletop.storage.engine import open_store

    store = open_store(None)
    try:
        now = time.time()
        iam, open_to_all = (Iam(store, secret_key=bytes(32), auth=mode) for mode in ("strict", "off"))
        keys = _user(iam, now)
        request = _signed(keys)
        plain = _timed(_gateway(store, open_to_all, now), request)
        times = {}
        for name, statement in (("the tutorial's policy", TUTORIAL), ("a policy on leading keys", LEADING_KEYS)):
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            _iam(iam, now, "PutUserPolicy", UserName="alice", PolicyName="own", PolicyDocument=document)
            times[name] = _timed(_gateway(store, iam, now), request)
    finally:
        store.close()
    for name, took_us in times.items():
        yield Figure(f"GetItem in process, signed, under {name}", took_us, "us")
        yield Figure(f"  of which signature and {name}", 100 * (took_us - plain) / took_us, "%")
    for name, document in (("the tutorial's policy", TUTORIAL), ("a policy on leading keys", LEADING_KEYS)):
        yield Figure(f"evaluation of {name}, compiled", _evaluation_us(document), "us", "under 20 us")
    yield Figure(
        "evaluation of leading keys in identity, boundary, session and resource policy",
        _evaluation_us(LEADING_KEYS, everywhere=True),
        "us",
        "under 20 us",
    )


def _evaluation_us(statement: dict[str, Any], *, everywhere: bool = False) -> float:
    """``everywhere``: the same statement limits the caller as boundary and session policy, and the table has it too."""
    from tabletop.iam.evaluation import CallerNames, PolicySet, evaluate

    own = _compiled(statement)
    policies = PolicySet(own, own, own) if everywhere else PolicySet(own)
    names = (f"arn:aws:iam::{ACCOUNT}:user/alice", "AIDAALICE")
    caller = CallerNames("AWS", names, (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"), names)
    resource_policies = _compiled({**statement, "Principal": {"AWS": names[0]}}) if everywhere else ()
    context = {"dynamodb:leadingkeys": ["alice"], "aws:username": "alice"}

    def once() -> bool:
        return evaluate(
            policies, "dynamodb:GetItem", TABLE_ARN, context, resource_policies=resource_policies, caller=caller
        ).allowed

    assert once()
    return _fastest_us(once)


def _compiled(statement: dict[str, Any]) -> Any:
    from tabletop.iam.evaluation import NamedPolicy
    from tabletop.iam.policies import compile_policy

    return (NamedPolicy("own", compile_policy(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))),)


def _timed(gateway: Any, request: Any) -> float:
    assert gateway.handle(request).status == 200
    return _fastest_us(lambda: gateway.handle(request))


def _fastest_us(work: Callable[[], object]) -> float:
    fastest = float("inf")
    for _ in range(REPEATS):
        began = time.process_time()
        for _ in range(ROUNDS):
            work()
        fastest = min(fastest, time.process_time() - began)
    return fastest / ROUNDS * 1e6


def _gateway(store: Any, iam: Any, now: float) -> Any:
    from tabletop.dynamodb.service import DynamoDb
    from tabletop.gateway.gateway import Further, Gateway

    return Gateway(store=store, dynamodb=DynamoDb(store), iam=iam, further=Further(), clock=lambda: now)


def _iam(iam: Any, now: float, action: str, **params: Any) -> Any:
    from tabletop.base.call import Call
    from tabletop.iam.authentication import root_of

    call = Call("bench", ACCOUNT, "us-east-1", root_of(ACCOUNT), now)
    return asyncio.run(iam.handle("iam", call, action, params))


def _user(iam: Any, now: float) -> Any:
    """A user's keys; he has made the table and the item that are read."""
    _iam(iam, now, "CreateUser", UserName="alice")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    _iam(iam, now, "PutUserPolicy", UserName="alice", PolicyName="own", PolicyDocument=json.dumps(everything))
    keys = _iam(iam, now, "CreateAccessKey", UserName="alice")["AccessKey"]
    gateway = _gateway(iam._store, iam, now)
    definition = {
        "TableName": "bench",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    }
    item = {"TableName": "bench", "Item": {"p": {"S": "alice"}, "d": {"S": "x" * 900}}}
    for action, body in (("CreateTable", definition), ("PutItem", item)):
        request = _signed(keys, action, json.dumps(body).encode())
        answer = gateway.handle(request)
        assert answer.status == 200, answer.body
    return keys


def _signed(keys: Any, action: str = "GetItem", body: bytes = BODY) -> Any:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    from tabletop.wire.http import HttpRequest

    headers = {"x-amz-target": f"DynamoDB_20120810.{action}", "content-type": "application/x-amz-json-1.0"}
    request = AWSRequest("POST", "http://localhost:4566/", headers=headers, data=body)
    SigV4Auth(Credentials(keys["AccessKeyId"], keys["SecretAccessKey"]), "dynamodb", "us-east-1").add_auth(request)
    sent = {name.lower(): value for name, value in request.prepare().headers.items()}
    texts = {name: value if isinstance(value, str) else value.decode() for name, value in sent.items()}
    texts.setdefault("host", "localhost:4566")
    return HttpRequest(method="POST", target="/", headers=texts, body=body)
