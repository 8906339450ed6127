"""Versions, aliases, layers, concurrency, asynchronous settings and policies of functions, over the wire."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
WRITE_LOGS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
SOURCE = """
try:
    import shared
except ImportError:
    shared = None

def handler(event, context):
    if event.get("raise"):
        raise ValueError("no")
    return {"version": context.function_version, "arn": context.invoked_function_arn, "layer": shared and shared.WORD}
"""


def package(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def role(iam: Any) -> Iterator[str]:
    name = f"tabletop-{time.time_ns()}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=json.dumps(WRITE_LOGS))
    yield arn
    iam.delete_role_policy(RoleName=name, PolicyName="logs")
    iam.delete_role(RoleName=name)


@pytest.fixture
def function(functions: Any, role: str, name: str) -> Iterator[str]:
    """A function with the published versions 1 and 2."""
    functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="main.handler",
        Role=role,
        Timeout=20,
        Publish=True,
        Code={"ZipFile": package(main=SOURCE)},
    )
    functions.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig={"Delay": 1})
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"OWN": "1"}})
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert functions.publish_version(FunctionName=name)["Version"] == "2"
    yield name
    functions.delete_function(FunctionName=name)


def invoke(functions: Any, name: str, **options: Any) -> tuple[Any, dict[str, Any]]:
    answer = functions.invoke(FunctionName=name, **options)
    payload = answer["Payload"].read()
    return json.loads(payload) if payload else None, answer


# An alias is called by its name and ARN, tells the version that ran, moves, and keeps its version from deletion.
def test_aliases(functions: Any, function: str, refusal: Any) -> None:
    made = functions.create_alias(
        FunctionName=function, Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}}
    )
    assert made["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 1.0}}
    payload, answer = invoke(functions, made["AliasArn"])
    assert (payload["version"], payload["arn"], answer["ExecutedVersion"]) == ("2", made["AliasArn"], "2")
    stale = refusal(functions.update_alias, FunctionName=function, Name="live", RevisionId="0" * 36)
    assert stale[0] == "PreconditionFailedException"
    moved = functions.update_alias(
        FunctionName=function, Name="live", RoutingConfig={}, RevisionId=made["RevisionId"], Description="only one"
    )
    assert ("RoutingConfig" not in moved, moved["FunctionVersion"], moved["Description"]) == (True, "1", "only one")
    assert invoke(functions, f"{function}:live")[1]["ExecutedVersion"] == "1"
    assert refusal(functions.delete_function, FunctionName=function, Qualifier="1") == (
        "ResourceConflictException",
        "Unable to delete version because the following aliases reference it: [live]",
    )
    listed = functions.list_aliases(FunctionName=function, FunctionVersion="1")["Aliases"]
    assert [alias["Name"] for alias in listed] == ["live"]
    found = functions.get_function(FunctionName=function, Qualifier="live")["Configuration"]
    assert (found["FunctionArn"], found["Version"]) == (made["AliasArn"], "1")
    functions.delete_alias(FunctionName=function, Name="live")
    assert refusal(functions.get_alias, FunctionName=function, Name="live") == (
        "ResourceNotFoundException",
        f"Cannot find alias arn: {made['AliasArn']}",
    )
    functions.delete_function(FunctionName=function, Qualifier="1")
    listed = functions.list_versions_by_function(FunctionName=function)["Versions"]
    assert [version["Version"] for version in listed] == ["$LATEST", "2"]


# A layer is published, found in every way, used under /opt, and outlives its deletion in the function that has it.
def test_layers(functions: Any, function: str, name: str, refusal: Any) -> None:
    layer = f"{name}-layer"
    content = {"ZipFile": package(python__shared="WORD = 'from a layer'\n")}
    made = functions.publish_layer_version(
        LayerName=layer, Content=content, CompatibleRuntimes=["python3.12"], CompatibleArchitectures=["x86_64"]
    )
    arn = made["LayerVersionArn"]
    assert (made["Version"], made["Content"]["CodeSize"]) == (1, len(content["ZipFile"]))
    by_arn = functions.get_layer_version_by_arn(Arn=arn)
    assert by_arn["LayerVersionArn"] == functions.get_layer_version(LayerName=layer, VersionNumber=1)["LayerVersionArn"]
    mine = [one for one in functions.list_layers(CompatibleRuntime="python3.12")["Layers"] if one["LayerName"] == layer]
    assert [one["LatestMatchingVersion"]["LayerVersionArn"] for one in mine] == [arn]
    assert functions.list_layer_versions(LayerName=layer)["LayerVersions"][0]["CompatibleArchitectures"] == ["x86_64"]
    shared = functions.add_layer_version_permission(
        LayerName=layer, VersionNumber=1, StatementId="all", Action="lambda:GetLayerVersion", Principal="*"
    )
    policy = functions.get_layer_version_policy(LayerName=layer, VersionNumber=1)
    assert json.loads(policy["Policy"])["Statement"] == [json.loads(shared["Statement"])]
    functions.remove_layer_version_permission(LayerName=layer, VersionNumber=1, StatementId="all")
    updated = functions.update_function_configuration(FunctionName=function, Layers=[arn])
    assert [one["Arn"] for one in updated["Layers"]] == [arn]
    functions.get_waiter("function_updated_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})
    functions.delete_layer_version(LayerName=layer, VersionNumber=1)
    assert invoke(functions, function, Payload=b"{}")[0]["layer"] == "from a layer"
    missing = refusal(functions.get_layer_version, LayerName=layer, VersionNumber=1)
    assert missing == ("ResourceNotFoundException", "The resource you requested does not exist.")


# Reserved concurrency of none refuses every call with its reason; provisioned concurrency becomes ready.
def test_concurrency(functions: Any, function: str, refusal: Any) -> None:
    functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    with pytest.raises(functions.exceptions.TooManyRequestsException) as caught:
        functions.invoke(FunctionName=function)
    assert caught.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert functions.get_function(FunctionName=function)["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    functions.delete_function_concurrency(FunctionName=function)
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName=function)
    wish = {"FunctionName": function, "Qualifier": "1"}
    assert refusal(functions.get_provisioned_concurrency_config, **wish)[0] == (
        "ProvisionedConcurrencyConfigNotFoundException"
    )
    functions.put_provisioned_concurrency_config(**wish, ProvisionedConcurrentExecutions=1)
    for _ in range(200):
        config = functions.get_provisioned_concurrency_config(**wish)
        if config["Status"] != "IN_PROGRESS":
            break
        time.sleep(0.05)
    assert (config["Status"], config["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 1)
    listed = functions.list_provisioned_concurrency_configs(FunctionName=function)["ProvisionedConcurrencyConfigs"]
    assert [one["FunctionArn"].rpartition(":")[2] for one in listed] == ["1"]
    functions.delete_provisioned_concurrency_config(**wish)


# How asynchronous invocations are treated is kept, changed and listed; a target of another kind is refused.
def test_event_invoke_configurations(functions: Any, function: str, account: str, refusal: Any) -> None:
    region = functions.meta.region_name
    group = f"arn:aws:logs:{region}:{account}:log-group:/tabletop/records"
    put = functions.put_function_event_invoke_config(
        FunctionName=function, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": group}}
    )
    assert put["FunctionArn"].endswith(f":function:{function}:$LATEST")
    updated = functions.update_function_event_invoke_config(FunctionName=function, MaximumEventAgeInSeconds=60)
    assert (updated["MaximumRetryAttempts"], updated["MaximumEventAgeInSeconds"]) == (0, 60)
    assert updated["DestinationConfig"]["OnFailure"] == {"Destination": group}
    assert functions.get_function_event_invoke_config(FunctionName=function)["MaximumEventAgeInSeconds"] == 60
    listed = functions.list_function_event_invoke_configs(FunctionName=function)["FunctionEventInvokeConfigs"]
    assert len(listed) == 1
    functions.delete_function_event_invoke_config(FunctionName=function)
    code, message = refusal(functions.get_function_event_invoke_config, FunctionName=function)
    assert (code, message.endswith(f":function:{function}:$LATEST doesn't have an EventInvokeConfig")) == (
        "ResourceNotFoundException",
        True,
    )


# The record of a failure arrives in the log group that is its destination.
def test_failure_record(functions: Any, logs: Any, function: str, account: str, name: str) -> None:
    group = f"/tabletop/{name}"
    arn = f"arn:aws:logs:{functions.meta.region_name}:{account}:log-group:{group}"
    functions.put_function_event_invoke_config(
        FunctionName=function, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    sent = functions.invoke(FunctionName=function, InvocationType="Event", Payload=b'{"raise": true}')
    assert sent["StatusCode"] == 202
    found: list[dict[str, Any]] = []
    for _ in range(200):
        try:
            found = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            found = []
        if found:
            break
        time.sleep(0.05)
    record = json.loads(found[0]["message"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestPayload"] == {"raise": True}
    assert record["responsePayload"]["errorType"] == "ValueError"
    logs.delete_log_group(logGroupName=group)


# A permission of an alias is its own; whole policies replace single statements.
def test_policies(functions: Any, function: str, refusal: Any) -> None:
    alias = functions.create_alias(FunctionName=function, Name="live", FunctionVersion="1")["AliasArn"]
    added = functions.add_permission(
        FunctionName=function,
        Qualifier="live",
        StatementId="a-1",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn="arn:aws:events:us-east-1:123456789012:rule/x",
    )
    statement = json.loads(added["Statement"])
    assert statement == {
        "Sid": "a-1",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": alias,
        "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/x"}},
    }
    assert refusal(functions.get_policy, FunctionName=function) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )
    policy = functions.get_policy(FunctionName=function, Qualifier="live")
    assert json.loads(policy["Policy"])["Statement"] == [statement]
    functions.remove_permission(
        FunctionName=function, Qualifier="live", StatementId="a-1", RevisionId=policy["RevisionId"]
    )
    assert refusal(functions.remove_permission, FunctionName=function, Qualifier="live", StatementId="a-1")[0] == (
        "ResourceNotFoundException"
    )


# A user without any policy may call a function whose own policy names him, by a statement with a dash in its name.
def test_a_functions_policy_counts(functions: Any, iam: Any, client_of: Any, function: str) -> None:
    user = f"tabletop-{time.time_ns()}"
    arn = iam.create_user(UserName=user)["User"]["Arn"]
    key = iam.create_access_key(UserName=user)["AccessKey"]
    limited = client_of("lambda", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    try:
        with pytest.raises(limited.exceptions.ClientError, match="not authorized to perform: lambda:InvokeFunction"):
            limited.invoke(FunctionName=function)
        functions.add_permission(
            FunctionName=function, StatementId="user-1", Action="lambda:InvokeFunction", Principal=arn
        )
        assert limited.invoke(FunctionName=function)["StatusCode"] == 200
    finally:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=user)


# What there is not is refused in clear words.
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"PackageType": "Image", "Code": {"ImageUri": "x"}}, "Container images are not available"),
        ({"Code": {"S3Bucket": "bucket", "S3Key": "key"}}, "Code in S3 is not available"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}, "VPC settings are not available"),
        ({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:q"}}, "is not available in Tabletop"),
    ],
)
def test_refusals(functions: Any, role: str, name: str, refusal: Any, settings: dict[str, Any], words: str) -> None:
    usual = {
        "FunctionName": name,
        "Runtime": "python3.12",
        "Handler": "main.handler",
        "Role": role,
        "Code": {"ZipFile": package(main=SOURCE)},
    }
    code, message = refusal(functions.create_function, **usual | settings)
    assert (code, words in message) == ("InvalidParameterValueException", True), message
