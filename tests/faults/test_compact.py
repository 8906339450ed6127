"""`tabletop compact` and `tabletop check` beside a running server, and in its absence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from fault_server import dynamodb, environment, running

TABLE = {
    "TableName": "things",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def tabletop(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tabletop", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment())


def key(number: int) -> dict[str, dict[str, str]]:
    return {"p": {"S": f"{number}"}}


# Beside a server: in place is refused with what to do, a copy is made, the data is checked, and the server serves on.
# Without a server the file shrinks. The copy serves what was stored at its moment.
def test_compact_and_check(tmp_path: Path) -> None:
    data, backup = tmp_path / "db", tmp_path / "backup"
    with running("--data", str(data)) as (_, port):
        assert dynamodb(port, "CreateTable", TABLE).status == 200
        for number in range(40):
            item = key(number) | {"blob": {"S": "x" * 100_000}}
            assert dynamodb(port, "PutItem", {"TableName": "things", "Item": item}).status == 200
        for number in range(1, 40):
            assert dynamodb(port, "DeleteItem", {"TableName": "things", "Key": key(number)}).status == 200
        refused = tabletop("compact", "--data", str(data))
        assert refused.returncode == 1
        assert "is in use by process" in refused.stderr
        assert "--to FOLDER" in refused.stderr
        assert tabletop("check", "--data", str(data)).returncode == 0
        assert tabletop("compact", "--data", str(data), "--to", str(backup)).returncode == 0
        assert dynamodb(port, "PutItem", {"TableName": "things", "Item": key(100)}).status == 200
    before_bytes = (data / "store" / "data.mdb").stat().st_size
    done = tabletop("compact", "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert (data / "store" / "data.mdb").stat().st_size < before_bytes / 5
    for directory, wanted in ((data, ["0", "100"]), (backup, ["0"])):
        assert tabletop("check", "--data", str(directory)).returncode == 0
        with running("--data", str(directory)) as (_, port):
            items = json.loads(dynamodb(port, "Scan", {"TableName": "things"}).body)["Items"]
            assert sorted(item["p"]["S"] for item in items) == wanted
