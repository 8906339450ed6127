"""The gateway's last resort: whatever becomes of an answer, the client gets one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from tabletop.base.clock import ManualClock
from tabletop.dynamodb.service import DynamoDb
from tabletop.gateway.gateway import Further, Gateway
from tabletop.iam.service import Iam
from tabletop.storage.engine import open_store
from tabletop.wire.http import HttpRequest, HttpResponse

HEADERS = {
    "host": "localhost:4566",
    "x-amz-target": "DynamoDB_20120810.ListTables",
    "x-amz-date": "20231114T221320Z",
    "authorization": "AWS4-HMAC-SHA256 Credential=test/20231114/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0",
}


def no_json(view: Any, request: Any, now: float) -> Any:
    return {"TableNames": object()}


def no_json_after_writing(view: Any, request: Any, now: float) -> Any:
    return {"TableNames": object()}, None


class Unencodable(DynamoDb):
    """Answers with what is no JSON: from a view, or from a plan."""

    def __init__(self, store: Any, **answering: Any) -> None:
        super().__init__(store)
        self._answering = answering

    def decode(self, action: str, payload: bytes, call: Any) -> Any:
        operation, body = super().decode(action, payload, call)
        return replace(operation, **({"read": None, "plan": None} | self._answering)), body


# An answer that cannot be encoded is a fault of ours: the client gets status 500 in AWS's form instead of waiting for ever.
@pytest.mark.parametrize("answering", [{"read": no_json}, {"plan": no_json_after_writing}])
def test_an_answer_that_cannot_be_encoded_is_still_answered(answering: dict[str, Any]) -> None:
    store = open_store(None)
    try:
        iam = Iam(store, secret_key=bytes(32))
        dynamodb = Unencodable(store, **answering)
        gateway = Gateway(store=store, dynamodb=dynamodb, iam=iam, clock=ManualClock(), further=Further())
        response = gateway.handle(HttpRequest(method="POST", target="/", headers=HEADERS, body=b"{}"))
    finally:
        store.close()
    assert isinstance(response, HttpResponse)
    assert response.status == 500
    assert orjson.loads(response.body)["__type"].endswith("#InternalServerError")
