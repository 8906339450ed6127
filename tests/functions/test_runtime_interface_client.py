"""AWS's own runtime interface client for Python, unchanged, against our Runtime API: the judge of what we say to runtimes."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path

import pytest
from functions_desk import Desk, Run

CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")

HANDLER = """\
    def handler(event, context):
        if event.get("fail"):
            raise ValueError("no " + event["fail"])
        print("said by", context.function_name)
        return {
            "event": event,
            "id": context.aws_request_id,
            "arn": context.invoked_function_arn,
            "memory": context.memory_limit_in_mb,
            "in_time": 0 < context.get_remaining_time_in_millis() <= 3000,
        }
"""
BOOTSTRAP = f"""\
    #!{os.path.realpath(sys.executable)}
    import os, runpy, sys
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    sys.argv = ["awslambdaric", os.environ["_HANDLER"]]
    runpy.run_module("awslambdaric", run_name="__main__")
"""


def client_files() -> dict[str, str | bytes]:
    """The installed client, as a function's package would bring it along."""
    files: dict[str, str | bytes] = {}
    for name in CLIENT:
        try:
            installed = metadata.files(name)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed: there is none for this platform")
        for path in installed or ():
            located = Path(str(path.locate()))
            if located.suffix != ".pyc" and ".." not in path.parts:
                files[str(path)] = located.read_bytes()
    return files


# It fetches events, answers them with a full context, and reports errors with type, message and stack trace.
def test_it_runs_a_handler(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        files = client_files() | {"bootstrap": BOOTSTRAP, "main.py": HANDLER}
        await desk.create(files, Runtime="provided.al2023", Timeout=3, MemorySize=256)
        for number in range(2):
            answer = await desk.invoke({"number": number})
            assert "FunctionError" not in answer
            payload = answer["Payload"]
            assert payload["event"] == {"number": number}
            assert payload["arn"].endswith(":function:f")
            assert payload["memory"] == "256"
            assert payload["in_time"]
        failed = await desk.invoke({"fail": "luck"})
        assert failed["FunctionError"] == "Unhandled"
        assert failed["Payload"]["errorType"] == "ValueError"
        assert failed["Payload"]["errorMessage"] == "no luck"
        assert failed["Payload"]["stackTrace"]
        await desk.service.settle()
        assert sum("said by f" in message for message in desk.logs.messages) == 2

    at_desk(scene)
