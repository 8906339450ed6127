"""Event source mappings: what is written to a table reaches a function, as AWS delivers it."""

from __future__ import annotations

import io
import itertools
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

VERSION = "2012-10-17"
TRUST = {
    "Version": VERSION,
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
STREAM_ACTIONS = ["GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"]
WAIT_S = 20.0

# The function prints each event as one line. An item whose attribute "do" is "raise" makes it fail, "report" makes it
# report that record; in a tumbling window the state counts the records.
SOURCE = """
import json

def handler(event, context):
    print("event " + json.dumps(event))
    failures = []
    for record in event["Records"]:
        do = record["dynamodb"].get("NewImage", {}).get("do", {}).get("S")
        if do == "raise":
            raise ValueError("poison")
        if do == "report":
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
    answer = {"batchItemFailures": failures}
    if "window" in event:
        answer["state"] = {"count": event["state"].get("count", 0) + len(event["Records"])}
    return answer
"""
# What a destination got, as one line.
RECEIVER = 'import json\ndef handler(event, context):\n    print("event " + json.dumps(event))\n'


def package(source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", source)
    return buffer.getvalue()


def eventually(look: Callable[[], Any]) -> Any:
    """What ``look`` answers as soon as it is true."""
    deadline = time.monotonic() + WAIT_S
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def role(iam: Any, account: str) -> Iterator[str]:
    """The ARN of a role that functions may assume, and that may read streams, write logs and invoke functions."""
    name = f"tabletop-{uuid.uuid4().hex[:12]}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    actions = [*(f"dynamodb:{action}" for action in STREAM_ACTIONS), "lambda:InvokeFunction", "logs:PutLogEvents"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": VERSION, "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="streams", PolicyDocument=policy)
    yield arn
    iam.delete_role_policy(RoleName=name, PolicyName="streams")
    iam.delete_role(RoleName=name)


@pytest.fixture(scope="module")
def make_function(functions: Any, role: str) -> Iterator[Callable[..., str]]:
    made: list[str] = []

    def make(source: str = SOURCE, **settings: Any) -> str:
        name = f"tabletop-{uuid.uuid4().hex[:12]}"
        configuration = {"Runtime": "python3.12", "Handler": "main.handler", "Role": role, "Timeout": 20} | settings
        functions.create_function(FunctionName=name, Code={"ZipFile": package(source)}, **configuration)
        made.append(name)
        return name

    yield make
    for name in made:
        try:
            functions.delete_function(FunctionName=name)
        except functions.exceptions.ResourceNotFoundException:
            continue


@pytest.fixture(scope="module")
def function(make_function: Callable[..., str]) -> str:
    return make_function()


@pytest.fixture
def table(make_table: Callable[..., str]) -> str:
    """With a stream of its own."""
    return make_table(
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )


@pytest.fixture
def stream(dynamodb: Any, table: str) -> str:
    return str(dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"])


@pytest.fixture
def make_mapping(functions: Any, function: str, stream: str) -> Iterator[Callable[..., str]]:
    """``make_mapping(...)``: the UUID of an enabled mapping of ``stream`` to ``function``."""
    made: list[str] = []

    def make(**settings: Any) -> str:
        given = {"FunctionName": function, "EventSourceArn": stream, "StartingPosition": "TRIM_HORIZON"} | settings
        mapping = functions.create_event_source_mapping(**given)["UUID"]
        made.append(mapping)
        wanted = "Enabled" if given.get("Enabled", True) else "Disabled"
        eventually(lambda: functions.get_event_source_mapping(UUID=mapping)["State"] == wanted)
        return str(mapping)

    yield make
    for mapping in made:
        try:
            functions.delete_event_source_mapping(UUID=mapping)
        except functions.exceptions.ResourceNotFoundException:
            continue


@pytest.fixture
def events_of(logs: Any, function: str, stream: str) -> Callable[..., list[Any]]:
    """The events that a function printed: those of this test's stream, in order of time."""

    def events(name: str = function) -> list[Any]:
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
            lines = [event["message"] for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []
        found = [json.loads(line.removeprefix("event ")) for line in lines if line.startswith("event ")]
        return [event for event in found if stream in json.dumps(event)]

    return events


def put(dynamodb: Any, table: str, key: str, **attributes: str) -> None:
    values = {name: {"S": value} for name, value in attributes.items()}
    dynamodb.put_item(TableName=table, Item={"p": {"S": key}, **values})


def records_of(events: list[Any]) -> list[Any]:
    return [record for event in events for record in event["Records"]]


def keys_of(events: list[Any]) -> list[str]:
    return [record["dynamodb"]["Keys"]["p"]["S"] for record in records_of(events)]


# Insert, change and removal of an item reach the function in order, in the form of AWS's events.
def test_events(dynamodb: Any, table: str, stream: str, make_mapping: Any, events_of: Any, functions: Any) -> None:
    mapping = make_mapping()
    put(dynamodb, table, "k", a="1")
    put(dynamodb, table, "k", a="2")
    dynamodb.delete_item(TableName=table, Key={"p": {"S": "k"}})
    inserted, changed, removed = eventually(lambda: len(found := records_of(events_of())) >= 3 and found)
    common = {
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": functions.meta.region_name,
        "eventSourceARN": stream,
    }
    for record, name in ((inserted, "INSERT"), (changed, "MODIFY"), (removed, "REMOVE")):
        assert {member: record[member] for member in common} == common
        assert record["eventName"] == name
        assert set(record) == {*common, "eventID", "eventName", "dynamodb"}
        assert record["dynamodb"]["Keys"] == {"p": {"S": "k"}}
        assert record["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        assert abs(record["dynamodb"]["ApproximateCreationDateTime"] - time.time()) < 60
        assert record["dynamodb"]["SequenceNumber"].isdigit()
        assert record["dynamodb"]["SizeBytes"] > 0
    assert "OldImage" not in inserted["dynamodb"]
    assert changed["dynamodb"]["OldImage"] == inserted["dynamodb"]["NewImage"] == {"p": {"S": "k"}, "a": {"S": "1"}}
    assert changed["dynamodb"]["NewImage"] == removed["dynamodb"]["OldImage"]
    assert eventually(lambda: functions.get_event_source_mapping(UUID=mapping)["LastProcessingResult"] == "OK")


# A mapping as it is made, shown, listed and deleted.
def test_description(functions: Any, function: str, stream: str, account: str, refusal: Any) -> None:
    made = functions.create_event_source_mapping(
        FunctionName=function, EventSourceArn=stream, StartingPosition="LATEST"
    )
    mapping, region = made["UUID"], functions.meta.region_name
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert abs(made.pop("LastModified").timestamp() - time.time()) < 60
    made.pop("ResponseMetadata")
    expected = {
        "UUID": mapping,
        "StartingPosition": "LATEST",
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "EventSourceArn": stream,
        "FunctionArn": f"arn:aws:lambda:{region}:{account}:function:{function}",
        "LastProcessingResult": "No records processed",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "DestinationConfig": {"OnFailure": {}},
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "MaximumRetryAttempts": -1,
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "EventSourceMappingArn": f"arn:aws:lambda:{region}:{account}:event-source-mapping:{mapping}",
    }
    assert made == expected
    shown = eventually(lambda: (one := functions.get_event_source_mapping(UUID=mapping))["State"] == "Enabled" and one)
    assert {member: shown[member] for member in expected} == expected | {"State": "Enabled"}
    twin = refusal(
        functions.create_event_source_mapping,
        FunctionName=function,
        EventSourceArn=stream,
        StartingPosition="TRIM_HORIZON",
    )
    assert twin == (
        "ResourceConflictException",
        f'The event source arn (" {stream} ") and function (" {function} ") provided mapping already exists. '
        f"Please update or delete the existing mapping with UUID {mapping}",
    )
    assert functions.delete_event_source_mapping(UUID=mapping)["State"] == "Deleting"
    gone = ("ResourceNotFoundException", "The resource you requested does not exist.")

    def is_gone() -> bool:
        try:
            return functions.get_event_source_mapping(UUID=mapping)["State"] != "Deleting"
        except functions.exceptions.ResourceNotFoundException:
            return True

    assert eventually(is_gone)
    for operation in (functions.get_event_source_mapping, functions.delete_event_source_mapping):
        assert refusal(operation, UUID=mapping) == gone
    assert refusal(functions.update_event_source_mapping, UUID=mapping, BatchSize=1) == gone


# Lists are of a function or of a stream, in pages.
def test_lists(functions: Any, make_function: Any, stream: str, make_mapping: Any, refusal: Any) -> None:
    names = [make_function() for _ in range(3)]
    made = {make_mapping(FunctionName=name): name for name in names}
    pages = functions.get_paginator("list_event_source_mappings").paginate(
        EventSourceArn=stream, PaginationConfig={"PageSize": 2}
    )
    assert {one["UUID"] for page in pages for one in page["EventSourceMappings"]} == set(made)
    for mapping, name in made.items():
        listed = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        assert [one["UUID"] for one in listed] == [mapping]
    missing = refusal(functions.list_event_source_mappings, FunctionName="tabletop-nobody")
    assert missing[0] == "ResourceNotFoundException"


# Tags are given with the mapping or later, by its ARN.
def test_tags(functions: Any, make_mapping: Any) -> None:
    arn = functions.get_event_source_mapping(UUID=make_mapping(Tags={"a": "1"}))["EventSourceMappingArn"]
    functions.tag_resource(Resource=arn, Tags={"b": "2"})
    functions.untag_resource(Resource=arn, TagKeys=["a"])
    assert functions.list_tags(Resource=arn)["Tags"] == {"b": "2"}


# Policies see the function of a mapping: one who may do everything for one function may nothing for another.
def test_condition_on_the_function(
    functions: Any, iam: Any, client_of: Any, account: str, make_function: Any, function: str, stream: str, refusal: Any
) -> None:
    other, name = make_function(), f"tabletop-{uuid.uuid4().hex[:12]}"
    arn = f"arn:aws:lambda:{functions.meta.region_name}:{account}:function:{function}"
    statement = {
        "Effect": "Allow",
        "Action": "lambda:*EventSourceMapping",
        "Resource": "*",
        "Condition": {"ArnEquals": {"lambda:FunctionArn": arn}},
    }
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": VERSION, "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    limited = client_of("lambda", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    given = {"EventSourceArn": stream, "StartingPosition": "LATEST"}
    mine = limited.create_event_source_mapping(FunctionName=function, **given)["UUID"]
    code, text = refusal(limited.create_event_source_mapping, FunctionName=other, **given)
    assert code == "AccessDeniedException"
    assert "is not authorized to perform: lambda:CreateEventSourceMapping on resource: *" in text
    theirs = functions.create_event_source_mapping(FunctionName=other, **given)["UUID"]
    assert refusal(limited.delete_event_source_mapping, UUID=theirs)[0] == "AccessDeniedException"
    assert limited.get_event_source_mapping(UUID=mine)["UUID"] == mine
    for mapping in (mine, theirs):
        eventually(lambda one=mapping: functions.get_event_source_mapping(UUID=one)["State"] == "Enabled")
        functions.delete_event_source_mapping(UUID=mapping)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="own")
    iam.delete_user(UserName=name)


SQS = "arn:aws:sqs:us-east-1:000000000000:queue"


# What a mapping cannot be is refused when it is made, not found out at delivery.
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"BatchSize": 10_001}, "less than or equal to 10000"),
        ({"BatchSize": 0}, "greater than or equal to 1"),
        ({"MaximumBatchingWindowInSeconds": 301}, "less than or equal to 300"),
        ({"ParallelizationFactor": 11}, "less than or equal to 10"),
        ({"MaximumRetryAttempts": 10_001}, "less than or equal to 10000"),
        ({"MaximumRetryAttempts": -2}, "greater than or equal to -1"),
        ({"MaximumRecordAgeInSeconds": 59}, "between 60 and 604800"),
        ({"MaximumRecordAgeInSeconds": 604_801}, "less than or equal to 604800"),
        ({"TumblingWindowInSeconds": 901}, "less than or equal to 900"),
        ({"StartingPosition": None}, "Value null at 'startingPosition'"),
        ({"StartingPosition": "AT_TIMESTAMP"}, "Unsupported starting position"),
        ({"EventSourceArn": None}, "Unrecognized event source"),
        ({"EventSourceArn": SQS}, f"Unsupported source arn : {SQS}"),
        ({"FunctionName": "tabletop-nobody"}, "Function does not exist"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition."),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"a": ["b"]}'}] * 6}}, "exceeds the limit of 5"),
        ({"DestinationConfig": {"OnFailure": {"Destination": SQS}}}, SQS),
        ({"DestinationConfig": {"OnSuccess": {"Destination": SQS}}}, "Unsupported DestinationConfig parameter"),
        ({"ScalingConfig": {"MaximumConcurrency": 2}}, "Amazon SQS"),
        ({"Topics": ["topic"]}, "Kafka"),
    ],
)
def test_refused_mappings(
    functions: Any, function: str, stream: str, refusal: Any, settings: dict[str, Any], message: str
) -> None:
    given = {"FunctionName": function, "EventSourceArn": stream, "StartingPosition": "LATEST"} | settings
    given = {name: value for name, value in given.items() if value is not None}
    code, text = refusal(functions.create_event_source_mapping, **given)
    assert code in ("InvalidParameterValueException", "ValidationException")
    assert message in text


# The stream must exist, and the function's role must be allowed to read it.
def test_refused_access(functions: Any, iam: Any, make_function: Any, stream: str, refusal: Any) -> None:
    name = f"tabletop-{uuid.uuid4().hex[:12]}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    function = make_function(Role=arn)
    create = functions.create_event_source_mapping
    assert refusal(create, FunctionName=function, EventSourceArn=stream, StartingPosition="LATEST") == (
        "InvalidParameterValueException",
        f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, GetShardIterator, "
        "DescribeStream, and ListStreams Actions on your stream in IAM.",
    )
    missing = stream[:-3] + "000" if not stream.endswith("000") else stream[:-3] + "001"
    assert refusal(create, FunctionName=function, EventSourceArn=missing, StartingPosition="LATEST") == (
        "InvalidParameterValueException",
        f"Stream not found: {missing}",
    )
    iam.delete_role(RoleName=name)


# LATEST begins with what is written after the mapping was made, TRIM_HORIZON with all that the stream has.
@pytest.mark.parametrize(("position", "keys"), [("LATEST", ["new"]), ("TRIM_HORIZON", ["new", "old"])])
def test_starting_positions(
    dynamodb: Any, table: str, make_mapping: Any, events_of: Any, position: str, keys: list[str]
) -> None:
    put(dynamodb, table, "old")
    make_mapping(StartingPosition=position)
    put(dynamodb, table, "new")
    assert sorted(eventually(lambda: len(found := keys_of(events_of())) == len(keys) and found)) == keys


# A disabled mapping keeps its place: what is written meanwhile is delivered when it is enabled again.
def test_disable_and_enable(dynamodb: Any, functions: Any, table: str, make_mapping: Any, events_of: Any) -> None:
    mapping = make_mapping()
    put(dynamodb, table, "1")
    eventually(lambda: keys_of(events_of()) == ["1"])
    assert functions.update_event_source_mapping(UUID=mapping, Enabled=False)["State"] == "Disabling"
    eventually(lambda: functions.get_event_source_mapping(UUID=mapping)["State"] == "Disabled")
    put(dynamodb, table, "2")
    assert functions.update_event_source_mapping(UUID=mapping, Enabled=True)["State"] == "Enabling"
    eventually(lambda: functions.get_event_source_mapping(UUID=mapping)["State"] == "Enabled")
    assert eventually(lambda: len(found := keys_of(events_of())) == 2 and found) == ["1", "2"]


# Settings change for what comes; the place is kept.
def test_update(dynamodb: Any, functions: Any, table: str, make_mapping: Any, events_of: Any) -> None:
    mapping = make_mapping(FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["REMOVE"]}'}]})
    updated = functions.update_event_source_mapping(UUID=mapping, BatchSize=7, FilterCriteria={})
    assert (updated["State"], updated["BatchSize"], "FilterCriteria" in updated) == ("Updating", 7, False)
    eventually(lambda: functions.get_event_source_mapping(UUID=mapping)["State"] == "Enabled")
    put(dynamodb, table, "1")
    eventually(lambda: keys_of(events_of()) == ["1"])


# Only records that a filter lets through are delivered; the others are passed over for good.
def test_filter(dynamodb: Any, table: str, make_mapping: Any, events_of: Any) -> None:
    pattern = json.dumps({"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": [{"prefix": "wan"}]}}}})
    make_mapping(FilterCriteria={"Filters": [{"Pattern": pattern}]})
    put(dynamodb, table, "1", kind="unwanted")
    put(dynamodb, table, "2", kind="wanted")
    put(dynamodb, table, "2", kind="wanted too")
    put(dynamodb, table, "3", kind="wanted")
    assert sorted(eventually(lambda: len(found := keys_of(events_of())) == 2 and found)) == ["2", "3"]


