"""The Streams API through the whole server: its target prefix, its errors on the wire, its policies."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError
from test_replay import connect, make_table


@pytest.fixture
def stream(tabletop_endpoint: str) -> str:
    """The ARN of a new table's stream."""
    return make_table(tabletop_endpoint, f"endpoint-{os.getpid()}-{time.monotonic_ns()}")


# An action of one API under the prefix of the other is unknown, as on AWS.
@pytest.mark.parametrize("target", ["DynamoDB_20120810.ListStreams", "DynamoDBStreams_20120810.ListTables"])
def test_each_api_has_its_prefix(tabletop_endpoint: str, target: str) -> None:
    headers = {
        "X-Amz-Target": target,
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/dynamodb/aws4_request, "
        "SignedHeaders=host, Signature=" + "0" * 64,
        "X-Amz-Date": "20261124T000000Z",
    }
    answer = requests.post(tabletop_endpoint, data="{}", headers=headers, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["__type"] != "com.amazonaws.dynamodb.v20120810#ValidationException"
    assert "Streams" not in answer.json()
    assert "TableNames" not in answer.json()


# Errors that only Streams has are told in the namespace that they have on AWS, so that typed clients know them.
def test_errors_are_typed(tabletop_endpoint: str, stream: str) -> None:
    client = connect(tabletop_endpoint, "dynamodbstreams")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_stream(StreamArn=stream + "0")
    with pytest.raises(ClientError, match="ValidationException"):
        client.get_records(ShardIterator="x")


# A policy on the streams of one table, as AWS's guide writes it, lets read them and nothing else.
def test_policies_name_streams(tabletop_endpoint: str, stream: str) -> None:
    iam = connect(tabletop_endpoint, "iam")
    name = f"reader-{os.getpid()}-{time.monotonic_ns()}"
    iam.create_user(UserName=name)
    actions = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"]
    statement = {
        "Effect": "Allow",
        "Action": [f"dynamodb:{action}" for action in actions],
        "Resource": stream.rsplit("/", 1)[0] + "/*",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    client: Any = boto3.client(
        "dynamodbstreams",
        endpoint_url=tabletop_endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    table = stream.split("/")[1]
    assert [one["StreamArn"] for one in client.list_streams(TableName=table)["Streams"]] == [stream]
    shard = client.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]
    place = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "LATEST"}
    iterator = client.get_shard_iterator(**place)["ShardIterator"]
    assert client.get_records(ShardIterator=iterator)["Records"] == []
    other = make_table(tabletop_endpoint, table + "-other")
    refused = [
        lambda: client.list_streams(),
        lambda: client.describe_stream(StreamArn=other),
        lambda: client.get_records(ShardIterator=iterator.replace(stream, other)),
    ]
    for call in refused:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
