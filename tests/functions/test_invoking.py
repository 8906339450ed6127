"""Invoke with real processes: answers, errors, bounds, and what stands in the log of each."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import sys
from pathlib import Path

import pytest
from functions_desk import ENDPOINT, Desk, Run, running_with

from tabletop.functions import limits


# The whole way: a handler gets its event, and its answer comes back with AWS's members; the log has AWS's lines.
def test_handler_answers_and_logs(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create("def handler(event, context):\n    print('hello')\n    return {'got': event}\n")
        answer = await desk.invoke({"a": 1}, LogType="Tail")
        tail = base64.b64decode(answer.pop("LogResult")).decode()
        assert answer == {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": {"got": {"a": 1}}}
        await desk.service.settle()
        start, hello, end, report = desk.logs.messages
        assert re.fullmatch(r"START RequestId: [0-9a-f-]{36} Version: \$LATEST\n", start)
        assert hello == "hello\n"
        assert re.fullmatch(r"END RequestId: [0-9a-f-]{36}\n", end)
        assert re.fullmatch(
            r"REPORT RequestId: [0-9a-f-]{36}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
            r"Max Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n",
            report,
        )
        assert tail == desk.logs.text
        (group, stream, *_) = desk.logs.events[0]
        assert group == "/aws/lambda/f"
        assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)

    at_desk(scene)


# A sandbox stays warm (module state is kept), and a changed function never runs in one of its former sandboxes.
def test_sandboxes_are_reused_until_the_function_changes(at_desk: Run) -> None:
    source = "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count\n"

    async def scene(desk: Desk) -> None:
        await desk.create(source)
        assert [(await desk.invoke())["Payload"] for _ in range(3)] == [1, 2, 3]
        await desk.ask("UpdateFunctionConfiguration", FunctionName="f", Description="other")
        assert (await desk.invoke())["Payload"] == 1

    at_desk(scene)


# What a function sees: AWS's variables and its own, the role's credentials, the endpoint; nothing of the server's.
def test_environment_is_the_functions_own(at_desk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLETOP_SECRET_OF_THE_SERVER", "x")

    async def scene(desk: Desk) -> None:
        await desk.create(
            "import os\ndef handler(event, context):\n"
            "    return [dict(os.environ), os.getcwd(), context.function_name,\n"
            "        context.memory_limit_in_mb, context.log_stream_name, context.get_remaining_time_in_millis()]\n",
            Environment={"Variables": {"TABLE": "Users"}},
        )
        seen, folder, name, memory, stream, remaining = (await desk.invoke())["Payload"]
        assert "TABLETOP_SECRET_OF_THE_SERVER" not in seen
        assert seen["TABLE"] == "Users"
        assert seen["AWS_ENDPOINT_URL"] == ENDPOINT
        assert seen["AWS_SESSION_TOKEN"] == "token-f"
        assert seen["AWS_REGION"] == seen["AWS_DEFAULT_REGION"] == "us-east-1"
        assert seen["_HANDLER"] == "main.handler"
        assert seen["AWS_LAMBDA_LOG_STREAM_NAME"] == stream
        assert seen["_X_AMZN_TRACE_ID"].startswith("Root=1-")
        assert seen["LAMBDA_TASK_ROOT"] == folder
        assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.11"
        assert seen["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
        assert (seen["LANG"], seen["TZ"]) == ("en_US.UTF-8", ":UTC")
        assert (name, memory) == ("f", "128")
        assert 0 < remaining <= 3000

    at_desk(scene)


FAILURES = {
    # What a handler raises comes back with its type, message and trace.
    "raises": (
        "def handler(event, context):\n    raise ValueError('no')\n",
        "ValueError",
        "no",
    ),
    # The reasons why a handler cannot be loaded have names of their own.
    "no module": (
        "import nowhere\n",
        "Runtime.ImportModuleError",
        "Unable to import module 'main': No module named 'nowhere'",
    ),
    "no handler": ("x = 1\n", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'main'"),
    "syntax": (
        "def x(:\n",
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'main': invalid syntax (main.py, line 1)",
    ),
    "init raises": ("1 / 0\n", "ZeroDivisionError", "division by zero"),
    # An answer that JSON cannot say is the handler's error.
    "set": (
        "def handler(event, context):\n    return {1}\n",
        "Runtime.MarshalError",
        "Unable to marshal response: Object of type set is not JSON serializable",
    ),
    # A runtime that ends is told by its exit status or signal.
    "exit": (
        "import os\ndef handler(event, context):\n    os._exit(1)\n",
        "Runtime.ExitError",
        "RequestId: ID Error: Runtime exited with error: exit status 1",
    ),
    "exit 0": (
        "import sys\ndef handler(event, context):\n    sys.exit(0)\n",
        "Runtime.ExitError",
        "RequestId: ID Error: Runtime exited without providing a reason",
    ),
    # Memory beyond the limit ends the process, as the kernel would.
    "memory": (
        "def handler(event, context):\n    x = [bytearray(1000000) for _ in range(100000)]\n    return 1\n",
        "Runtime.ExitError",
        "RequestId: ID Error: Runtime exited with error: signal: killed",
    ),
}


# Each way to fail is answered with status 200, FunctionError and AWS's payload; and the next invocation works again.
@pytest.mark.parametrize("case", FAILURES)
def test_failures(at_desk: Run, case: str) -> None:
    source, error_type, message = FAILURES[case]

    async def scene(desk: Desk) -> None:
        await desk.create(source)
        for _ in range(2):
            answer = await desk.invoke()
            assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
            payload = answer["Payload"]
            assert payload["errorType"] == error_type
            assert re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", payload["errorMessage"]) == message

    at_desk(scene)


# The trace shows the user's frames only, and the log has the whole error as one event.
def test_error_trace(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create("def handler(event, context):\n    raise ValueError('no')\n")
        payload = (await desk.invoke())["Payload"]
        (frame,) = payload["stackTrace"]
        assert frame.endswith("main.py\", line 2, in handler\n    raise ValueError('no')\n")
        await desk.service.settle()
        assert any(
            m.startswith("[ERROR] ValueError: no\nTraceback (most recent call last):\n") for m in desk.logs.messages
        )

    at_desk(scene)


# At its time limit a function is ended with every process it started, and the caller is told in AWS's words.
def test_time_limit_ends_the_whole_tree(at_desk: Run) -> None:
    mark = f"{os.getpid()}.0417"

    async def scene(desk: Desk) -> None:
        await desk.create(
            "import subprocess, sys, time\ndef handler(event, context):\n"
            "    subprocess.Popen(['sleep', event], start_new_session=True)\n    print('began')\n    time.sleep(60)\n",
            Timeout=1,
        )
        running = asyncio.ensure_future(desk.invoke(mark))
        for _ in range(200):
            await asyncio.sleep(0.01)
            if running_with(mark):
                break
        assert running_with(mark)
        payload = (await running)["Payload"]
        assert payload["errorType"] == "Sandbox.Timedout"
        assert re.fullmatch(
            r"RequestId: [0-9a-f-]{36} Error: Task timed out after 1\.00 seconds", payload["errorMessage"]
        )
        await desk.service.settle()
        assert "Task timed out after 1.00 seconds" in desk.logs.text
        assert "Status: timeout" in desk.logs.text
        for _ in range(100):
            if not running_with(mark):
                break
            await asyncio.sleep(0.01)
        assert running_with(mark) == []

    at_desk(scene)


# A handler that forks without end is ended, with everything that it forked, before the machine has no process left.
def test_endless_forks_are_ended(at_desk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PROCESSES_MAX", 24)
    mark = f"{os.getpid()}.0418"

    async def scene(desk: Desk) -> None:
        await desk.create(
            "import os, time\ndef handler(event, context):\n    for _ in range(500):\n"
            "        if os.fork() == 0: os.execvp('sleep', ['sleep', event])\n        time.sleep(0.005)\n    return 1\n",
            Timeout=20,
        )
        payload = (await desk.invoke(mark))["Payload"]
        assert payload["errorType"] == "Runtime.ExitError"
        assert "signal: killed" in payload["errorMessage"]
        await desk.service.settle()
        for _ in range(100):
            if not running_with(mark):
                break
            await asyncio.sleep(0.01)
        assert running_with(mark) == []

    at_desk(scene)


# A handler that floods its log is slowed and then cut off with one line; memory and answer are unharmed.
def test_log_flood_is_bounded(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(
            "def handler(event, context):\n    for _ in range(200): print('x' * 100_000)\n    return 1\n", Timeout=20
        )
        assert (await desk.invoke())["Payload"] == 1
        await desk.service.settle()
        assert len(desk.logs.text) < 17 * 1024 * 1024
        assert "TABLETOP log output of this invocation beyond 16 MiB is dropped\n" in desk.logs.messages
        assert desk.logs.messages[-1].startswith("REPORT")

    at_desk(scene)


# A PYTHONPATH of the function's own adds to what it can import, and does not take boto3 away; its own code comes first.
def test_import_path(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(
            {
                "main.py": """\
                    import extra, six
                    from importlib.util import find_spec
                    def handler(event, context):
                        return [extra.x, six.x, find_spec("boto3") is not None]
                """,
                "lib/extra.py": "x = 1\n",
                "six.py": "x = 2\n",
            },
            Environment={"Variables": {"PYTHONPATH": "lib"}},
        )
        assert (await desk.invoke())["Payload"] == [1, 2, True]

    at_desk(scene)


# Records of the logging module carry level, time and request id, and stay one event however many lines they have.
def test_logging_format(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(
            "import logging\ndef handler(event, context):\n    logging.getLogger().setLevel('INFO')\n"
            "    logging.info('one\\ntwo')\n"
        )
        await desk.invoke()
        await desk.service.settle()
        (line,) = [message for message in desk.logs.messages if message.startswith("[INFO]")]
        assert re.fullmatch(r"\[INFO\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t[0-9a-f-]{36}\tone\ntwo\n", line)

    at_desk(scene)


# With log format JSON the platform's lines and the function's records are JSON objects.
def test_json_log_format(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(
            "import logging\ndef handler(event, context):\n    logging.info('hey')\n",
            LoggingConfig={"LogFormat": "JSON", "LogGroup": "mine"},
        )
        await desk.invoke()
        await desk.service.settle()
        start, record, report = desk.logs.messages
        assert '"type":"platform.start"' in start
        assert '"message": "hey"' in record
        assert '"status":"success"' in report
        assert desk.logs.events[0][0] == "mine"

    at_desk(scene)


# More concurrent invocations than there is room for are refused; idle sandboxes of other functions make room.
def test_concurrency_is_bounded(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create("import time\ndef handler(event, context):\n    time.sleep(event)\n    return 1\n")
        await desk.create("def handler(event, context):\n    return 2\n", name="g")
        running = asyncio.ensure_future(desk.invoke(0.3))
        await asyncio.sleep(0)
        while not desk.service._workings.pool.count:
            await asyncio.sleep(0.005)
        error = await desk.refused("Invoke", FunctionName="g")
        assert (error.code, error.status) == ("TooManyRequestsException", 429)
        assert error.fields["Reason"] == "ConcurrentInvocationLimitExceeded"
        assert (await running)["Payload"] == 1
        assert (await desk.invoke(name="g"))["Payload"] == 2

    at_desk(scene, concurrency_max=1)


# A sandbox whose credentials would end during an invocation is replaced: the function never sees them expire.
def test_sandbox_does_not_outlive_its_credentials(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        desk.roles.life_s = 4
        await desk.create("import os\ndef handler(event, context):\n    return os.environ['AWS_ACCESS_KEY_ID']\n")
        first, second = [(await desk.invoke())["Payload"] for _ in range(2)]
        assert first != second

    at_desk(scene)


# Python runtimes that the machine lacks are run by another version, and both logs say so.
def test_replaced_runtime_is_named(
    at_desk: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tabletop.functions.interpreters._pythons", lambda version: [])

    async def scene(desk: Desk) -> None:
        await desk.create("import boto3\ndef handler(event, context):\n    return 1\n", Runtime="python3.9")
        assert (await desk.invoke())["Payload"] == 1
        await desk.service.settle()
        running = ".".join(map(str, sys.version_info[:3]))
        expected = f"TABLETOP runtime python3.9 is not on this machine: running with Python {running}\n"
        assert desk.logs.messages[0] == expected

    at_desk(scene)
    assert "runtime=python3.9" in capsys.readouterr().err


# A provided runtime is any program that speaks the Runtime API: here twenty lines of shell and Python.
def test_provided_runtime(at_desk: Run) -> None:
    program = f"""\
        #!{os.path.realpath(sys.executable)}
        import os, urllib.request
        base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
        while True:
            with urllib.request.urlopen(base + "next") as event:
                body, request_id = event.read(), event.headers["Lambda-Runtime-Aws-Request-Id"]
            urllib.request.urlopen(base + request_id + "/response", data=body).read()
    """

    async def scene(desk: Desk) -> None:
        await desk.create({"bootstrap": program}, Runtime="provided.al2023", Handler="any")
        assert (await desk.invoke({"a": "ö"}))["Payload"] == {"a": "ö"}
        await desk.create({"x": "y"}, name="g", Runtime="provided.al2023", Handler="any")
        payload = (await desk.invoke(name="g"))["Payload"]
        assert payload["errorType"] == "Runtime.InvalidEntrypoint"

    at_desk(scene)


# Node.js handlers: async, by callback, as ESM and CommonJS, and their errors. Only where node is installed.
@pytest.mark.skipif(
    not any(os.access(Path(folder) / "node", os.X_OK) for folder in os.get_exec_path()), reason="node is not installed"
)
def test_node_handlers(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        script = "exports.handler = (event, context, callback) => callback(null, [event, context.functionName])"
        await desk.create({"main.js": script}, Runtime="nodejs20.x")
        assert (await desk.invoke(1))["Payload"] == [1, "f"]
        module = "export const handler = async () => { throw new TypeError('bad') }"
        await desk.create({"main.mjs": module}, name="g", Runtime="nodejs20.x")
        payload = (await desk.invoke(name="g"))["Payload"]
        assert (payload["errorType"], payload["errorMessage"]) == ("TypeError", "bad")

    at_desk(scene)


# Stopping ends every process of ours, busy ones too, and leaves no folder behind.
def test_stop_leaves_nothing_running(at_desk: Run) -> None:
    mark = f"{os.getpid()}.0418"
    seen: list[Path] = []

    async def scene(desk: Desk) -> None:
        await desk.create(
            "import subprocess, time\ndef handler(event, context):\n"
            "    subprocess.Popen(['sleep', event[0]], start_new_session=True)\n    time.sleep(event[1])\n"
        )
        await desk.invoke([mark, 0])
        running = asyncio.ensure_future(desk.invoke([mark, 60]))
        await asyncio.sleep(0.05)
        assert not running.done()
        assert running_with(mark)
        seen.append(desk.data)

    at_desk(scene)
    assert running_with(mark) == []
    assert list((seen[0] / "functions" / "sandboxes").iterdir()) == []


# Payloads are checked before anything runs: JSON, and AWS's limits for both kinds of invocation.
def test_payloads_are_checked(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create("def handler(event, context):\n    return event\n")
        error = await desk.refused("Invoke", FunctionName="f", Payload=b"{nope")
        assert error.code == "InvalidRequestContentException"
        assert str(error.message).startswith("Could not parse request body into json:")
        error = await desk.refused("Invoke", FunctionName="f", Payload=b'"' + b"x" * (6 * 1024 * 1024) + b'"')
        assert error.code == "RequestTooLargeException"
        too_large = b'"' + b"x" * (1024 * 1024 - 1) + b'"'
        error = await desk.refused("Invoke", FunctionName="f", InvocationType="Event", Payload=too_large)
        assert error.message == (
            "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
        )
        assert (await desk.ask("Invoke", FunctionName="f"))["Payload"] == b"{}"
        assert await desk.ask("Invoke", FunctionName="f", InvocationType="DryRun") == {"StatusCode": 204}

    at_desk(scene)


# A response beyond 6 MB is the function's error, by AWS's name.
def test_response_size_is_bounded(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create("def handler(event, context):\n    return 'x' * (6 * 1024 * 1024 + 200)\n")
        payload = (await desk.invoke())["Payload"]
        assert payload["errorType"] == "Function.ResponseSizeTooLarge"

    at_desk(scene)