# A batching window gathers what comes within it.
def test_batching_window(dynamodb: Any, table: str, make_mapping: Any, events_of: Any) -> None:
    make_mapping(MaximumBatchingWindowInSeconds=1)
    for number in range(3):
        put(dynamodb, table, "k", a=str(number))
    (event,) = eventually(events_of)
    assert len(event["Records"]) == 3


# The poisoned record is isolated by splitting, tried again, and reported; every other one is processed. The report has the
# form of AWS's invocation records.
def test_bisect_and_destination(
    dynamodb: Any, functions: Any, table: str, stream: str, make_function: Any, make_mapping: Any, events_of: Any
) -> None:
    receiver = make_function(RECEIVER)
    function = make_function()
    destination = functions.get_function_configuration(FunctionName=receiver)["FunctionArn"]
    for number in range(4):
        put(dynamodb, table, "k", a=str(number), **({"do": "raise"} if number == 2 else {}))
    mapping = make_mapping(
        FunctionName=function,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": destination}},
    )
    (report,) = eventually(lambda: events_of(receiver))
    assert report["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert report["requestContext"]["functionArn"].endswith(f":function:{function}")
    assert report["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    batch = report["DDBStreamBatchInfo"]
    assert (batch["batchSize"], batch["streamArn"]) == (1, stream)
    calls = events_of(function)
    (poisoned,) = {
        record["dynamodb"]["SequenceNumber"]
        for record in records_of(calls)
        if record["dynamodb"]["NewImage"].get("do") == {"S": "raise"}
    }
    assert batch["startSequenceNumber"] == batch["endSequenceNumber"] == poisoned
    assert batch["shardId"].startswith("shardId-")
    assert batch["approximateArrivalOfFirstRecord"].endswith("Z")
    assert report["requestContext"]["approximateInvokeCount"] >= 2
    eventually(lambda: sum(not _is_poisoned(event) for event in events_of(function)) == 2)
    processed = [event for event in events_of(function) if not _is_poisoned(event)]
    assert [record["dynamodb"]["NewImage"]["a"]["S"] for record in records_of(processed)] == ["0", "1", "3"]
    shown = functions.get_event_source_mapping(UUID=mapping)
    assert shown["DestinationConfig"] == {"OnFailure": {"Destination": destination}}


def _is_poisoned(event: Any) -> bool:
    return any(record["dynamodb"].get("NewImage", {}).get("do") == {"S": "raise"} for record in event["Records"])


# A function that reports a record gets the batch again from that record on, until its retries are used up.
def test_reported_failures(dynamodb: Any, table: str, make_mapping: Any, events_of: Any) -> None:
    for number in range(3):
        put(dynamodb, table, "k", a=str(number), **({"do": "report"} if number == 1 else {}))
    make_mapping(FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=2)
    calls = eventually(lambda: len(found := events_of()) == 3 and found)
    values = [[one["dynamodb"]["NewImage"]["a"]["S"] for one in event["Records"]] for event in calls]
    assert values == [["0", "1", "2"], ["1", "2"], ["1", "2"]]
    put(dynamodb, table, "k", a="3")
    assert eventually(lambda: len(found := events_of()) == 4 and found)[3]["Records"][0]["eventName"] == "MODIFY"


# In a tumbling window the state goes from call to call, and the last call of the window says so.
def test_tumbling_window(dynamodb: Any, table: str, stream: str, make_mapping: Any, events_of: Any) -> None:
    make_mapping(TumblingWindowInSeconds=2, BatchSize=1)
    for number in range(3):
        put(dynamodb, table, "k", a=str(number))
    calls = eventually(
        lambda: (found := events_of()) and len(records_of(found)) == 3 and found[-1]["isFinalInvokeForWindow"] and found
    )
    assert {call["eventSourceARN"] for call in calls} == {stream}
    assert {call["shardId"][:8] for call in calls} == {"shardId-"}
    assert not any(call["isWindowTerminatedEarly"] for call in calls)
    counted = 0
    for call in calls:
        assert call["state"] == ({"count": counted} if counted else {})
        assert set(call["window"]) == {"start", "end"}
        counted = 0 if call["isFinalInvokeForWindow"] else counted + len(call["Records"])


# A role that loses its permission stops delivery, and the mapping says so; with the permission it goes on where it was.
def test_lost_permission(
    dynamodb: Any, iam: Any, functions: Any, table: str, make_function: Any, make_mapping: Any, events_of: Any
) -> None:
    name = f"tabletop-{uuid.uuid4().hex[:12]}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole"
    iam.attach_role_policy(RoleName=name, PolicyArn=managed)
    function = make_function(Role=arn)
    mapping = make_mapping(FunctionName=function)

    def result() -> str:
        return str(functions.get_event_source_mapping(UUID=mapping)["LastProcessingResult"])

    put(dynamodb, table, "1")
    eventually(lambda: keys_of(events_of(function)) == ["1"])
    iam.detach_role_policy(RoleName=name, PolicyArn=managed)
    eventually(lambda: result().startswith("PROBLEM: Cannot access stream"))
    put(dynamodb, table, "2")
    iam.attach_role_policy(RoleName=name, PolicyArn=managed)
    eventually(lambda: keys_of(events_of(function)) == ["1", "2"])
    eventually(lambda: result() == "OK")
    functions.delete_function(FunctionName=function)
    eventually(lambda: result().startswith("PROBLEM: Function not found"))
    iam.detach_role_policy(RoleName=name, PolicyArn=managed)
    iam.delete_role(RoleName=name)


# A function without room is tried again until there is some, and the mapping says so.
def test_throttled(
    dynamodb: Any, functions: Any, table: str, make_function: Any, make_mapping: Any, events_of: Any
) -> None:
    function = make_function()
    functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    mapping = make_mapping(FunctionName=function, MaximumRetryAttempts=0)
    put(dynamodb, table, "1")

    def result() -> str:
        return str(functions.get_event_source_mapping(UUID=mapping)["LastProcessingResult"])

    eventually(lambda: result() == "PROBLEM: Rate Exceeded.")
    functions.delete_function_concurrency(FunctionName=function)
    eventually(lambda: keys_of(events_of(function)) == ["1"])
    eventually(lambda: result() == "OK")


# A mapping to an alias invokes the alias's version, and is another one than that to the function.
def test_alias(dynamodb: Any, functions: Any, table: str, make_function: Any, make_mapping: Any, logs: Any) -> None:
    source = "def handler(event, context):\n    print('arn', context.function_version, context.invoked_function_arn)\n"
    function = make_function(source)
    functions.publish_version(FunctionName=function)
    alias = functions.create_alias(FunctionName=function, Name="live", FunctionVersion="1")["AliasArn"]
    mapping = make_mapping(FunctionName=f"{function}:live")
    assert functions.get_event_source_mapping(UUID=mapping)["FunctionArn"] == alias
    assert functions.list_event_source_mappings(FunctionName=function)["EventSourceMappings"] == []
    put(dynamodb, table, "1")

    def lines() -> list[str]:
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}", filterPattern="arn")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"].strip() for event in found]

    assert eventually(lines) == [f"arn 1 {alias}"]


