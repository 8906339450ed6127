"""The tutorial's five challenge exercises, by function and by CLI; then what the role forbids, and what was logged."""

# Commands are shown as a user would type them, long lines included.
# ruff: noqa: E501

from __future__ import annotations

import json
from typing import Any

from demo.steps import NO_OUTPUT, Check, Command, Step, answers, equals, holds, prints, refused

ENDPOINT = """ \\
    --endpoint-url http://localhost:4566 \\
    --profile localstack"""
INVOKED = (equals("StatusCode", 200), equals("FunctionError", None))


def aws(text: str, *checks: Check, title: str = "", within_s: float = 0) -> Command:
    return Command(f"aws {text}{ENDPOINT}", checks, title, within_s)


def call(action: str, status: int, *checks: Check, title: str = "", **members: Any) -> list[Command]:
    """The two commands with which the tutorial calls its function."""
    payload = json.dumps({"action": action, **members})
    invoke = f"lambda invoke \\\n    --function-name user-manager \\\n    --payload '{payload}'"
    return [
        Command(f"aws {invoke}{ENDPOINT} \\\n    response.json", INVOKED, title),
        Command("cat response.json", answers(status, *checks)),
    ]


SORTING = Step(
    "Challenge 1: Add LSI for Sorting",
    "A local secondary index keeps the partition key and sorts by something else: here each user's records by their time "
    "of creation. It must be made with the table, and unlike a global index it can be read consistently.",
    [
        aws(
            "dynamodb create-table \\\n    --cli-input-json file://user-records-table.json",
            equals("TableDescription.LocalSecondaryIndexes[].IndexName", ["ByCreatedAt"]),
        ),
        aws("dynamodb wait table-exists \\\n    --table-name UserRecords", NO_OUTPUT),
        *call(
            "ADD_RECORD",
            201,
            userId="user-001",
            record={"recordId": "a", "createdAt": "2026-03-01T09:00:00Z", "kind": "promotion"},
            title="Three records, not in the order of their dates:",
        ),
        *call(
            "ADD_RECORD",
            201,
            userId="user-001",
            record={"recordId": "b", "createdAt": "2026-01-15T09:00:00Z", "kind": "hired"},
        ),
        *call(
            "ADD_RECORD",
            201,
            userId="user-001",
            record={"recordId": "c", "createdAt": "2026-02-10T09:00:00Z", "kind": "training"},
        ),
        *call(
            "LIST_RECORDS",
            200,
            equals("body.records[].kind", ["hired", "training", "promotion"]),
            userId="user-001",
            title="Sorted by creation:",
        ),
        aws(
            "dynamodb query \\\n    --table-name UserRecords \\\n    --index-name ByCreatedAt \\\n"
            "    --key-condition-expression 'userId = :id AND createdAt > :since' \\\n"
            """    --expression-attribute-values '{":id": {"S": "user-001"}, ":since": {"S": "2026-02-01"}}' \\\n"""
            "    --no-scan-index-forward \\\n    --consistent-read",
            equals("Items[].recordId.S", ["a", "c"]),
            title="The same by CLI: only what is newer than February began, the newest first.",
        ),
        *call(
            "ADD_RECORD",
            404,
            equals("body.error", "UserNotFound"),
            userId="nobody",
            record={"kind": "hired"},
            title="A record of nobody is refused: the check and the write are one transaction.",
        ),
    ],
)

BATCHES = Step(
    "Challenge 2: Batch Operations",
    "One request carries up to 25 writes or 100 reads. What a busy table leaves over comes back as unprocessed, and the "
    "function sends it again, after pauses that grow and vary. A batch is no transaction, and takes no conditions.",
    [
        *call(
            "BATCH_CREATE",
            201,
            equals("body.created", ["user-201", "user-202", "user-203"]),
            equals("body.unprocessed", []),
            users=[
                {"userId": "user-201", "email": "dan@example.com", "name": "Dan Brown", "age": 30, "credits": 100},
                {"userId": "user-202", "email": "eve@example.com", "name": "Eve Davis", "age": 31, "credits": 20},
                {"userId": "user-203", "email": "finn@example.com", "name": "Finn Evans", "age": 32},
            ],
        ),
        *call(
            "BATCH_READ",
            200,
            equals("body.users[].name", ["Eve Davis", "Alice Johnson"]),
            equals("body.missing", ["nobody"]),
            userIds=["user-202", "user-001", "nobody"],
        ),
        aws(
            """dynamodb batch-get-item \\\n    --request-items '{"Users": {"Keys": [{"userId": {"S": "user-201"}}, {"userId": {"S": "user-203"}}]}}'""",
            equals("sort(Responses.Users[].userId.S)", ["user-201", "user-203"]),
            equals("UnprocessedKeys", {}),
            title="The same read by CLI:",
        ),
    ],
)

