"""Event invoke configurations, destinations and dead letters: what becomes of asynchronous invocations."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from functions_desk import ACCOUNT, Desk, Run

from tabletop.functions.registry import events

FAILING = "def handler(event, context):\n    print('try')\n    raise ValueError('no ' + str(event))\n"
DOUBLING = "def handler(event, context):\n    return event * 2\n"
PRINTING = "import json\n\ndef handler(event, context):\n    print('SEEN ' + json.dumps(event))\n"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/records"
NOW: dict[str, Any] = {"event_retry_delays_s": (0.0, 0.0)}


async def _send(desk: Desk, payload: bytes, name: str = "f") -> str:
    """Invoke, and return when nothing waits any more; the log's text."""
    await desk.ask("Invoke", FunctionName=name, InvocationType="Event", Payload=payload)
    for _ in range(2000):
        with desk.store.view() as view:
            if not list(events.below(view)):
                break
        await asyncio.sleep(0.005)
    await desk.service.settle()
    return desk.logs.text


def _seen(text: str) -> list[Any]:
    return [orjson.loads(line[5:]) for line in text.splitlines() if line.startswith("SEEN ")]


# A failed event's record, in AWS's form, goes to the function that is its failure destination, after the last retry.
def test_failure_destination(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(FAILING)
        await desk.create(PRINTING, name="g")
        put = await desk.ask(
            "PutFunctionEventInvokeConfig",
            FunctionName="f",
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": ARN + "g"}},
        )
        assert put.pop("LastModified") > 0
        assert put == {
            "FunctionArn": ARN + "f:$LATEST",
            "MaximumRetryAttempts": 1,
            "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": ARN + "g"}},
        }
        text = await _send(desk, b"[1]")
        assert text.count("try\n") == 2
        (record,) = _seen(text)
        assert record.pop("timestamp").endswith("Z")
        assert len(record["requestContext"].pop("requestId")) == 36
        assert record["responsePayload"].pop("stackTrace")
        record["responsePayload"].pop("requestId", None)
        assert record == {
            "version": "1.0",
            "requestContext": {
                "functionArn": ARN + "f:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 2,
            },
            "requestPayload": [1],
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": {"errorMessage": "no [1]", "errorType": "ValueError"},
        }

    at_desk(scene, **NOW)


