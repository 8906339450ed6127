"""`tabletop import` and `tabletop export` on a data directory, by click's runner; beside a server, in processes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import orjson
import pytest
from click.testing import CliRunner, Result

from tabletop.base.call import Call, Principal
from tabletop.cli import import_, import_sources, tabletop
from tabletop.cli.check import check_directory
from tabletop.dynamodb.service import DynamoDb
from tabletop.storage.engine import LmdbStore, open_store

ACCOUNT, REGION = "000000000000", "us-east-1"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
WAIT_S = 60.0
THINGS = {
    "TableName": "things",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [
        {"AttributeName": "p", "AttributeType": "S"},
        {"AttributeName": "n", "AttributeType": "N"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-n",
            "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr("tabletop.server.state.temporary_directories", list)
    for name in ("TABLETOP_DATA_DIRECTORY", "TABLETOP_IN_MEMORY", "TABLETOP_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def ask(store: LmdbStore, action: str, **body: Any) -> Any:
    """Over a store that is not durable, where every plan runs at once."""
    service = DynamoDb(store)
    call = Call("id", ACCOUNT, REGION, ROOT, 1.0)
    operation, parameters = service.decode(action, orjson.dumps(body), call)
    answers: list[Any] = []
    service.run(operation, call, parameters, answers.append)
    (answer,) = answers
    if isinstance(answer, BaseException):
        raise answer
    return orjson.loads(answer) if isinstance(answer, bytes) else answer


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory with the table; proved whole in the end."""
    directory = tmp_path / "db"
    store = open_store(directory, durable=False)
    ask(store, "CreateTable", **THINGS)
    store.close()
    yield directory
    assert check_directory(directory) == []


def asked(data: Path, action: str, **body: Any) -> Any:
    store = open_store(data, durable=False)
    try:
        return ask(store, action, TableName="things", **body)
    finally:
        store.close()


def items(data: Path) -> dict[str, Any]:
    return {item["p"]["S"]: item for item in asked(data, "Scan")["Items"]}


def run(data: Path, *arguments: str, **more: Any) -> Result:
    return CliRunner().invoke(tabletop, [*arguments, "--data", str(data)], prog_name="tabletop", **more)


def lines(*rows: Any) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def item(key: str, **numbers: int) -> dict[str, Any]:
    return {"p": {"S": key}} | {name: {"N": str(number)} for name, number in numbers.items()}


# Both forms of a line are taken, compressed too; what follows from an item is there: its index entry, its change record.
def test_dynamodb_json(data: Path, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(lines({"Item": item("a", n=1)}, item("b", n=2)) + b"\n")
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(lines({"Item": item("c", n=3)})))
    done = run(data, "import", "things", "a.json", "c.json.gz")
    assert done.exit_code == 0
    assert done.output.startswith("3 items are in (")
    assert items(data) == {"a": item("a", n=1), "b": item("b", n=2), "c": item("c", n=3)}
    values = {":n": {"N": "2"}}
    found = asked(data, "Query", IndexName="by-n", KeyConditionExpression="n = :n", ExpressionAttributeValues=values)
    assert found["Items"] == [item("b", n=2)]
    table = asked(data, "DescribeTable")["Table"]
    assert table["ItemCount"] == 3
    store = open_store(data, durable=False)
    try:
        shards = ask(store, "DescribeStream", StreamArn=table["LatestStreamArn"])["StreamDescription"]["Shards"]
        records = 0
        for shard in shards:
            wanted = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = ask(store, "GetShardIterator", StreamArn=table["LatestStreamArn"], **wanted)["ShardIterator"]
            records += len(ask(store, "GetRecords", ShardIterator=iterator)["Records"])
    finally:
        store.close()
    assert records == 3