CONDITIONS = Step(
    "Challenge 3: Conditional Writes",
    "A condition is checked where the write happens. Nobody can come in between, as somebody can after a read.",
    [
        *call(
            "UPDATE_IF_GREATER",
            200,
            equals("body.user.age", 33),
            userId="user-203",
            attribute="age",
            value=33,
            title="Finn is 32: 33 is greater.",
        ),
        *call(
            "UPDATE_IF_GREATER",
            409,
            equals("body.error", "NotGreater"),
            equals("body.current", 33),
            userId="user-203",
            attribute="age",
            value=20,
        ),
        aws(
            """dynamodb update-item \\\n    --table-name Users \\\n    --key '{"userId": {"S": "user-203"}}' \\\n    --update-expression 'SET age = :new' \\\n    --condition-expression 'age < :new' \\\n    --expression-attribute-values '{":new": {"N": "33"}}'""",
            refused("ConditionalCheckFailedException", "The conditional request failed"),
            title="Equal is not greater, says DynamoDB itself:",
        ),
        *call(
            "CREATE",
            409,
            equals("body.error", "EmailTaken"),
            data={"userId": "user-204", "email": "finn@example.com"},
            title="An e-mail address belongs to one user: CREATE writes user and claim in one transaction.",
        ),
        *call(
            "UPDATE",
            409,
            equals("body.error", "VersionConflict"),
            userId="user-203",
            updates={"role": "guest"},
            expectedVersion=1,
            title="Who still has version 1 in hand does not overwrite version 2:",
        ),
    ],
)

EXPIRY = Step(
    "Challenge 4: TTL (Time To Live)",
    "The table is told which attribute holds the time of expiry, in seconds since 1970. Items past it are deleted in the "
    "background: on AWS within days, here within seconds. Until then they are still there, and readers filter them out.",
    [
        aws(
            "dynamodb update-time-to-live \\\n    --table-name Users \\\n    --time-to-live-specification 'Enabled=true,AttributeName=expiresAt'",
            equals("TimeToLiveSpecification.Enabled", True),
        ),
        aws(
            "dynamodb describe-time-to-live \\\n    --table-name Users",
            equals("TimeToLiveDescription", {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}),
            within_s=10,
        ),
        *call(
            "CREATE",
            201,
            holds("body.user.expiresAt > `1700000000`", "the user has a time of expiry"),
            data={"userId": "guest-1", "email": "guest@example.com", "ttlSeconds": 8},
        ),
        aws(
            """dynamodb get-item \\\n    --table-name Users \\\n    --key '{"userId": {"S": "guest-1"}}' \\\n    --consistent-read""",
            equals("Item.email.S", "guest@example.com"),
        ),
        aws(
            """dynamodb get-item \\\n    --table-name Users \\\n    --key '{"userId": {"S": "guest-1"}}' \\\n    --consistent-read""",
            NO_OUTPUT,
            title="And seconds later the item itself is gone, deleted by nobody:",
            within_s=40,
        ),
    ],
)

