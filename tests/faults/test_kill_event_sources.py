"""kill -9 while a stream is being delivered: delivery goes on, at least once, in order for each item, none skipped."""

from __future__ import annotations

import io
import json
import random
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from benchmarks.torture import Server
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes in /proc")

KEYS = 6
WAIT_S = 60.0
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
# Each item counts up by one. The function notes durably which number it saw last, and under "skipped" any step of more
# than one upwards: a repetition goes back, a skipped or overtaken change would leap forward.
SOURCE = """
import boto3

table = boto3.resource("dynamodb").Table("seen")
failed = table.meta.client.exceptions.ConditionalCheckFailedException

def handler(event, context):
    for record in event["Records"]:
        key = record["dynamodb"]["Keys"]["p"]["S"]
        number = int(record["dynamodb"]["NewImage"]["n"]["N"])
        try:
            table.update_item(
                Key={"p": key},
                UpdateExpression="SET lastly = :n ADD calls :one",
                ConditionExpression="lastly >= :before OR (attribute_not_exists(lastly) AND :n = :one)",
                ExpressionAttributeValues={":n": number, ":before": number - 1, ":one": 1},
            )
        except failed:
            table.put_item(Item={"p": "skipped", "key": key, "number": number})
"""


class Desk:
    """The server of the moment, as its clients see it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.written = dict.fromkeys((f"k{number}" for number in range(KEYS)), 0)
        """The last number of each item that was acknowledged."""
        self.stopped = threading.Event()

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.server.port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=20),
        )

    def set_up(self) -> None:
        dynamodb, iam, functions = self.client("dynamodb"), self.client("iam"), self.client("lambda")
        definition = {
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        dynamodb.create_table(TableName="seen", **definition)
        stream = dynamodb.create_table(
            TableName="source",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            **definition,
        )["TableDescription"]["LatestStreamArn"]
        role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        for policy in ("AmazonDynamoDBFullAccess", "service-role/AWSLambdaDynamoDBExecutionRole"):
            iam.attach_role_policy(RoleName="worker", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("main.py", SOURCE)
        functions.create_function(
            FunctionName="counter", Runtime="python3.12", Handler="main.handler", Role=role, Timeout=30,
            Code={"ZipFile": package.getvalue()},
        )  # fmt: skip
        functions.create_event_source_mapping(
            FunctionName="counter", EventSourceArn=stream, StartingPosition="TRIM_HORIZON", BatchSize=5,
            ParallelizationFactor=2,
        )  # fmt: skip

    def write(self, keys: list[str]) -> None:
        """Count these items up until told to stop, through any number of deaths of the server."""
        server, client = None, None
        while not self.stopped.is_set():
            for key in keys:
                if server is not self.server:
                    server, client = self.server, self.client("dynamodb")
                try:
                    number = self.written[key] + 1
                    client.put_item(TableName="source", Item={"p": {"S": key}, "n": {"N": str(number)}})
                    self.written[key] = number
                except (ClientError, BotoCoreError):
                    time.sleep(0.05)
            time.sleep(0.1)

    def seen(self) -> dict[str, dict[str, int]]:
        """What the function noted of each item: lastly, calls."""
        items = self.client("dynamodb").scan(TableName="seen", ConsistentRead=True)["Items"]
        skipped = [item for item in items if item["p"]["S"] == "skipped"]
        assert skipped == []
        return {
            item["p"]["S"]: {name: int(value["N"]) for name, value in item.items() if name != "p"} for item in items
        }

    def wait_for_delivery(self) -> None:
        """Until more has been delivered than at the beginning."""
        before = sum(row["calls"] for row in self.seen().values())
        deadline = time.monotonic() + WAIT_S
        while sum(row["calls"] for row in self.seen().values()) <= before:
            assert time.monotonic() < deadline, "nothing is delivered"
            time.sleep(0.02)


# Clients count items up while the server is killed in the midst of deliveries. In the end the function has seen every
# item's last acknowledged number, and never a number before its predecessor.
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("seed", "workers"), [(21, 1), (22, 2)])
def test_delivery_survives_kills(tmp_path: Path, seed: int, workers: int) -> None:
    dice = random.Random(seed)
    log = tmp_path / "log"
    desk = Desk(Server(tmp_path / "data", workers, log))
    writers = []
    try:
        desk.set_up()
        keys = sorted(desk.written)
        for part in (keys[0::2], keys[1::2]):
            writers.append(threading.Thread(target=desk.write, args=(part,)))
            writers[-1].start()
        for _ in range(3):
            desk.wait_for_delivery()
            time.sleep(dice.uniform(0, 0.3))
            desk.server.kill()
            desk.server = Server(tmp_path / "data", workers, log)
        desk.wait_for_delivery()
        desk.stopped.set()
        for writer in writers:
            writer.join(30)
        deadline = time.monotonic() + WAIT_S
        while {key: row["lastly"] for key, row in desk.seen().items()} != desk.written:
            assert time.monotonic() < deadline, (desk.seen(), desk.written, log.read_text()[-2000:])
            time.sleep(0.05)
        assert min(desk.written.values()) > 5
    finally:
        desk.stopped.set()
        desk.server.kill()
        for writer in writers:
            writer.join(30)
