"""Reserved concurrency is enforced, provisioned concurrency is really there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from functions_desk import ACCOUNT, ENDPOINT, Desk, RememberedLogs, RememberedRoles, Run

from tabletop.functions import Functions
from tabletop.server.listener import listen
from tabletop.storage.engine import open_store

SLEEPING = "import time\n\ndef handler(event, context):\n    time.sleep(event or 0)\n    return 1\n"
STARTED = """
import os, uuid
ME = uuid.uuid4().hex

def handler(event, context):
    return [ME, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
"""
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


# At the reserved number an invocation is refused for it, below it runs; without reservation it runs again.
def test_reserved_concurrency_is_enforced(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(SLEEPING)
        put = await desk.ask("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=1)
        assert put == {"ReservedConcurrentExecutions": 1}
        assert await desk.ask("GetFunctionConcurrency", FunctionName="f") == put
        assert (await desk.ask("GetFunction", FunctionName="f"))["Concurrency"] == put
        running = asyncio.ensure_future(desk.invoke(0.5))
        await asyncio.sleep(0)
        error = await desk.refused("Invoke", FunctionName="f", Payload=b"0")
        assert (error.code, error.status, error.fields["Reason"]) == (
            "TooManyRequestsException",
            429,
            "ReservedFunctionConcurrentInvocationLimitExceeded",
        )
        assert (await running)["Payload"] == 1
        assert (await desk.invoke(0))["Payload"] == 1
        await desk.ask("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
        assert (await desk.refused("Invoke", FunctionName="f")).code == "TooManyRequestsException"
        await desk.ask("DeleteFunctionConcurrency", FunctionName="f")
        assert await desk.ask("GetFunctionConcurrency", FunctionName="f") == {}
        assert (await desk.invoke(0))["Payload"] == 1

    at_desk(scene)


# A hundred executions stay unreserved, and the account's settings tell what is left.
def test_account_bounds(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(SLEEPING)
        await desk.create(SLEEPING, name="g")
        error = await desk.refused("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=901)
        assert "below its minimum value of [100]" in str(error.message)
        await desk.ask("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=900)
        error = await desk.refused("PutFunctionConcurrency", FunctionName="g", ReservedConcurrentExecutions=1)
        assert error.code == "InvalidParameterValueException"
        limit = (await desk.ask("GetAccountSettings"))["AccountLimit"]
        assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (1000, 100)

    at_desk(scene)


async def _until(desk: Desk, status: str, qualifier: str) -> dict[str, Any]:
    for _ in range(1000):
        config = await desk.ask("GetProvisionedConcurrencyConfig", FunctionName="f", Qualifier=qualifier)
        if config["Status"] == status:
            return config
        await asyncio.sleep(0.01)
    raise AssertionError(config)


# What is provisioned is running before the first call, which finds it initialised; it follows the alias.
def test_provisioned_sandboxes_wait(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(STARTED, Publish=True)
        await desk.ask("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        put = await desk.ask(
            "PutProvisionedConcurrencyConfig", FunctionName="f", Qualifier="live", ProvisionedConcurrentExecutions=2
        )
        assert (put["Status"], put["RequestedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 2)
        ready = await _until(desk, "READY", "live")
        assert (
            ready["AllocatedProvisionedConcurrentExecutions"],
            ready["AvailableProvisionedConcurrentExecutions"],
        ) == (
            2,
            2,
        )
        started = desk.roles.issued
        answers = await asyncio.gather(desk.invoke(Qualifier="live"), desk.invoke(Qualifier="live"))
        assert len({answer["Payload"][0] for answer in answers}) == 2
        assert {answer["Payload"][1] for answer in answers} == {"provisioned-concurrency"}
        assert desk.roles.issued == started
        assert (await desk.invoke(Qualifier="$LATEST"))["Payload"][1] == "on-demand"
        listed = await desk.ask("ListProvisionedConcurrencyConfigs", FunctionName="f")
        assert [one["FunctionArn"] for one in listed["ProvisionedConcurrencyConfigs"]] == [ARN + ":live"]
        await desk.ask("UpdateFunctionConfiguration", FunctionName="f", Description="2")
        await desk.ask("PublishVersion", FunctionName="f")
        assert (await _until(desk, "READY", "live"))["AllocatedProvisionedConcurrentExecutions"] == 2
        await desk.ask("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
        await _until(desk, "READY", "live")
        assert (await desk.invoke(Qualifier="live"))["Payload"][1] == "provisioned-concurrency"
        await desk.ask("DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier="live")
        missing = await desk.refused("GetProvisionedConcurrencyConfig", FunctionName="f", Qualifier="live")
        assert (missing.code, missing.status) == ("ProvisionedConcurrencyConfigNotFoundException", 404)

    at_desk(scene)


# An initialisation that fails, and a machine without room, are told as FAILED.
@pytest.mark.parametrize(("source", "reason"), [("raise ValueError\n", "INIT_FAILURE"), (STARTED, "no room")])
def test_failures_are_told(at_desk: Run, source: str, reason: str) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(source, Publish=True)
        await desk.ask(
            "PutProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=2
        )
        config = await _until(desk, "FAILED", "1")
        assert reason in config["StatusReason"]

    at_desk(scene, concurrency_max=0 if reason == "no room" else 50)


INVALID = "InvalidParameterValueException"
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "$LATEST": ({"Qualifier": "$LATEST"}, INVALID, "cannot be applied to unpublished function versions"),
    "a second name": (
        {"Qualifier": "live"},
        "ResourceConflictException",
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
    ),
    "no alias": ({"Qualifier": "dead"}, "ResourceNotFoundException", f"Cannot find alias arn: {ARN}:dead"),
    "no version": ({"Qualifier": "7"}, "ResourceNotFoundException", f"Function not found: {ARN}:7"),
    "more than there is": (
        {"Qualifier": "1", "ProvisionedConcurrentExecutions": 1001},
        INVALID,
        "greater than account's unreserved concurrency [1000]",
    ),
    "more than others may lose": (
        {"Qualifier": "1", "ProvisionedConcurrentExecutions": 901},
        INVALID,
        "decreases account's UnreservedConcurrentExecution below its minimum value of [100]",
    ),
}


# What cannot be provisioned is refused in Lambda's words.
@pytest.mark.parametrize("case", REFUSED)
def test_refusals(at_desk: Run, case: str) -> None:
    changes, code, words = REFUSED[case]

    async def scene(desk: Desk) -> None:
        await desk.create(STARTED, Publish=True)
        await desk.ask("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        wish = {"FunctionName": "f", "Qualifier": "1", "ProvisionedConcurrentExecutions": 1}
        await desk.ask("PutProvisionedConcurrencyConfig", **wish)
        error = await desk.refused("PutProvisionedConcurrencyConfig", **wish | changes)
        assert (error.code, words in str(error.message)) == (code, True), error.message

    at_desk(scene)


# A server that starts brings about what an earlier one was asked for.
def test_provisioned_after_restart(tmp_path: Path) -> None:
    store = open_store(None)

    async def scene() -> None:
        for turn in (1, 2):
            logs, roles = RememberedLogs(), RememberedRoles()
            service = Functions(store=store, logs=logs, iam=roles, listen=listen, data=tmp_path, endpoint_url=ENDPOINT)
            await service.start()
            desk = Desk(service, store, logs, roles, tmp_path)
            if turn == 1:
                await desk.create(STARTED, Publish=True)
                await desk.ask(
                    "PutProvisionedConcurrencyConfig",
                    FunctionName="f",
                    Qualifier="1",
                    ProvisionedConcurrentExecutions=1,
                )
            await _until(desk, "READY", "1")
            await service.stop()

    asyncio.run(scene())
    store.close()
