"""Roles, functions and logs together: what a function does runs under its role's policies, and is logged."""

from __future__ import annotations

import base64
import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

VERSION = "2012-10-17"
TRUST = {
    "Version": VERSION,
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
SOURCE = """
import boto3, json, os, time

dynamodb = boto3.client("dynamodb")

def handler(event, context):
    print("event", json.dumps(event, sort_keys=True))
    do = event.get("do", "echo")
    if do == "raise":
        raise ValueError("no " + event["what"])
    if do == "sleep":
        time.sleep(30)
    if do == "exit":
        os._exit(3)
    if do == "call":
        try:
            return {"answer": str(getattr(dynamodb, event["action"])(**event["parameters"]).get("Item"))}
        except dynamodb.exceptions.ClientError as error:
            return {"refused": str(error)}
    if do == "environment":
        return {name: os.environ.get(name) for name in event["names"]}
    return {"echo": event, "name": context.function_name, "arn": context.invoked_function_arn}
"""


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": VERSION, "Statement": list(statements)})


def package(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def role(iam: Any) -> Iterator[str]:
    """The name of a role that functions may assume; without any permission yet."""
    name = f"tabletop-{time.time_ns()}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    yield name
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


@pytest.fixture(scope="module")
def make_function(functions: Any, iam: Any, role: str) -> Iterator[Callable[..., str]]:
    made: list[str] = []

    def make(source: str = SOURCE, **settings: Any) -> str:
        name = f"tabletop-{time.time_ns()}"
        arn = iam.get_role(RoleName=role)["Role"]["Arn"]
        configuration = {"Runtime": "python3.12", "Handler": "main.handler", "Role": arn, "Timeout": 20} | settings
        functions.create_function(FunctionName=name, Code={"ZipFile": package(main=source)}, **configuration)
        made.append(name)
        functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    yield make
    for name in made:
        functions.delete_function(FunctionName=name)


@pytest.fixture(scope="module")
def function(make_function: Callable[..., str]) -> str:
    return make_function(Environment={"Variables": {"OWN": "value"}})


def invoke(functions: Any, name: str, event: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    """(payload, the whole answer)"""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **options)
    payload = answer["Payload"].read()
    return json.loads(payload) if payload else None, answer


# An event goes in, the answer and the log's tail come out.
def test_invoke(functions: Any, function: str, account: str) -> None:
    payload, answer = invoke(functions, function, {"a": [1, "é"]}, LogType="Tail")
    arn = f"arn:aws:lambda:{functions.meta.region_name}:{account}:function:{function}"
    assert payload == {"echo": {"a": [1, "é"]}, "name": function, "arn": arn}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert re.search(r"^START RequestId: [0-9a-f-]{36} Version: \$LATEST\n", tail, re.M)
    assert 'event {"a": [1, "\\u00e9"]}\n' in tail
    assert re.search(r"^REPORT RequestId: [0-9a-f-]{36}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t", tail, re.M)


# The same as a stream of events, as boto3 reads it: chunks of the response, then how it ended.
def test_invoke_with_response_stream(functions: Any, function: str) -> None:
    answer = functions.invoke_with_response_stream(FunctionName=function, Payload=b'{"a": 1}', LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    *chunks, complete = answer["EventStream"]
    body = b"".join(event["PayloadChunk"]["Payload"] for event in chunks)
    assert json.loads(body)["echo"] == {"a": 1}
    assert "START RequestId" in base64.b64decode(complete["InvokeComplete"]["LogResult"]).decode()
    (failed,) = functions.invoke_with_response_stream(FunctionName=function, Payload=b'{"do": "exit"}')["EventStream"]
    assert failed["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert "exit status 3" in failed["InvokeComplete"]["ErrorDetails"]


# What a function raises is its answer, marked as an error.
def test_function_errors(functions: Any, function: str) -> None:
    payload, answer = invoke(functions, function, {"do": "raise", "what": "way"})
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (payload["errorMessage"], payload["errorType"]) == ("no way", "ValueError")
    assert any('raise ValueError("no " + event["what"])' in line for line in payload["stackTrace"])
    payload, answer = invoke(functions, function, {"do": "exit"})
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError"
    assert re.fullmatch(
        r"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 3", payload["errorMessage"]
    )
    # The next event finds a new process.
    assert invoke(functions, function, {})[0]["name"] == function


# A function is stopped at its time limit, and the caller is told.
def test_timeout(functions: Any, make_function: Callable[..., str]) -> None:
    name = make_function(Timeout=1)
    payload, answer = invoke(functions, name, {"do": "sleep"}, LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Sandbox.Timedout"
    assert payload["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert "Status: timeout" in base64.b64decode(answer["LogResult"]).decode()


# A module that cannot be loaded, or lacks its handler, is told as AWS does.
@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("import nonsense", "Runtime.ImportModuleError", "Unable to import module 'main': No module named 'nonsense'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'main'"),
        ("def f(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'main'"),
    ],
)
def test_broken_code(functions: Any, make_function: Callable[..., str], source: str, kind: str, message: str) -> None:
    payload, answer = invoke(functions, make_function(source), {})
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == kind
    assert payload["errorMessage"].startswith(message)


# DryRun runs nothing; Event answers at once and runs later, as the log shows.
def test_dry_run_and_event(functions: Any, logs: Any, function: str) -> None:
    assert invoke(functions, function, {}, InvocationType="DryRun")[1]["StatusCode"] == 204
    marker = f"{time.time_ns()}"
    payload, answer = invoke(functions, function, {"marker": marker}, InvocationType="Event")
    assert (answer["StatusCode"], payload) == (202, None)
    for _ in range(200):
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}", filterPattern=f'"{marker}"')["events"]
        if found:
            break
        time.sleep(0.05)
    assert found[0]["message"] == f'event {{"marker": "{marker}"}}\n'


# What a function finds around it: AWS's variables and its own; the endpoint without naming it.
def test_environment(functions: Any, function: str) -> None:
    names = ["OWN", "AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "_HANDLER", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
    payload, _ = invoke(functions, function, {"do": "environment", "names": names})
    assert payload == dict(
        zip(names, ("value", function, functions.meta.region_name, "main.handler", "128"), strict=True)
    )


# Functions that are not there, are there already, or cannot be made.
def test_refused_functions(functions: Any, iam: Any, role: str, function: str, refusal: Any, account: str) -> None:
    missing = f"arn:aws:lambda:{functions.meta.region_name}:{account}:function:nobody"
    for operation in (functions.get_function, functions.invoke, functions.delete_function):
        found = refusal(operation, FunctionName="nobody")
        assert found == ("ResourceNotFoundException", f"Function not found: {missing}")
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    settings = {"Runtime": "python3.12", "Handler": "main.handler", "Role": arn, "Code": {"ZipFile": package(main="")}}
    assert refusal(functions.create_function, FunctionName=function, **settings) == (
        "ResourceConflictException",
        f"Function already exist: {function}",
    )
    assert refusal(functions.create_function, FunctionName="new", **settings | {"Role": arn + "x"}) == (
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    )
    assert refusal(functions.create_function, FunctionName="new", **settings | {"Code": {"ZipFile": b"no zip"}}) == (
        "InvalidParameterValueException",
        "Could not unzip uploaded file. Please check your file, then try to upload again.",
    )
    code, message = refusal(functions.invoke, FunctionName=function, Payload=b"{")
    assert code == "InvalidRequestContentException"
    assert message.startswith("Could not parse request body into json")


# New code is what runs next; a change of settings is seen by the next event too.
def test_changed_function(functions: Any, make_function: Callable[..., str]) -> None:
    name = make_function("def handler(event, context):\n    return 1\n")
    assert invoke(functions, name, {})[0] == 1
    before = functions.get_function(FunctionName=name)["Configuration"]
    changed = functions.update_function_code(
        FunctionName=name,
        ZipFile=package(main="import os\ndef handler(event, context):\n    return os.environ['NEW']\n"),
    )
    assert changed["CodeSha256"] != before["CodeSha256"]
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"NEW": "y"}})
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert invoke(functions, name, {})[0] == "y"
    pages = functions.get_paginator("list_functions").paginate()
    listed = [each["FunctionName"] for page in pages for each in page["Functions"]]
    assert name in listed


# What the role's policy allows is done, what it does not is refused in AWS's words, inside the function.
def test_role_is_enforced(
    functions: Any, iam: Any, role: str, function: str, dynamodb: Any, simple: str, key: str, account: str
) -> None:
    table = dynamodb.describe_table(TableName=simple)["Table"]["TableArn"]
    dynamodb.put_item(TableName=simple, Item={"p": {"S": key}})
    get = {"do": "call", "action": "get_item", "parameters": {"TableName": simple, "Key": {"p": {"S": key}}}}
    scan = {"do": "call", "action": "scan", "parameters": {"TableName": simple}}
    session = f"arn:aws:sts::{account}:assumed-role/{role}/{function}"

    def refused(action: str, reason: str) -> dict[str, str]:
        return {
            "refused": f"An error occurred (AccessDeniedException) when calling the {action} operation: "
            f"User: {session} is not authorized to perform: dynamodb:{action} on resource: {table} {reason}"
        }

    none = "because no identity-based policy allows the dynamodb:{} action"
    assert invoke(functions, function, get)[0] == refused("GetItem", none.format("GetItem"))
    allow = {"Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": table}
    iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=document(allow))
    assert invoke(functions, function, get)[0] == {"answer": str({"p": {"S": key}})}
    assert invoke(functions, function, scan)[0] == refused("Scan", none.format("Scan"))
    deny = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}
    iam.put_role_policy(RoleName=role, PolicyName="no", PolicyDocument=document(deny))
    assert invoke(functions, function, get)[0] == refused(
        "GetItem", "with an explicit deny in an identity-based policy"
    )
    iam.delete_role_policy(RoleName=role, PolicyName="no")
    iam.delete_role_policy(RoleName=role, PolicyName="own")


# The log of a function lies in its group, one stream for each process, in the order of the events.
def test_function_log(functions: Any, logs: Any, function: str) -> None:
    invoke(functions, function, {"last": True})
    group = f"/aws/lambda/{function}"
    (described,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert described["logGroupName"] == group
    streams = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)["logStreams"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", streams[0]["logStreamName"])
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"], startFromHead=True)
    times = [event["timestamp"] for event in events["events"]]
    assert times == sorted(times)
    kinds = [event["message"].split()[0] for event in events["events"]]
    assert kinds[-4:] == ["START", "event", "END", "REPORT"]
