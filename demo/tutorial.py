"""The tutorial's steps 1 to 7 and its cleanup: every command to the letter, and what it must answer."""

# The commands are the tutorial's to the letter, long lines included.
# ruff: noqa: E501

from __future__ import annotations

from demo.steps import NO_OUTPUT, Command, Step, answers, equals, holds, refused

INVOKED = (equals("StatusCode", 200), equals("FunctionError", None))
"""What the CLI prints about an invocation that went well; the function's own answer is in response.json."""

TUTORIAL = [
    Step(
        "Step 1: Create DynamoDB Table",
        "A table needs only its keys declared: the partition key userId, which decides where an item lies. "
        "Everything else about an item is free. EmailIndex is a global secondary index: the same items again, "
        "found by email.",
        [
            Command(
                r"""aws dynamodb create-table \
    --table-name Users \
    --attribute-definitions \
        AttributeName=userId,AttributeType=S \
        AttributeName=email,AttributeType=S \
    --key-schema \
        AttributeName=userId,KeyType=HASH \
    --global-secondary-indexes \
        '[{
            "IndexName": "EmailIndex",
            "KeySchema": [{"AttributeName":"email","KeyType":"HASH"}],
            "Projection": {"ProjectionType":"ALL"},
            "ProvisionedThroughput": {"ReadCapacityUnits":5,"WriteCapacityUnits":5}
        }]' \
    --provisioned-throughput \
        ReadCapacityUnits=5,WriteCapacityUnits=5 \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [
                    equals("TableDescription.TableName", "Users"),
                    equals("TableDescription.TableArn", "arn:aws:dynamodb:us-east-1:000000000000:table/Users"),
                    equals("TableDescription.GlobalSecondaryIndexes[].IndexName", ["EmailIndex"]),
                ],
            ),
            Command(
                r"""aws dynamodb describe-table \
    --table-name Users \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [
                    equals("Table.TableStatus", "ACTIVE"),
                    equals("Table.GlobalSecondaryIndexes[0].IndexStatus", "ACTIVE"),
                    equals("Table.KeySchema", [{"AttributeName": "userId", "KeyType": "HASH"}]),
                    equals("Table.ProvisionedThroughput.ReadCapacityUnits", 5),
                ],
                title="Verify table creation:",
                within_s=10,
            ),
            Command(
                r"""aws dynamodb list-tables \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [equals("TableNames", ["Users"])],
                title="List tables:",
            ),
        ],
    ),
    Step(
        "Step 2: CRUD Operations with AWS CLI",
        "An item is a set of named, typed attributes: S for text, N for numbers (sent as text, so that no "
        "digit is lost). PutItem and DeleteItem answer nothing unless asked; UpdateItem can answer the item "
        "as it is now.",
        [
            Command(
                r"""aws dynamodb put-item \
    --table-name Users \
    --item '{
        "userId": {"S": "user-001"},
        "email": {"S": "alice@example.com"},
        "name": {"S": "Alice Johnson"},
        "age": {"N": "28"},
        "role": {"S": "developer"}
    }' \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [NO_OUTPUT],
                title="Create (PutItem):",
            ),
            Command(
                r"""aws dynamodb put-item \
    --table-name Users \
    --item '{
        "userId": {"S": "user-002"},
        "email": {"S": "bob@example.com"},
        "name": {"S": "Bob Smith"},
        "age": {"N": "35"},
        "role": {"S": "manager"}
    }' \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [NO_OUTPUT],
                title="Add more users:",
            ),
            Command(
                r"""aws dynamodb put-item \
    --table-name Users \
    --item '{
        "userId": {"S": "user-003"},
        "email": {"S": "carol@example.com"},
        "name": {"S": "Carol Williams"},
        "age": {"N": "42"},
        "role": {"S": "architect"}
    }' \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [NO_OUTPUT],
            ),
            Command(
                r"""aws dynamodb get-item \
    --table-name Users \
    --key '{"userId": {"S": "user-001"}}' \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [equals("Item.name.S", "Alice Johnson"), equals("Item.age.N", "28"), equals("length(keys(Item))", 5)],
                title="Read (GetItem):",
            ),
            Command(
                r"""aws dynamodb update-item \
    --table-name Users \
    --key '{"userId": {"S": "user-001"}}' \
    --update-expression "SET age = :newAge, #r = :newRole" \
    --expression-attribute-names '{"#r": "role"}' \
    --expression-attribute-values '{":newAge": {"N": "29"}, ":newRole": {"S": "senior-developer"}}' \
    --return-values ALL_NEW \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [
                    equals("Attributes.age.N", "29"),
                    equals("Attributes.role.S", "senior-developer"),
                    equals("Attributes.name.S", "Alice Johnson"),
                ],
                title='Update (UpdateItem): "role" is a reserved word, so the expression calls it #r.',
            ),
            Command(
                r"""aws dynamodb delete-item \
    --table-name Users \
    --key '{"userId": {"S": "user-003"}}' \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [NO_OUTPUT],
                title="Delete (DeleteItem):",
            ),
        ],
    ),
    Step(
        "Step 3: Query Operations",
        "Query goes straight to one partition key, of the table or of an index. Scan reads everything, and a "
        "filter only drops what has already been read (and paid for).",
        [
            Command(
                r"""aws dynamodb query \
    --table-name Users \
    --key-condition-expression "userId = :id" \
    --expression-attribute-values '{":id": {"S": "user-001"}}' \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [equals("Count", 1), equals("ScannedCount", 1), equals("Items[0].age.N", "29")],
                title="Query by primary key:",
            ),
            Command(
                r"""aws dynamodb query \
    --table-name Users \
    --index-name EmailIndex \
    --key-condition-expression "email = :email" \
    --expression-attribute-values '{":email": {"S": "bob@example.com"}}' \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [equals("Items[].userId.S", ["user-002"]), equals("ScannedCount", 1)],
                title="Query using GSI (EmailIndex):",
            ),
            Command(
                r"""aws dynamodb scan \
    --table-name Users \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [equals("Count", 2), equals("sort(Items[].userId.S)", ["user-001", "user-002"])],
                title="Scan table:",
            ),
            Command(
                r"""aws dynamodb scan \
    --table-name Users \
    --filter-expression "age > :minAge" \
    --expression-attribute-values '{":minAge": {"N": "30"}}' \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [equals("Items[].name.S", ["Bob Smith"]), equals("Count", 1), equals("ScannedCount", 2)],
                title="Scan with filter: the filter saves traffic and no reading; ScannedCount tells what was read.",
            ),
        ],
    ),
    Step(
        "Step 4 and 5: The Function, and an IAM Role for It",
        "user_manager.py is the function (examples/user_manager has it, and explains it). It runs as a role: "
        "the trust policy says who may take the role, Lambda; the role's policy says what the function may do "
        "then, and nothing else is allowed.",
        [
            Command(
                r"""aws iam create-role \
    --role-name dynamodb-lambda-role \
    --assume-role-policy-document file://lambda-trust-policy.json \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [
                    equals("Role.Arn", "arn:aws:iam::000000000000:role/dynamodb-lambda-role"),
                    equals("Role.AssumeRolePolicyDocument.Statement[0].Principal.Service", "lambda.amazonaws.com"),
                ],
                title="Create role:",
            ),
            Command(
                r"""aws iam put-role-policy \
    --role-name dynamodb-lambda-role \
    --policy-name dynamodb-policy \
    --policy-document file://dynamodb-lambda-policy.json \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [NO_OUTPUT],
            ),
        ],
    ),
    Step(
        "Step 6: Deploy Lambda Function",
        "The code goes up as a zip file; the handler names the file and the function in it.",
        [
            Command(
                r"""zip user-manager.zip user_manager.py""",
                [],
            ),
            Command(
                r"""aws lambda create-function \
    --function-name user-manager \
    --runtime python3.9 \
    --role arn:aws:iam::000000000000:role/dynamodb-lambda-role \
    --handler user_manager.lambda_handler \
    --zip-file fileb://user-manager.zip \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
                [
                    equals("FunctionName", "user-manager"),
                    equals("Runtime", "python3.9"),
                    equals("Handler", "user_manager.lambda_handler"),
                    equals("FunctionArn", "arn:aws:lambda:us-east-1:000000000000:function:user-manager"),
                    holds("CodeSize > `0`", "the code has arrived"),
                ],
            ),
        ],
    ),
    Step(
        "Step 7: Test Lambda Function",
        "Each invocation is one JSON event in and one JSON answer out, written to response.json.",
        [
            Command(
                r"""aws lambda invoke \
    --function-name user-manager \
    --payload '{"action": "CREATE", "data": {"userId": "user-101", "email": "test@example.com", "name": "Test User", "age": 25, "role": "tester"}}' \
    --endpoint-url http://localhost:4566 \
    --profile localstack \
    response.json""",
                [*INVOKED],
                title="Create user:",
            ),
            Command(
                r"""cat response.json""",
                [*answers(201), equals("body.user.userId", "user-101")],
            ),
            Command(
                r"""aws lambda invoke \
    --function-name user-manager \
    --payload '{"action": "READ", "userId": "user-101"}' \
    --endpoint-url http://localhost:4566 \
    --profile localstack \
    response.json""",
                [*INVOKED],
                title="Read user:",
            ),
            Command(
                r"""cat response.json""",
                [*answers(200), equals("body.user.name", "Test User"), equals("body.user.age", 25)],
            ),
            Command(
                r"""aws lambda invoke \
    --function-name user-manager \
    --payload '{"action": "UPDATE", "userId": "user-101", "updates": {"age": 26, "role": "senior-tester"}}' \
    --endpoint-url http://localhost:4566 \
    --profile localstack \
    response.json""",
                [*INVOKED],
                title="Update user:",
            ),
            Command(
                r"""cat response.json""",
                [
                    *answers(200),
                    equals("body.user.age", 26),
                    equals("body.user.role", "senior-tester"),
                    equals("body.user.name", "Test User"),
                ],
            ),
            Command(
                r"""aws lambda invoke \
    --function-name user-manager \
    --payload '{"action": "FIND_BY_EMAIL", "email": "test@example.com"}' \
    --endpoint-url http://localhost:4566 \
    --profile localstack \
    response.json""",
                [*INVOKED],
                title="Find by email:",
            ),
            Command(
                r"""cat response.json""",
                [*answers(200), equals("body.user.userId", "user-101")],
            ),
            Command(
                r"""aws lambda invoke \
    --function-name user-manager \
    --payload '{"action": "LIST"}' \
    --endpoint-url http://localhost:4566 \
    --profile localstack \
    response.json""",
                [*INVOKED],
                title="List all users:",
            ),
            Command(
                r"""cat response.json""",
                [*answers(200), equals("sort(body.users[].userId)", ["user-001", "user-002", "user-101"])],
            ),
            Command(
                r"""aws lambda invoke \
    --function-name user-manager \
    --payload '{"action": "DELETE", "userId": "user-101"}' \
    --endpoint-url http://localhost:4566 \
    --profile localstack \
    response.json""",
                [*INVOKED],
                title="Delete user:",
            ),
            Command(
                r"""cat response.json""",
                [*answers(200), equals("body.user.userId", "user-101")],
            ),
        ],
    ),
]

