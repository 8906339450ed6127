"""Functions of another account: invoked by whom their policies and his own policies let in, and by nobody else."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

OURS, THEIRS = "111122223333", "444455556666"
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.fixture(scope="module")
def client(tabletop_endpoint: str) -> Callable[..., Any]:
    def make(service: str, key_id: str, secret: str = "x") -> Any:
        return boto3.client(
            service,
            endpoint_url=tabletop_endpoint,
            region_name="us-east-1",
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 0}, read_timeout=60),
        )

    return make


@pytest.fixture(scope="module")
def function(client: Callable[..., Any]) -> Iterator[str]:
    """The ARN of a function of the other account, which tells its own ARN."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    iam, functions = client("iam", THEIRS), client("lambda", THEIRS)
    document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", "def handler(event, context):\n    return context.invoked_function_arn\n")
    made = functions.create_function(
        FunctionName=name, Runtime="python3.12", Handler="main.handler", Role=role, Code={"ZipFile": buffer.getvalue()}
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    yield made["FunctionArn"]
    functions.delete_function(FunctionName=name)
    iam.delete_role(RoleName=name)


@pytest.fixture
def refusal() -> Callable[..., tuple[str, str]]:
    def refused(operation: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            operation(**parameters)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return refused


# AddPermission opens a function to another account; its users need a right of their own besides, its root does not.
def test_a_permission_opens_it(client: Callable[..., Any], function: str, refusal: Callable[..., Any]) -> None:
    iam, owner, root = client("iam", OURS), client("lambda", THEIRS), client("lambda", OURS)
    name = f"t-{uuid.uuid4().hex[:12]}"
    iam.create_user(UserName=name)
    issued = iam.create_access_key(UserName=name)["AccessKey"]
    caller = client("lambda", issued["AccessKeyId"], issued["SecretAccessKey"])
    denied = "because no {} policy allows the lambda:InvokeFunction action"

    assert denied.format("resource-based") in refusal(root.invoke, FunctionName=function)[1]
    owner.add_permission(FunctionName=function, StatementId="open", Action="lambda:InvokeFunction", Principal=OURS)
    assert json.load(root.invoke(FunctionName=function)["Payload"]) == function
    assert denied.format("identity-based") in refusal(caller.invoke, FunctionName=function)[1]
    statement = {"Effect": "Allow", "Action": "lambda:*", "Resource": function}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    assert json.load(caller.invoke(FunctionName=function)["Payload"]) == function
    partial = function.split(":", 4)[4]
    assert json.load(caller.invoke(FunctionName=partial)["Payload"]) == function
    # Nothing else of the function is open: neither its settings nor its end.
    for operation in (root.get_function, root.delete_function, caller.get_function, caller.delete_function):
        assert refusal(operation, FunctionName=function)[0] == "AccessDeniedException"
    owner.remove_permission(FunctionName=function, StatementId="open")
    for each in (root, caller):
        assert denied.format("resource-based") in refusal(each.invoke, FunctionName=function)[1]