# A stream that was disabled is read to its end, and then the mapping says that nothing more can come.
def test_disabled_stream(dynamodb: Any, functions: Any, table: str, make_mapping: Any, events_of: Any) -> None:
    mapping = make_mapping()
    put(dynamodb, table, "1")
    dynamodb.delete_table(TableName=table)
    eventually(lambda: "1" in keys_of(events_of()))

    def result() -> str:
        return str(functions.get_event_source_mapping(UUID=mapping)["LastProcessingResult"])

    eventually(lambda: result().startswith("PROBLEM: The stream is disabled"))


# With several lanes the changes of one item keep their order.
def test_parallelization(dynamodb: Any, table: str, make_mapping: Any, events_of: Any) -> None:
    make_mapping(ParallelizationFactor=4, BatchSize=3)
    for number in range(5):
        for key in "abcdefgh":
            put(dynamodb, table, key, a=str(number))
    events = eventually(lambda: len(records_of(found := events_of())) == 40 and found)
    seen: dict[str, list[str]] = {}
    for record in records_of(events):
        seen.setdefault(record["dynamodb"]["Keys"]["p"]["S"], []).append(record["dynamodb"]["NewImage"]["a"]["S"])
    assert seen == {key: ["0", "1", "2", "3", "4"] for key in "abcdefgh"}


