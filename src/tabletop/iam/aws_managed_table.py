"""The table of AWS's own policies; ``aws_managed`` makes policies of it.

Each grants what AWS's reference publishes for the services that exist here. Rights on services that do not exist here
are kept where they are few; their absence can make no difference to a decision. Numbers of versions and ids are recalled.
AWSLambdaFullAccess and AWSLambdaReadOnlyAccess are not here: AWS withdrew them in 2021, and nobody can attach them.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Row(NamedTuple):
    name: str
    path: str
    statements: tuple[dict[str, Any], ...]
    description: str
    version: str = "v1"


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
_ROLE_READS = [
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:ListRoles",
]
_LOG_READS = ["logs:DescribeLogStreams", "logs:GetLogEvents", "logs:FilterLogEvents"]
_ORGANIZATION_READS = (
    "DescribeAccount",
    "DescribeOrganization",
    "DescribeOrganizationalUnit",
    "DescribePolicy",
    "ListChildren",
    "ListParents",
    "ListPoliciesForTarget",
    "ListRoots",
    "ListPolicies",
    "ListTargetsForPolicy",
)


def _allow(actions: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def _service_role(name: str, actions: list[str], description: str, version: str = "v1") -> Row:
    return Row(name, "/service-role/", (_allow(actions),), description, version)


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
POLICIES = (
    Row("AdministratorAccess", "/", (_allow("*"),), "Provides full access to AWS services and resources."),
    Row("ReadOnlyAccess", "/", (_allow(_READS),), "Provides read-only access to AWS services and resources."),
    Row(
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
    Row(
        "AmazonDynamoDBFullAccess_v2",
        "/",
        (_allow(["dynamodb:*", "dax:*", *_ALARMS_AND_SCALING]),),
        "Provides full access to Amazon DynamoDB.",
    ),
    Row(
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
    Row(
        "AWSLambdaInvocation-DynamoDB",
        "/",
        (_allow("lambda:InvokeFunction"), _allow(_STREAM_READS)),
        "Provides read access to DynamoDB Streams.",
    ),
    Row(
        "AWSLambdaExecute",
        "/",
        (_allow("logs:*", "arn:aws:logs:*:*:*"), _allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::*")),
        "Provides Put, Get access to S3 and full access to CloudWatch Logs.",
    ),
    Row(
        "AWSLambda_FullAccess",
        "/",
        (
            _allow(
                [
                    "cloudwatch:GetMetricData",
                    "cloudwatch:ListMetrics",
                    "cloudformation:DescribeStacks",
                    "cloudformation:ListStackResources",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcs",
                    "kms:ListAliases",
                    *_ROLE_READS,
                    "lambda:*",
                    "logs:DescribeLogGroups",
                    "states:DescribeStateMachine",
                    "states:ListStateMachines",
                    "tag:GetResources",
                    "xray:GetTraceSummaries",
                    "xray:BatchGetTraces",
                ]
            ),
            _allow("iam:PassRole", Condition=_TO_LAMBDA),
            _allow(
                _LOG_READS,
                "arn:aws:logs:*:*:log-group:/aws/lambda/*",
            ),
        ),
        "Grants full access to AWS Lambda service, AWS Lambda console features, and other related AWS services.",
    ),
    Row("CloudWatchLogsFullAccess", "/", (_allow(["logs:*"]),), "Provides full access to CloudWatch Logs"),
    Row(
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
    Row(
        "PowerUserAccess",
        "/",
        (
            {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
            _allow(
                [
                    "account:GetAccountInformation",
                    "account:GetGovCloudAccountInformation",
                    "account:GetPrimaryEmail",
                    "account:ListRegions",
                    "iam:CreateServiceLinkedRole",
                    "iam:DeleteServiceLinkedRole",
                    "iam:ListRoles",
                    "organizations:DescribeEffectivePolicy",
                    "organizations:DescribeOrganization",
                ]
            ),
        ),
        "Provides full access to AWS services and resources, but does not allow management of Users and groups.",
        "v6",
    ),
    Row(
        "IAMFullAccess",
        "/",
        (
            _allow(
                [
                    "iam:*",
                    *(f"organizations:{name}" for name in _ORGANIZATION_READS),
                ]
            ),
        ),
        "Provides full access to IAM via the AWS Management Console.",
        "v2",
    ),
    Row(
        "IAMReadOnlyAccess",
        "/",
        (
            _allow(
                [
                    "iam:GenerateCredentialReport",
                    "iam:GenerateServiceLastAccessedDetails",
                    "iam:Get*",
                    "iam:List*",
                    "iam:SimulateCustomPolicy",
                    "iam:SimulatePrincipalPolicy",
                ]
            ),
        ),
        "Provides read only access to IAM via the AWS Management Console.",
        "v4",
    ),
    Row(
        "AmazonDynamoDBFullAccesswithDataPipeline",
        "/",
        (
            _allow(
                [
                    "cloudwatch:DeleteAlarms",
                    "cloudwatch:DescribeAlarmHistory",
                    "cloudwatch:DescribeAlarms",
                    "cloudwatch:DescribeAlarmsForMetric",
                    "cloudwatch:GetMetricStatistics",
                    "cloudwatch:ListMetrics",
                    "cloudwatch:PutMetricAlarm",
                    "dynamodb:*",
                    "sns:CreateTopic",
                    "sns:DeleteTopic",
                    "sns:ListSubscriptions",
                    "sns:ListSubscriptionsByTopic",
                    "sns:ListTopics",
                    "sns:Subscribe",
                    "sns:Unsubscribe",
                    "sns:SetTopicAttributes",
                ],
                Sid="DDBConsole",
            ),
            _allow(
                ["lambda:*", "iam:ListRoles"],
                Sid="DDBConsoleTriggers",
            ),
            _allow(
                ["datapipeline:*", "iam:ListRoles"],
                Sid="DDBConsoleImportExport",
            ),
            _allow(
                ["iam:GetRolePolicy", "iam:PassRole"],
                Sid="IAMEDPRoles",
            ),
        ),
        "This policy is on a deprecation path. Provides full access to Amazon DynamoDB including Export/Import using AWS "
        "Data Pipeline via the AWS Management Console.",
        "v2",
    ),
    _service_role("AWSLambdaRole", ["lambda:InvokeFunction"], "Default policy for AWS Lambda service role."),
    _service_role(
        "AWSLambdaVPCAccessExecutionRole",
        [
            *_LOG_WRITES,
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ],
        "Provides minimum permissions for a Lambda function to execute while accessing a resource within a VPC - create, "
        "describe, delete network interfaces and write permissions to CloudWatch Logs.",
        "v3",
    ),
    _service_role(
        "AWSLambdaSQSQueueExecutionRole",
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", *_LOG_WRITES],
        "Provides receive message, delete message, and read attribute access to SQS queues, and write permissions to "
        "CloudWatch logs.",
    ),
    _service_role(
        "AWSLambdaKinesisExecutionRole",
        [
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
            "kinesis:ListStreams",
            "kinesis:SubscribeToShard",
            *_LOG_WRITES,
        ],
        "Provides list and read access to Kinesis streams and write permissions to CloudWatch logs.",
        "v4",
    ),
    Row(
        "AWSLambda_ReadOnlyAccess",
        "/",
        (
            _allow(
                [
                    "cloudformation:DescribeStacks",
                    "cloudformation:ListStacks",
                    "cloudformation:ListStackResources",
                    "cloudwatch:GetMetricData",
                    "cloudwatch:ListMetrics",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcs",
                    "kms:ListAliases",
                    *_ROLE_READS,
                    "logs:DescribeLogGroups",
                    "lambda:Get*",
                    "lambda:List*",
                    "states:DescribeStateMachine",
                    "states:ListStateMachines",
                    "tag:GetResources",
                    "xray:GetTraceSummaries",
                    "xray:BatchGetTraces",
                ]
            ),
            _allow(_LOG_READS, "arn:aws:logs:*:*:log-group:/aws/lambda/*"),
        ),
        "Grants read-only access to AWS Lambda service, AWS Lambda console features, and other related AWS services.",
    ),
)

IDS = {
    "AdministratorAccess": "ANPAIWMBCKSKIEE64ZLYK",
    "PowerUserAccess": "ANPAJYRXTHIB4FOVS3ZXS",
    "ReadOnlyAccess": "ANPAILL3HVNFSB6DCOWYQ",
    "AmazonDynamoDBFullAccess": "ANPAINUGF2JSOSUY76KYA",
    "AmazonDynamoDBReadOnlyAccess": "ANPAIY2XFNA232XJ6J7X2",
    "AmazonDynamoDBFullAccesswithDataPipeline": "ANPAJ3ORT7KDISSXGHJXA",
    "AWSLambdaBasicExecutionRole": "ANPAJNCQGXC42545SKXIK",
    "AWSLambdaDynamoDBExecutionRole": "ANPAIP7WNAGMIPYNW4WQG",
    "AWSLambdaVPCAccessExecutionRole": "ANPAJVTME3YLVNL72YR2K",
    "AWSLambdaKinesisExecutionRole": "ANPAJHOLKJPXV4GBRMJUQ",
    "AWSLambdaRole": "ANPAJX4DPCRGTC4NFDUXI",
    "AWSLambdaExecute": "ANPAJE5FX7FQZSU5XAKGO",
    "AWSLambdaInvocation-DynamoDB": "ANPAJTHQ3EKCQALQDYG5G",
    "AWSLambdaSQSQueueExecutionRole": "ANPAJFWJZI6JNND4TSELK",
    "IAMFullAccess": "ANPAI7XKCFMBPM3QQRRVQ",
    "IAMReadOnlyAccess": "ANPAJKSO7NDY4T57MWDSQ",
    "CloudWatchLogsFullAccess": "ANPAJ3ZGNWK2R5HW5BQFO",
    "CloudWatchLogsReadOnlyAccess": "ANPAJ2YIYDYSNNEHK3VKW",
}
"""Policies that are not named have an id of ours, made from the name."""