CLEANUP = Step(
    "Cleanup",
    "Everything that was made is taken away again, the challenges' own things included.",
    [
        Command(
            r"""aws lambda delete-function \
    --function-name user-manager \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
            [],
        ),
        Command(
            r"""aws dynamodb delete-table \
    --table-name Users \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
            [equals("TableDescription.TableStatus", "DELETING")],
        ),
        Command(
            r"""aws iam delete-role-policy \
    --role-name dynamodb-lambda-role \
    --policy-name dynamodb-policy \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
            [NO_OUTPUT],
        ),
        Command(
            r"""aws iam delete-role \
    --role-name dynamodb-lambda-role \
    --endpoint-url http://localhost:4566 \
    --profile localstack""",
            [NO_OUTPUT],
        ),
        Command(
            r"""rm -f user-manager.zip response.json""",
            [NO_OUTPUT],
        ),
        Command(
            """aws dynamodb list-tables \\
    --endpoint-url http://localhost:4566 \\
    --profile localstack""",
            [equals("TableNames", [])],
            title="Nothing is left:",
            within_s=10,
        ),
        Command(
            """aws iam get-role \\
    --role-name dynamodb-lambda-role \\
    --endpoint-url http://localhost:4566 \\
    --profile localstack""",
            [refused("NoSuchEntity", "The role with name dynamodb-lambda-role cannot be found.")],
        ),
    ],
)