# A success is recorded too where there is a destination for it: here a log group, with the alias in the ARN.
def test_success_destination_of_an_alias(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(DOUBLING, Publish=True)
        await desk.ask("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        await desk.ask(
            "PutFunctionEventInvokeConfig",
            FunctionName="f",
            Qualifier="live",
            DestinationConfig={"OnSuccess": {"Destination": GROUP}},
        )
        await _send(desk, b"4")
        assert not [event for event in desk.logs.events if event[0] == "/records"]
        await _send(desk, b"5", "f:live")
        ((group, stream, _, message),) = [event for event in desk.logs.events if event[0] == "/records"]
        record = orjson.loads(message)
        assert (group, stream) == ("/records", "f/on-success")
        assert (record["requestContext"]["functionArn"], record["requestContext"]["condition"]) == (
            ARN + "f:live",
            "Success",
        )
        assert (record["requestPayload"], record["responsePayload"]) == (5, 10)
        assert record["responseContext"] == {"statusCode": 200, "executedVersion": "1"}

    at_desk(scene)


# What is older than the configuration allows is not run again, and is recorded as too old.
def test_age(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(FAILING)
        await desk.ask(
            "PutFunctionEventInvokeConfig",
            FunctionName="f",
            MaximumEventAgeInSeconds=60,
            DestinationConfig={"OnFailure": {"Destination": GROUP}},
        )
        text = await _send(desk, b"1")
        assert text.count("try\n") == 1
        record = orjson.loads(next(event[3] for event in desk.logs.events if event[0] == "/records"))
        assert record["requestContext"]["condition"] == "EventAgeExceeded"
        assert record["requestContext"]["approximateInvokeCount"] == 1

    at_desk(scene, event_retry_delays_s=(61.0, 61.0))


# With no concurrency at all, events go to the failure destination at once instead of waiting.
def test_events_of_a_function_that_may_not_run(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(DOUBLING)
        config = {"OnFailure": {"Destination": GROUP}}
        await desk.ask("PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig=config)
        await desk.ask("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
        await _send(desk, b"1")
        record = orjson.loads(next(event[3] for event in desk.logs.events if event[0] == "/records"))
        assert record["requestContext"]["approximateInvokeCount"] == 0
        assert (record["requestPayload"], "responsePayload" in record) == (1, False)

    at_desk(scene)


# A dead letter reads as a message of a queue: the event as it was, and why it is here.
def test_dead_letter(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(PRINTING, name="g")
        created = await desk.create(FAILING, DeadLetterConfig={"TargetArn": ARN + "g"})
        assert created["DeadLetterConfig"] == {"TargetArn": ARN + "g"}
        (message,) = _seen(await _send(desk, b'{"a": 1}'))
        (letter,) = message["Records"]
        assert orjson.loads(letter["body"]) == {"a": 1}
        attributes = {name: given["stringValue"] for name, given in letter["messageAttributes"].items()}
        assert len(attributes.pop("RequestID")) == 36
        assert attributes == {"ErrorCode": "200", "ErrorMessage": "no {'a': 1}"}
        cleared = await desk.ask("UpdateFunctionConfiguration", FunctionName="f", DeadLetterConfig={"TargetArn": ""})
        assert "DeadLetterConfig" not in cleared

    at_desk(scene, **NOW)


# Functions that are each other's destination are stopped after sixteen steps.
def test_loop_is_stopped(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        for name in "fg":
            await desk.create("def handler(event, context):\n    print('STEP')\n", name=name)
        for name, other in (("f", "g"), ("g", "f")):
            config = {"OnSuccess": {"Destination": ARN + other}}
            await desk.ask("PutFunctionEventInvokeConfig", FunctionName=name, DestinationConfig=config)
        assert (await _send(desk, b"1")).count("STEP\n") == 17

    at_desk(scene)


# A configuration is replaced by Put, changed by Update, listed and deleted.
def test_configurations(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(DOUBLING)
        missing = await desk.refused("GetFunctionEventInvokeConfig", FunctionName="f")
        assert missing.message == f"The function {ARN}f:$LATEST doesn't have an EventInvokeConfig"
        update = await desk.refused("UpdateFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=1)
        assert update.code == "ResourceNotFoundException"
        await desk.ask("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=0)
        changed = await desk.ask("UpdateFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=60)
        assert (changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]) == (0, 60)
        replaced = await desk.ask("PutFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=70)
        assert "MaximumRetryAttempts" not in replaced
        listed = await desk.ask("ListFunctionEventInvokeConfigs", FunctionName="f")
        assert listed == {"FunctionEventInvokeConfigs": [replaced]}
        await desk.ask("DeleteFunctionEventInvokeConfig", FunctionName="f")
        assert (await desk.ask("ListFunctionEventInvokeConfigs", FunctionName="f"))["FunctionEventInvokeConfigs"] == []

    at_desk(scene)


REFUSED = {
    "queue": (f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", "not available in Tabletop"),
    "bucket": ("arn:aws:s3:::b", "not available in Tabletop"),
    "itself": (ARN + "f", "You can't specify the function as a destination for itself."),
    "nobody": (ARN + "nobody", f"The destination ARN {ARN}nobody is invalid."),
    "elsewhere": ("arn:aws:lambda:eu-west-1:111122223333:function:g", "is invalid."),
}


# A target that does not exist here is refused when it is named, never silently ignored.
@pytest.mark.parametrize("case", REFUSED)
def test_refused_targets(at_desk: Run, case: str) -> None:
    arn, words = REFUSED[case]

    async def scene(desk: Desk) -> None:
        await desk.create(DOUBLING)
        config = {"OnFailure": {"Destination": arn}}
        errors = [
            await desk.refused("PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig=config),
            await desk.refused("UpdateFunctionConfiguration", FunctionName="f", DeadLetterConfig={"TargetArn": arn}),
        ]
        assert [(error.code, words in str(error.message)) for error in errors] == [
            ("InvalidParameterValueException", True)
        ] * 2

    at_desk(scene)


# The function's role must be allowed to use the target: asked when it is named, and again when a record is due.
def test_the_role_decides(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(PRINTING, name="g")
        await desk.create(DOUBLING)
        config = {"OnSuccess": {"Destination": ARN + "g"}}
        desk.roles.forbidden = {"lambda:InvokeFunction"}
        error = await desk.refused("PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig=config)
        assert error.message == (
            f"The function's execution role does not have permissions to call InvokeFunction on {ARN}g"
        )
        letters = {"TargetArn": ARN + "g"}
        error = await desk.refused("UpdateFunctionConfiguration", FunctionName="f", DeadLetterConfig=letters)
        assert error.code == "InvalidParameterValueException"
        desk.roles.forbidden = set()
        await desk.ask("PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig=config)
        assert len(_seen(await _send(desk, b"1"))) == 1
        desk.roles.forbidden = {"lambda:InvokeFunction"}
        assert len(_seen(await _send(desk, b"1"))) == 1

    at_desk(scene)
