"""Asynchronous invocations: accepted when durable, tried again, and taken up by the next server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from functions_desk import ENDPOINT, Desk, RememberedLogs, RememberedRoles, Run

from tabletop.functions import Functions, Settings
from tabletop.functions.registry import events
from tabletop.server.listener import listen
from tabletop.storage.engine import open_store


def _waiting(desk: Desk) -> int:
    with desk.store.view() as view:
        return len(list(events.below(view)))


# 202 at once, the function runs, and the event is gone from the store.
def test_event_runs(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create("def handler(event, context):\n    print('got', event)\n")
        answer = await desk.ask("Invoke", FunctionName="f", InvocationType="Event", Payload=b"5")
        assert answer == {"StatusCode": 202, "Payload": b""}
        await desk.service.settle()
        assert "got 5\n" in desk.logs.messages
        assert _waiting(desk) == 0

    at_desk(scene)


# The older operation does the same with a smaller payload.
def test_invoke_async(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create("def handler(event, context):\n    print('got', len(event))\n")
        assert await desk.ask("InvokeAsync", FunctionName="f", InvokeArgs=b'"' + b"x" * 9 + b'"') == {"Status": 202}
        await desk.service.settle()
        assert "got 9\n" in desk.logs.messages
        error = await desk.refused("InvokeAsync", FunctionName="f", InvokeArgs=b'"' + b"x" * 262143 + b'"')
        assert (error.code, error.status) == ("RequestTooLargeException", 413)

    at_desk(scene)


# A function error is tried twice more, with the same request id; then the event is given up.
def test_event_is_tried_three_times(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(
            "def handler(event, context):\n    print('try', context.aws_request_id)\n    raise ValueError\n"
        )
        await desk.ask("Invoke", FunctionName="f", InvocationType="Event", Payload=b"1")
        for _ in range(1000):
            if not _waiting(desk):
                break
            await asyncio.sleep(0.005)
        await desk.service.settle()
        tries = [message for message in desk.logs.messages if message.startswith("try")]
        assert len(tries) == 3
        assert len(set(tries)) == 1

    at_desk(scene, event_retry_delays_s=(0.0, 0.0))


# For want of room an event waits and is not counted as failed; the bound on waiting events refuses more.
def test_events_wait_for_room_within_a_bound(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create("def handler(event, context):\n    return 1\n")
        for _ in range(2):
            await desk.ask("Invoke", FunctionName="f", InvocationType="Event")
        error = await desk.refused("Invoke", FunctionName="f", InvocationType="Event")
        assert (error.code, error.status) == ("TooManyRequestsException", 429)
        assert _waiting(desk) == 2

    at_desk(scene, events_at_once=0, events_max=2)


# What a stopped or killed server had accepted is delivered by the next one on the same store.
def test_events_survive_a_restart(tmp_path: Path) -> None:
    store = open_store(None)

    async def scene() -> str:
        logs = RememberedLogs()
        for at_once in (0, 1):
            service = Functions(
                store=store,
                logs=logs,
                iam=RememberedRoles(),
                listen=listen,
                data=tmp_path,
                endpoint_url=ENDPOINT,
                settings=Settings(events_at_once=at_once),
            )
            await service.start()
            desk = Desk(service, store, logs, RememberedRoles(), tmp_path)
            if not at_once:
                await desk.create("def handler(event, context):\n    print('late', event)\n")
                await desk.ask("Invoke", FunctionName="f", InvocationType="Event", Payload=b"7")
            await service.settle()
            await service.stop()
        return logs.text

    assert "late 7\n" in asyncio.run(scene())
    store.close()