TRANSACTIONS = Step(
    "Challenge 5: Transactions",
    "Several writes, each with its condition, happen all or not at all. Who is refused learns the reason for each.",
    [
        *call(
            "TRANSFER",
            200,
            equals("body.credits", {"user-201": 70, "user-202": 50}),
            transferId="transfer-1",
            amount=30,
            **{"from": "user-201", "to": "user-202"},
        ),
        *call(
            "TRANSFER",
            200,
            equals("body.credits", {"user-201": 70, "user-202": 50}),
            transferId="transfer-1",
            amount=30,
            title="The same transfer sent again, as after a lost answer, is not done twice:",
            **{"from": "user-201", "to": "user-202"},
        ),
        *call(
            "TRANSFER",
            409,
            equals("body.error", "NotEnoughCredits"),
            equals("body.credits", 70),
            amount=1000,
            title="More than there is:",
            **{"from": "user-201", "to": "user-202"},
        ),
        aws(
            """dynamodb transact-write-items \\\n    --transact-items '[
        {"Update": {"TableName": "Users", "Key": {"userId": {"S": "user-202"}},
            "UpdateExpression": "SET credits = credits + :n",
            "ExpressionAttributeValues": {":n": {"N": "1000"}}}},
        {"Update": {"TableName": "Users", "Key": {"userId": {"S": "user-201"}},
            "UpdateExpression": "SET credits = credits - :n",
            "ConditionExpression": "credits >= :n",
            "ExpressionAttributeValues": {":n": {"N": "1000"}}}}]'""",
            refused("TransactionCanceledException", "[None, ConditionalCheckFailed]"),
            title="By CLI: the first update alone would have gone through.",
        ),
        *call(
            "BATCH_READ",
            200,
            equals("body.users[].credits", [70, 50]),
            userIds=["user-201", "user-202"],
            title="Nothing has moved:",
        ),
    ],
)

PERMISSIONS = Step(
    "What the role may not do",
    "A second function with the same role tries to delete the table. No statement of the policy allows that, so it is "
    "refused, and the invocation fails with AWS's error.",
    [
        Command("zip overreach.zip overreach.py"),
        aws(
            "lambda create-function \\\n    --function-name overreach \\\n    --runtime python3.9 \\\n"
            "    --role arn:aws:iam::000000000000:role/dynamodb-lambda-role \\\n"
            "    --handler overreach.handler \\\n    --zip-file fileb://overreach.zip",
            equals("FunctionName", "overreach"),
        ),
        Command(
            f"aws lambda invoke \\\n    --function-name overreach{ENDPOINT} \\\n    response.json",
            [equals("StatusCode", 200), equals("FunctionError", "Unhandled")],
        ),
        Command(
            "cat response.json",
            [
                equals("errorType", "ClientError"),
                prints(
                    "(AccessDeniedException)",
                    "User: arn:aws:sts::000000000000:assumed-role/dynamodb-lambda-role/overreach",
                    "is not authorized to perform: dynamodb:DeleteTable",
                    "on resource: arn:aws:dynamodb:us-east-1:000000000000:table/Users",
                ),
            ],
        ),
        aws(
            "dynamodb describe-table \\\n    --table-name Users \\\n    --query Table.TableStatus",
            prints('"ACTIVE"'),
            title="The table stands:",
        ),
    ],
)

LOGS = Step(
    "What the function logged",
    "Every invocation leaves START, END and REPORT in CloudWatch Logs, and between them what the function printed. "
    "(With version 2 of the AWS CLI: aws logs tail /aws/lambda/user-manager.)",
    [
        aws(
            "logs filter-log-events \\\n    --log-group-name /aws/lambda/user-manager \\\n"
            "    --limit 8 \\\n    --query 'events[].message' \\\n    --output text",
            prints("START RequestId: ", "END RequestId: ", "REPORT RequestId: ", '"action": "CREATE"'),
            within_s=10,
        ),
    ],
)

CHALLENGES_CLEANUP = Step(
    "Cleanup of the challenges",
    "What the challenges added to the tutorial's own things.",
    [
        aws("lambda delete-function \\\n    --function-name overreach"),
        aws(
            "dynamodb delete-table \\\n    --table-name UserRecords",
            equals("TableDescription.TableName", "UserRecords"),
        ),
        aws("logs delete-log-group \\\n    --log-group-name /aws/lambda/overreach", NO_OUTPUT),
        aws("logs delete-log-group \\\n    --log-group-name /aws/lambda/user-manager", NO_OUTPUT),
        Command("rm -f overreach.zip"),
    ],
)

CHALLENGES = [SORTING, BATCHES, CONDITIONS, EXPIRY, TRANSACTIONS, PERMISSIONS, LOGS, CHALLENGES_CLEANUP]
