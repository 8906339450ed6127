"""Requests to AWS services that are not here: each SDK shows what is missing, at once."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

SERVICES: list[tuple[str, str, dict[str, Any]]] = [
    ("sqs", "list_queues", {}),
    ("s3", "list_buckets", {}),
    ("s3", "get_object", {"Bucket": "b", "Key": "k"}),
    ("cloudformation", "list_stacks", {}),
    ("ec2", "describe_instances", {}),
    ("cloudwatch", "list_metrics", {}),
    ("apigateway", "get_rest_apis", {}),
    ("route53", "list_hosted_zones", {}),
    ("secretsmanager", "list_secrets", {}),
]


# Queue, form, REST, XML and CBOR protocols: the message is in the error, and it is not tried again.
@pytest.mark.parametrize(("service", "method", "params"), SERVICES)
def test_a_service_that_is_not_here(service: str, method: str, params: dict[str, Any], tabletop_endpoint: str) -> None:
    client = boto3.client(
        service,
        endpoint_url=tabletop_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with pytest.raises(ClientError) as caught:
        getattr(client, method)(**params)
    error = caught.value.response
    scope = {"cloudwatch": "monitoring"}.get(service, service)
    assert error["Error"]["Code"] == "UnknownOperationException"
    assert error["Error"]["Message"].startswith(f"Tabletop does not have the service {scope}. It serves dynamodb, ")
    assert error["ResponseMetadata"]["RetryAttempts"] == 0


# DynamoDB lives at "/" alone: what is signed for another path is nothing that it has.
def test_dynamodb_elsewhere(tabletop_endpoint: str) -> None:
    scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
    request = urllib.request.Request(
        f"{tabletop_endpoint}/garbage",
        data=b"{}",
        headers={"X-Amz-Target": "DynamoDB_20120810.PutItem", "Authorization": scope},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    assert caught.value.code == 404