# What is given up can be reported to a log group as well.
def test_log_group_destination(
    dynamodb: Any, logs: Any, functions: Any, account: str, table: str, stream: str, make_mapping: Any
) -> None:
    group = f"tabletop-{uuid.uuid4().hex[:12]}"
    arn = f"arn:aws:logs:{functions.meta.region_name}:{account}:log-group:{group}"
    put(dynamodb, table, "k", do="raise")
    make_mapping(MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}})

    def reports() -> list[Any]:
        try:
            return list(logs.filter_log_events(logGroupName=group)["events"])
        except logs.exceptions.ResourceNotFoundException:
            return []

    (event,) = eventually(reports)
    assert json.loads(event["message"])["DDBStreamBatchInfo"]["streamArn"] == stream
    logs.delete_log_group(logGroupName=group)


# Batches of one shard are delivered one after the other.
def test_no_overlap(dynamodb: Any, logs: Any, table: str, stream: str, make_function: Any, make_mapping: Any) -> None:
    source = (
        "import time\ndef handler(event, context):\n"
        "    print('span', time.time(), end=' ')\n    time.sleep(0.05)\n    print(time.time())\n"
    )
    function = make_function(source)
    make_mapping(FunctionName=function, BatchSize=1)
    for number in range(4):
        put(dynamodb, table, "k", a=str(number))

    def spans() -> list[list[float]]:
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}", filterPattern="span")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [[float(one) for one in event["message"].split()[1:]] for event in found]

    found = sorted(eventually(lambda: len(all_ := spans()) == 4 and all_))
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(found))
