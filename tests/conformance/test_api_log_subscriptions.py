"""A log group's subscriber: a function gets what its filter matches, in AWS's form, once it permits it."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import Any

SOURCE = """
import base64, gzip, json

def handler(event, context):
    content = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    for one in content["logEvents"]:
        print("GOT", content["logGroup"], content["logStream"], content["subscriptionFilters"][0], one["message"])
"""
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
WRITES = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# Put before the function permits it, the filter is refused; afterwards matching events arrive, and only those.
def test_a_function_subscribes(iam: Any, logs: Any, functions: Any, account: str, name: str, refusal: Any) -> None:
    group = f"/tabletop/{name}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=document(WRITES))
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("main.py", SOURCE)
    arn = functions.create_function(
        FunctionName=name, Role=role, Runtime="python3.13", Handler="main.handler", Code={"ZipFile": package.getvalue()}
    )["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    wanted = {"logGroupName": group, "filterName": "errors", "filterPattern": "ERROR", "destinationArn": arn}
    assert refusal(logs.put_subscription_filter, **wanted) == (
        "InvalidParameterException",
        "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your "
        "function.",
    )
    source = f"arn:aws:logs:{logs.meta.region_name}:{account}:log-group:{group}:*"
    functions.add_permission(
        FunctionName=name, StatementId="logs", Action="lambda:InvokeFunction", Principal="logs.amazonaws.com",
        SourceArn=source, SourceAccount=account,
    )  # fmt: skip
    logs.put_subscription_filter(**wanted)
    (shown,) = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert (shown["filterPattern"], shown["destinationArn"]) == ("ERROR", arn)
    now = int(time.time() * 1000)
    events = [{"timestamp": now + at, "message": text} for at, text in enumerate(("ERROR a", "fine", "ERROR b"))]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    got: list[str] = []
    for _ in range(100):
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern="GOT")["events"]
        except logs.exceptions.ResourceNotFoundException:
            found = []
        got = [event["message"].strip() for event in found]
        if len(got) == 2:
            break
        time.sleep(0.1)
    assert got == [f"GOT {group} s errors ERROR a", f"GOT {group} s errors ERROR b"]
    logs.delete_subscription_filter(logGroupName=group, filterName="errors")
    assert logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"] == []
    functions.delete_function(FunctionName=name)
    logs.delete_log_group(logGroupName=group)
    iam.delete_role_policy(RoleName=name, PolicyName="logs")
    iam.delete_role(RoleName=name)
