"""Where records of asynchronous invocations go: another function, or (which AWS does not have) a log group.

A record is delivered by the event queue like any event, so it is as durable as what it tells of. The form of
destination records is AWS's. A dead-letter message reads as an SQS message does to a function behind that queue:
``{"Records": [{"messageId", "body", "messageAttributes"}]}``.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from tabletop.base import randomness
from tabletop.base.errors import ApiError
from tabletop.base.log import Log
from tabletop.functions import limits, registry
from tabletop.functions.constraints import invalid
from tabletop.functions.names import LATEST, Reference, function_arn
from tabletop.functions.outcomes import Outcome
from tabletop.functions.ports import Roles
from tabletop.storage.store import View

Condition = Literal["Success", "RetriesExhausted", "EventAgeExceeded"]

_log = Log("functions")

_FUNCTION = re.compile(
    r"arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:"
    r"(?P<name>[a-zA-Z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?"
)
_LOG_GROUP = re.compile(
    r"arn:aws[a-zA-Z-]*:logs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):log-group:(?P<group>[a-zA-Z0-9_/.#-]{1,512})(?::\*)?"
)


@dataclass(frozen=True, slots=True)
class LogTarget:
    account: str
    region: str
    group: str


Target = Reference | LogTarget


@dataclass(frozen=True, slots=True)
class End:
    """How an event of the queue ended. ``record``: the version that was or would be run; ``outcome``: of the last
    attempt, None where there was none.
    """

    condition: Condition
    record: dict[str, Any]
    outcome: Outcome | None
    attempts: int
    now: float


def target_of(arn: str) -> Target | None:
    """None for what no record can be sent to here."""
    match = _FUNCTION.fullmatch(arn)
    if match is not None:
        return Reference(match["account"], match["region"], match["name"], match["qualifier"] or "")
    match = _LOG_GROUP.fullmatch(arn)
    return None if match is None else LogTarget(match["account"], match["region"], match["group"])


def check_target(arn: str, source: Reference) -> None:
    """Raises InvalidParameterValueException for a target that is of another kind, account or region, or the source."""
    target = target_of(arn)
    if target is None:
        raise invalid(
            f"The destination {arn} is not available in Tabletop, which has functions and CloudWatch log groups as "
            "targets: no queues, topics, event buses or buckets."
        )
    if (target.account, target.region) != (source.account, source.region):
        raise invalid(f"The destination ARN {arn} is invalid.")
    if isinstance(target, Reference) and target.name == source.name:
        raise invalid("You can't specify the function as a destination for itself.")


def check_target_exists(view: View, arn: str) -> None:
    """A function must be there (a log group is made when it is needed). Within the plan that stores the ARN."""
    target = target_of(arn)
    if isinstance(target, Reference):
        try:
            registry.version_of(view, target)
        except ApiError:
            raise invalid(f"The destination ARN {arn} is invalid.") from None


def destination_targets(arn: str) -> list[tuple[str, str]]:
    """What the function's role must be allowed: the (IAM action, resource ARN) pairs."""
    if isinstance(target_of(arn), LogTarget):
        return [("logs:PutLogEvents", arn.removesuffix(":*") + ":*")]
    return [("lambda:InvokeFunction", arn)]


def check_role(roles: Roles, role: str, region: str, arn: str) -> None:
    """Raises InvalidParameterValueException where the function's role may not use the target (words recalled)."""
    wanted = destination_targets(arn)
    try:
        roles.authorize_role(role, region, wanted)
    except ApiError:
        action = wanted[0][0].partition(":")[2]
        raise invalid(f"The function's execution role does not have permissions to call {action} on {arn}") from None


def permitted(roles: Roles, region: str, record: dict[str, Any], arn: str) -> bool:
    """The same question when a record is due: policies may have changed."""
    try:
        roles.authorize_role(record["role"], region, destination_targets(arn))
    except ApiError as error:
        _log.warning(
            "a record was not sent to its destination", function=record["name"], target=arn, reason=error.message
        )
        return False
    return True


