"""AWS's own policies about services that are not here, which the roles of functions have all the same.

Nothing here can be allowed by most of them; that they can be attached lets templates and scripts run as they are. Their
contents are recalled from AWS's reference; parts that only a console needs are left out.
"""

from __future__ import annotations

from typing import Any

from tabletop.iam.aws_managed_table import Row


def _row(
    name: str, actions: str | list[str], description: str, *, path: str = "/", resource: str = "*", version: str = "v1"
) -> Row:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return Row(name, path, (statement,), description, version)


_LOG_WRITES = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
_TRACES = [
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
]
_INTERFACES = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]
OTHERS = (
    _row("AmazonS3FullAccess", ["s3:*", "s3-object-lambda:*"], "Provides full access to all buckets.", version="v2"),
    _row(
        "AmazonS3ReadOnlyAccess",
        ["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"],
        "Provides read only access to all buckets.",
        version="v3",
    ),
    _row("AmazonSQSFullAccess", ["sqs:*"], "Provides full access to Amazon SQS."),
    _row(
        "AmazonSQSReadOnlyAccess",
        [
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
            "sqs:ListDeadLetterSourceQueues",
            "sqs:ListQueues",
            "sqs:ListMessageMoveTasks",
            "sqs:ListQueueTags",
        ],
        "Provides read only access to Amazon SQS.",
        version="v3",
    ),
    _row("AmazonSNSFullAccess", ["sns:*"], "Provides full access to Amazon SNS."),
    _row(
        "AmazonSNSReadOnlyAccess",
        ["sns:GetTopicAttributes", "sns:List*"],
        "Provides read only access to Amazon SNS.",
    ),
    _row("AmazonSESFullAccess", ["ses:*"], "Provides full access to Amazon SES."),
    _row("AmazonKinesisFullAccess", "kinesis:*", "Provides full access to all streams."),
    _row(
        "AmazonKinesisReadOnlyAccess",
        ["kinesis:Get*", "kinesis:List*", "kinesis:Describe*"],
        "Provides read only access to all streams.",
    ),
    _row("AmazonSSMReadOnlyAccess", ["ssm:Describe*", "ssm:Get*", "ssm:List*"], "Provides read only access to SSM."),
    _row("AWSStepFunctionsFullAccess", "states:*", "Provides full access to AWS Step Functions."),
    _row("AWSCloudFormationFullAccess", ["cloudformation:*"], "Provides full access to AWS CloudFormation."),
    _row("AWSXRayDaemonWriteAccess", _TRACES, "Allows the AWS X-Ray daemon to relay traces.", version="v2"),
    _row("AWSXrayWriteOnlyAccess", _TRACES, "Provides write only access to AWS X-Ray.", version="v2"),
    _row(
        "AmazonAPIGatewayInvokeFullAccess",
        ["execute-api:Invoke", "execute-api:ManageConnections"],
        "Provides full access to invoke APIs in Amazon API Gateway.",
        resource="arn:aws:execute-api:*:*:*",
    ),
    _row(
        "AmazonAPIGatewayAdministrator",
        ["apigateway:*"],
        "Provides full access to create, edit and delete APIs in Amazon API Gateway.",
        resource="arn:aws:apigateway:*::/*",
    ),
    _row(
        "AmazonAPIGatewayPushToCloudWatchLogs",
        [
            *_LOG_WRITES[:2],
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            _LOG_WRITES[2],
            "logs:GetLogEvents",
            "logs:FilterLogEvents",
        ],
        "Allows API Gateway to push logs to the user's account.",
        path="/service-role/",
    ),
    _row(
        "AWSLambdaENIManagementAccess",
        _INTERFACES,
        "Provides minimum permissions for a function to manage its network interfaces.",
        path="/service-role/",
    ),
    _row(
        "AWSLambdaMSKExecutionRole",
        [
            "kafka:DescribeCluster",
            "kafka:DescribeClusterV2",
            "kafka:GetBootstrapBrokers",
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeVpcs",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
            *_LOG_WRITES,
        ],
        "Provides permissions to read from an MSK cluster, to manage network interfaces and to write logs.",
        path="/service-role/",
        version="v2",
    ),
    Row(
        "CloudWatchLambdaInsightsExecutionRolePolicy",
        "/",
        (
            {"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": "arn:aws:logs:*:*:log-group:/aws/lambda-insights:*",
            },
        ),
        "Policy required for the Lambda Insights extension.",
    ),
    Row(
        "IAMUserChangePassword",
        "/",
        (
            {
                "Effect": "Allow",
                "Action": ["iam:ChangePassword"],
                "Resource": ["arn:aws:iam::*:user/${aws:username}"],
            },
            {"Effect": "Allow", "Action": ["iam:GetAccountPasswordPolicy"], "Resource": "*"},
        ),
        "Provides the ability for an IAM user to change their own password.",
        "v2",
    ),
    Row(
        "AWSDenyAll",
        "/",
        ({"Sid": "DenyAll", "Effect": "Deny", "Action": ["*"], "Resource": "*"},),
        "Deny all access.",
    ),
)
