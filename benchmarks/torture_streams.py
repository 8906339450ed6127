"""Do stream records match the writes? They are replayed: each must begin where the one before it of its item ended.

Every write of the torture stores a value that is never used again. So a record that is missing, doubled or out of order breaks
the chain of images of its item, and one of a write that never was leaves the replayed table different from the stored one.
"""

from __future__ import annotations

from typing import Any

from benchmarks.torture_load import Connection, Item

PAGES_MAX = 100_000


class Replay:
    """A table as its stream tells it. ``catch_up`` reads what was added since it was called last."""

    def __init__(self, table: str, keys: tuple[str, ...]) -> None:
        self._table = table
        self._keys = keys
        self._items: dict[str, Item] = {}
        self._read: dict[str, str] = {}
        """Shard -> the sequence number that was read last."""
        self.records = 0
        self.expired = 0

    def catch_up(self, connection: Connection, problems: list[str]) -> int:
        """Replay new records and compare; how many there were. No client may write meanwhile (expiry may)."""
        before = self._scanned(connection)
        added = self._new_records(connection, problems)
        after = self._scanned(connection)
        for record in sorted(added, key=lambda each: int(each["dynamodb"]["SequenceNumber"])):
            self.apply(record, problems)
        # What the server expired between the two scans may be told or not yet.
        wrong = [
            key
            for key in {*before, *after, *self._items}
            if self._items.get(key) not in (before.get(key), after.get(key))
        ]
        problems += [
            f"{self._table} {key}: the stream ends with {self._items.get(key)}, stored is {after.get(key)}"
            for key in wrong[:5]
        ]
        for key in wrong:
            self._items.pop(key, None)
            if key in after:
                self._items[key] = after[key]
        self.records += len(added)
        return len(added)

    def _scanned(self, connection: Connection) -> dict[str, Item]:
        found: dict[str, Item] = {}
        page: dict[str, Any] = {}
        for _ in range(PAGES_MAX):
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}
            page = connection.dynamodb("Scan", TableName=self._table, **start)
            found |= {self._key(item): item for item in page["Items"]}
            if "LastEvaluatedKey" not in page:
                return found
        raise AssertionError("the scan does not end")

    def _key(self, item: Item) -> str:
        return "/".join(next(iter(item[name].values())) for name in self._keys)

    def _new_records(self, connection: Connection, problems: list[str]) -> list[dict[str, Any]]:
        arn = connection.dynamodb("DescribeTable", TableName=self._table)["Table"]["LatestStreamArn"]
        found: list[dict[str, Any]] = []
        for shard in connection.streams("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]:
            shard_id = shard["ShardId"]
            since = self._read.get(shard_id)
            place = (
                {"ShardIteratorType": "TRIM_HORIZON"}
                if since is None
                else {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": since}
            )
            iterator = connection.streams("GetShardIterator", StreamArn=arn, ShardId=shard_id, **place)["ShardIterator"]
            mine: list[dict[str, Any]] = []
            for _ in range(PAGES_MAX):
                page = connection.streams("GetRecords", ShardIterator=iterator)
                mine += page["Records"]
                iterator = page.get("NextShardIterator")
                if iterator is None or not page["Records"]:
                    break
            # Between shards there is no order: what expires while they are read may be found in the one read last.
            numbers = [int(each["dynamodb"]["SequenceNumber"]) for each in mine]
            if numbers != sorted(set(numbers)) or (since is not None and numbers and numbers[0] <= int(since)):
                problems.append(f"{self._table} {shard_id}: sequence numbers are out of order after {since}")
            if mine:
                self._read[shard_id] = mine[-1]["dynamodb"]["SequenceNumber"]
            found += mine
        return found

    def apply(self, record: dict[str, Any], problems: list[str]) -> None:
        """One record in its order."""
        change = record["dynamodb"]
        key = self._key(change["Keys"])
        before, after = change.get("OldImage"), change.get("NewImage")
        if before != self._items.get(key):
            problems.append(
                f"{self._table} {key}: a record begins with {before}, the one before it ended with {self._items.get(key)}"
            )
        event = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
        if record["eventName"] != event or before == after:
            problems.append(f"{self._table} {key}: a record says {record['eventName']} of {before} to {after}")
        if "userIdentity" in record:
            self.expired += 1
        if after is None:
            self._items.pop(key, None)
        else:
            self._items[key] = after