def followers(roles: Roles, event: dict[str, Any], config: dict[str, Any], end: End) -> list[dict[str, Any]]:
    """The events for the queue that this end calls for. ``event`` is the queue's document."""
    source = Reference(event["account"], event["region"], event["name"], event["qualifier"])
    wanted = []
    destination = config.get("on_success" if end.condition == "Success" else "on_failure")
    if destination:
        kind = "on-success" if end.condition == "Success" else "on-failure"
        wanted.append((destination, kind, _record(event, source, end)))
    dead_letter = end.record.get("dead_letter")
    if dead_letter and end.condition != "Success":
        wanted.append((dead_letter, "dead-letter", _dead_letter(event, end)))
    wanted = [one for one in wanted if permitted(roles, source.region, end.record, one[0])]
    made = [_follower(event, source, end, *one) for one in wanted]
    return [follower for follower in made if follower is not None]


def _follower(
    event: dict[str, Any], source: Reference, end: End, arn: str, kind: str, payload: bytes
) -> dict[str, Any] | None:
    target = target_of(arn)
    if target is None:
        return None
    request_id = randomness.new_uuid()
    common = {
        "id": f"{int(end.now * 1000):015d}-{request_id}",
        "account": target.account,
        "region": target.region,
        "request_id": request_id,
        "payload": base64.b64encode(payload).decode(),
        "client_context": "",
        "accepted": end.now,
        "due": end.now,
        "errors": 0,
        "refusals": 0,
        "hops": event.get("hops", 0) + 1,
    }
    if isinstance(target, Reference):
        return {**common, "name": target.name, "qualifier": target.qualifier}
    return {**common, "name": source.name, "qualifier": "", "group": target.group, "stream": f"{source.name}/{kind}"}


def _record(event: dict[str, Any], source: Reference, end: End) -> bytes:
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": datetime.fromtimestamp(end.now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": event["request_id"],
            "functionArn": function_arn(source.account, source.region, source.name, source.qualifier or LATEST),
            "condition": end.condition,
            "approximateInvokeCount": end.attempts,
        },
        "requestPayload": _json(base64.b64decode(event["payload"])),
    }
    if end.outcome is not None:
        record["responseContext"] = {"statusCode": 200, "executedVersion": end.record["version"]}
        if end.outcome.error:
            record["responseContext"]["functionError"] = end.outcome.error
        record["responsePayload"] = _json(end.outcome.payload)
    encoded = orjson.dumps(record)
    if len(encoded) > limits.EVENT_PAYLOAD_BYTES_MAX:
        # AWS drops payloads that a destination cannot take; which of the two go first is our choice: both.
        record.pop("responsePayload", None)
        record["requestPayload"] = None
        encoded = orjson.dumps(record)
    return encoded


def _dead_letter(event: dict[str, Any], end: End) -> bytes:
    message = "" if end.condition == "RetriesExhausted" else "Event age exceeded"
    if end.outcome is not None:
        content = _json(end.outcome.payload)
        message = str(content.get("errorMessage", "")) if isinstance(content, dict) else message
    # AWS: the status code of the last attempt, and the first kilobyte of its error message.
    attributes = {
        "RequestID": ("String", event["request_id"]),
        "ErrorCode": ("Number", "200" if end.outcome is not None else "429"),
        "ErrorMessage": ("String", message.encode()[:1024].decode("utf-8", "ignore")),
    }
    letter = {
        "messageId": randomness.new_uuid(),
        "body": base64.b64decode(event["payload"]).decode("utf-8", "replace"),
        "messageAttributes": {
            name: {"stringValue": value, "dataType": kind} for name, (kind, value) in attributes.items()
        },
    }
    return orjson.dumps({"Records": [letter]})


def _json(payload: bytes) -> Any:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload.decode("utf-8", "replace")