# A line that is no item costs only itself: it is told with file and line, kept in the errors file, and the status is 1.
def test_refusals(data: Path, tmp_path: Path) -> None:
    bad = b'nonsense\n[1]\n{"p":{"S":""}}\n{"p":{"S":"x"},"n":{"S":"1"}}\n{"p":{"S":"x"},"m":{"S":1}}\n'
    (tmp_path / "a.json").write_bytes(lines(item("a")) + bad + lines(item("b")))
    done = run(data, "import", "things", "a.json", "--errors", "refused.json")
    assert done.exit_code == 1
    assert "2 items are in, 5 refused" in done.output
    assert "a.json:4: One or more parameter values are not valid. The AttributeValue for a key" in done.output
    kept = [json.loads(line) for line in (tmp_path / "refused.json").read_text().splitlines()]
    assert [(row["file"], row["line"]) for row in kept] == [("a.json", number) for number in (2, 3, 4, 5, 6)]
    assert "Type mismatch for Index Key n" in kept[3]["error"]
    assert set(items(data)) == {"a", "b"}


# A thousand bad lines must not scroll away what matters: the first are shown, the rest counted.
def test_many_refusals(data: Path, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"{}\n" * 50)
    done = run(data, "import", "things", "a.json")
    assert done.output.count("a.json:") == import_.PROBLEMS_SHOWN_MAX
    assert "50 refused" in done.output


# The last of several items with one key counts, within a chunk and between chunks, as if they were put one by one.
@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_same_key_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(import_, "ALONE", import_.Pace(chunk, 1 << 20, 0.0))
    rows = [item(key, n=number) for number, key in enumerate("abcabcaab")]
    (tmp_path / "a.json").write_bytes(lines(*rows))
    assert run(data, "import", "things", "a.json").exit_code == 0
    assert {key: one["n"]["N"] for key, one in items(data).items()} == {"a": "7", "b": "8", "c": "5"}
    assert run(data, "import", "things", "a.json").exit_code == 0
    assert asked(data, "DescribeTable")["Table"]["ItemCount"] == 3


# The header names the attributes, keys have the table's types, the rest are strings; an empty cell of a key is left out.
def test_csv(data: Path, tmp_path: Path) -> None:
    text = '\ufeffp,n,note\na,1,"one, ""two""\nthree"\nb,,\nc,x,bad\nd,1\n'
    (tmp_path / "a.csv").write_bytes(text.encode() + b"e,2,\xff\nf,2,ok\n")
    done = run(data, "import", "things", "a.csv")
    assert done.exit_code == 1
    assert "a.csv:5: The parameter cannot be converted to a numeric value: x" in done.output
    assert "a.csv:6: the row has 2 cells, the header 3" in done.output
    assert "a.csv:7: the text is not UTF-8" in done.output
    assert items(data) == {
        "a": item("a", n=1) | {"note": {"S": 'one, "two"\nthree'}},
        "b": item("b") | {"note": {"S": ""}},
        "f": item("f", n=2) | {"note": {"S": "ok"}},
    }


# Memory is bounded whatever the file holds: a line without end is refused, and reading goes on behind it.
def test_long_lines(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_sources, "LINE_BYTES_MAX", 64)
    at_limit = b'{"p":{"S":"' + b"x" * (63 - 14) + b'"}}\n'
    assert len(at_limit) == 64
    (tmp_path / "a.json").write_bytes(
        at_limit + at_limit.replace(b"\n", b" \n") + b"x" * 200 + b"\n" + lines(item("b"))
    )
    done = run(data, "import", "things", "a.json")
    assert "2 items are in, 2 refused" in done.output
    assert "a.json:3: the line is longer than 64 bytes" in done.output


# A compressed file that ends too early is an error, not an end; what was read before it is in.
def test_damaged_compression(data: Path, tmp_path: Path) -> None:
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(lines(*(item(str(n)) for n in range(2000))))[:-20])
    done = run(data, "import", "things", "a.json.gz")
    assert done.exit_code == 1
    assert "the compressed data is damaged" in done.output


