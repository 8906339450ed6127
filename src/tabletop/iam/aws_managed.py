"""The policies that AWS manages (account ``aws``), as far as they are kept here: the rights, from AWS's reference.

Each grants what AWS publishes for the services that exist here. Rights on services that do not exist here are kept
where they are few; their absence can make no difference to a decision.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

_ARN = "arn:aws:iam::aws:policy"
_STARTED = 1_423_159_239.0  # 2015-02-05, when most of these were published
_TO_LAMBDA = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
_LOG_WRITES = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
_STREAM_READS = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
_ALARMS_AND_SCALING = [
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingActivities",
    "application-autoscaling:DescribeScalingPolicies",
    "cloudwatch:DescribeAlarmHistory",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:DescribeAlarmsForMetric",
    "cloudwatch:GetMetricStatistics",
    "cloudwatch:ListMetrics",
    "cloudwatch:GetMetricData",
]


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """``unique_id`` is ours (AWS's are not documented), made from the name so that it never changes."""

    name: str
    path: str
    statements: tuple[dict[str, Any], ...]
    description: str
    version: str = "v1"

    @property
    def arn(self) -> str:
        return f"{_ARN}{self.path}{self.name}"

    @property
    def document(self) -> str:
        return orjson.dumps({"Version": "2012-10-17", "Statement": list(self.statements)}).decode()

    @property
    def unique_id(self) -> str:
        digest = hashlib.sha256(self.name.encode()).digest()
        return "ANPA" + base64.b32encode(digest).decode()[:17]

    @property
    def created(self) -> float:
        return _STARTED


def _allow(actions: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def _service_role(name: str, actions: list[str], description: str) -> ManagedPolicy:
    return ManagedPolicy(name, "/service-role/", (_allow(actions),), description)


_READS = [
    "cloudwatch:Describe*",
    "cloudwatch:Get*",
    "cloudwatch:List*",
    "dynamodb:BatchGet*",
    "dynamodb:Describe*",
    "dynamodb:Get*",
    "dynamodb:List*",
    "dynamodb:PartiQLSelect",
    "dynamodb:Query",
    "dynamodb:Scan",
    "iam:Generate*",
    "iam:Get*",
    "iam:List*",
    "iam:Simulate*",
    "lambda:Get*",
    "lambda:List*",
    "logs:Describe*",
    "logs:FilterLogEvents",
    "logs:Get*",
    "logs:List*",
    "logs:StartLiveTail",
    "logs:StartQuery",
    "logs:StopLiveTail",
    "logs:StopQuery",
    "logs:TestMetricFilter",
    "s3:Get*",
    "s3:List*",
    "sts:GetAccessKeyInfo",
    "sts:GetCallerIdentity",
    "sts:GetSessionToken",
    "tag:Get*",
]
_POLICIES = (
    ManagedPolicy("AdministratorAccess", "/", (_allow("*"),), "Provides full access to AWS services and resources."),
    ManagedPolicy("ReadOnlyAccess", "/", (_allow(_READS),), "Provides read-only access to AWS services and resources."),
    ManagedPolicy(
        "AmazonDynamoDBFullAccess",
        "/",
        (
            _allow(
                [
                    "dynamodb:*",
                    "dax:*",
                    *_ALARMS_AND_SCALING,
                    "application-autoscaling:DeleteScalingPolicy",
                    "application-autoscaling:DeregisterScalableTarget",
                    "application-autoscaling:PutScalingPolicy",
                    "application-autoscaling:RegisterScalableTarget",
                    "cloudwatch:DeleteAlarms",
                    "cloudwatch:PutMetricAlarm",
                    "iam:GetRole",
                    "iam:ListRoles",
                    "kms:DescribeKey",
                    "kms:ListAliases",
                    "lambda:CreateFunction",
                    "lambda:ListFunctions",
                    "lambda:ListEventSourceMappings",
                    "lambda:CreateEventSourceMapping",
                    "lambda:DeleteEventSourceMapping",
                    "lambda:GetFunctionConfiguration",
                    "lambda:DeleteFunction",
                ]
            ),
            _allow("iam:PassRole", Condition={"StringLike": {"iam:PassedToService": ["dax.amazonaws.com"]}}),
        ),
        "Provides full access to Amazon DynamoDB via the AWS Management Console.",
        "v15",
    ),
    ManagedPolicy(
        "AmazonDynamoDBFullAccess_v2",
        "/",
        (_allow(["dynamodb:*", "dax:*", *_ALARMS_AND_SCALING]),),
        "Provides full access to Amazon DynamoDB.",
    ),
    ManagedPolicy(
        "AmazonDynamoDBReadOnlyAccess",
        "/",
        (
            _allow(
                [
                    *_ALARMS_AND_SCALING,
                    "dynamodb:BatchGetItem",
                    "dynamodb:Describe*",
                    "dynamodb:List*",
                    "dynamodb:GetAbacStatus",
                    "dynamodb:GetItem",
                    "dynamodb:GetResourcePolicy",
                    "dynamodb:Query",
                    "dynamodb:Scan",
                    "dynamodb:PartiQLSelect",
                    "dax:Describe*",
                    "dax:List*",
                    "dax:GetItem",
                    "dax:BatchGetItem",
                    "dax:Query",
                    "dax:Scan",
                    "iam:GetRole",
                    "iam:ListRoles",
                    "kms:DescribeKey",
                    "kms:ListAliases",
                    "lambda:ListEventSourceMappings",
                    "lambda:ListFunctions",
                    "lambda:GetFunctionConfiguration",
                ]
            ),
        ),
        "Provides read only access to Amazon DynamoDB via the AWS Management Console.",
    ),
    _service_role("AWSLambdaBasicExecutionRole", _LOG_WRITES, "Provides write permissions to CloudWatch Logs."),
    _service_role(
        "AWSLambdaDynamoDBExecutionRole",
        [*_STREAM_READS, *_LOG_WRITES],
        "Provides list and read access to DynamoDB streams and write permissions to CloudWatch logs.",
    ),
    ManagedPolicy(
        "AWSLambdaInvocation-DynamoDB",
        "/",
        (_allow("lambda:InvokeFunction"), _allow(_STREAM_READS)),
        "Provides read access to DynamoDB Streams.",
    ),
    ManagedPolicy(
        "AWSLambdaExecute",
        "/",
        (_allow("logs:*", "arn:aws:logs:*:*:*"), _allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::*")),
        "Provides Put, Get access to S3 and full access to CloudWatch Logs.",
    ),
    ManagedPolicy(
        "AWSLambda_FullAccess",
        "/",
        (
            _allow(
                [
                    "cloudwatch:GetMetricData",
                    "cloudwatch:ListMetrics",
                    "iam:GetPolicy",
                    "iam:GetPolicyVersion",
                    "iam:GetRole",
                    "iam:GetRolePolicy",
                    "iam:ListAttachedRolePolicies",
                    "iam:ListRolePolicies",
                    "iam:ListRoles",
                    "lambda:*",
                    "logs:DescribeLogGroups",
                ]
            ),
            _allow("iam:PassRole", Condition=_TO_LAMBDA),
            _allow(
                ["logs:DescribeLogStreams", "logs:GetLogEvents", "logs:FilterLogEvents"],
                "arn:aws:logs:*:*:log-group:/aws/lambda/*",
            ),
        ),
        "Grants full access to AWS Lambda service, AWS Lambda console features, and other related AWS services.",
    ),
    ManagedPolicy("CloudWatchLogsFullAccess", "/", (_allow(["logs:*"]),), "Provides full access to CloudWatch Logs"),
    ManagedPolicy(
        "CloudWatchLogsReadOnlyAccess",
        "/",
        (
            _allow(
                [
                    "logs:Describe*",
                    "logs:Get*",
                    "logs:List*",
                    "logs:StartQuery",
                    "logs:StopQuery",
                    "logs:TestMetricFilter",
                    "logs:FilterLogEvents",
                    "logs:StartLiveTail",
                    "logs:StopLiveTail",
                ]
            ),
        ),
        "Provides read only access to CloudWatch Logs",
    ),
)
MANAGED: dict[str, ManagedPolicy] = {policy.arn: policy for policy in sorted(_POLICIES, key=lambda one: one.name)}


def managed_document(policy_arn: str) -> str | None:
    policy = MANAGED.get(policy_arn)
    return None if policy is None else policy.document
