"""The gateway's last resort: whatever becomes of an answer, the client gets one."""

from __future__ import annotations

from typing import Any

import orjson

from tabletop.base.clock import ManualClock
from tabletop.dynamodb.service import DynamoDb
from tabletop.gateway.gateway import Gateway
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


class Unencodable(DynamoDb):
    """Answers with what is no JSON."""

    def run(self, operation: Any, call: Any, body: Any, done: Any) -> None:
        done({"TableNames": object()})


# An answer that cannot be encoded is a fault of ours: the client gets status 500 in AWS's form instead of waiting for ever.
def test_an_answer_that_cannot_be_encoded_is_still_answered() -> None:
    store = open_store(None)
    try:
        iam = Iam(store, secret_key=bytes(32))
        gateway = Gateway(store=store, dynamodb=Unencodable(store), iam=iam, services=(), clock=ManualClock())
        response = gateway.handle(HttpRequest(method="POST", target="/", headers=HEADERS, body=b"{}"))
    finally:
        store.close()
    assert isinstance(response, HttpResponse)
    assert response.status == 500
    assert orjson.loads(response.body)["__type"].endswith("#InternalServerError")