# Ctrl-C ends it with a count of what is in, which is true; the same command again completes the work.
def test_interrupted(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_, "ALONE", import_.Pace(10, 1 << 20, 0.0))
    (tmp_path / "a.json").write_bytes(lines(*(item(str(n)) for n in range(95))))
    taken = import_.Loader.add

    def add(loader: import_.Loader, one: Any, file: str, line: int) -> bool:
        if line == 55:
            raise KeyboardInterrupt
        return taken(loader, one, file, line)

    with monkeypatch.context() as patched:
        patched.setattr(import_.Loader, "add", add)
        done = run(data, "import", "things", "a.json")
    assert done.exit_code == import_.INTERRUPTED
    assert done.output.startswith("50 items are in")
    assert len(items(data)) == 50
    assert run(data, "import", "things", "a.json").exit_code == 0
    assert len(items(data)) == 95


# A table that is not there is told at once, with the place where one of that name is.
def test_table_elsewhere(data: Path, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(lines(item("a")))
    done = run(data, "import", "things", "a.json", "--region", "eu-west-1")
    assert done.exit_code == 1
    assert "there is no table things in eu-west-1" in done.output
    assert "--region us-east-1" in done.output
    assert items(data) == {}
    assert run(data, "import", "things", "missing.json").exit_code == 1


# An export is what an import takes: also compressed, also through the standard streams.
@pytest.mark.parametrize("name", ["out.json", "out.json.gz", "-"])
def test_export_and_back(data: Path, tmp_path: Path, name: str) -> None:
    rows = {str(n): item(str(n), n=n) | {"t": {"S": "ä\n"}} for n in range(30)}
    (tmp_path / "a.json").write_bytes(lines(*rows.values()))
    assert run(data, "import", "things", "a.json").exit_code == 0
    done = run(data, "export", "things", name)
    assert done.exit_code == 0
    assert done.stderr == "30 items written\n"
    for key in rows:
        asked(data, "DeleteItem", Key={"p": {"S": key}})
    assert run(data, "import", "things", name, input=done.stdout_bytes).exit_code == 0
    assert items(data) == rows


# Who loads without a server keeps servers and `tabletop compact` away; what another file took the place of is not in.
def test_the_data_stays_the_same(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_bytes(lines(item("a"), item("b")))
    taken = import_.Loader.add
    refused: list[str] = []

    def add(loader: import_.Loader, one: Any, file: str, line: int) -> bool:
        refused.append(run(data, "compact").output)
        store = data / "store" / "data.mdb"
        store.with_name("copy").write_bytes(store.read_bytes())
        store.with_name("copy").rename(store)
        return taken(loader, one, file, line)

    monkeypatch.setattr(import_.Loader, "add", add)
    done = run(data, "import", "things", "a.json")
    assert done.exit_code == 1
    assert "load it again" in done.output
    assert all("is in use by another process" in text for text in refused)


# Beside a server, durable or in memory: the importing process writes into its store, and the server reads it at once.
@pytest.mark.parametrize("where", [("--in-memory",), ("--data", "served")])
def test_beside_a_server(tmp_path: Path, where: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "tabletop"]
    server = subprocess.Popen([*command, "start", "--port", "0", *where], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().rpartition("Ready at ")[2].strip()
        port = address.rpartition(":")[2]
        client = boto3.client(
            "dynamodb", endpoint_url=address, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )
        client.create_table(**THINGS)
        (tmp_path / "a.json").write_bytes(lines(*(item(str(n), n=n) for n in range(1200))))
        done = subprocess.run(
            [*command, "import", "things", "a.json", "--port", port],
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert client.scan(TableName="things", Select="COUNT")["Count"] == 1200
        assert client.get_item(TableName="things", Key={"p": {"S": "77"}})["Item"] == item("77", n=77)
    finally:
        server.terminate()
        server.wait(timeout=WAIT_S)
