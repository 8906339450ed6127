"""What is reported to the on-failure destination: where in the stream the records are, not the records themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tabletop.functions.event_sources.lanes import Batch


def report(
    batch: Batch, *, function_arn: str, version: str, stream_arn: str, shard_id: str, request_id: str, now: float
) -> dict[str, Any]:
    """AWS's invocation record for a batch of a DynamoDB stream that was given up."""
    first, last = batch.changes[0], batch.changes[-1]
    report: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": batch.condition,
            "approximateInvokeCount": batch.calls,
        }
    }
    if batch.calls:
        report["responseContext"] = {"statusCode": 200, "executedVersion": version}
        if batch.last_error:
            report["responseContext"]["functionError"] = batch.last_error
    report["version"] = "1.0"
    report["timestamp"] = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    report["DDBStreamBatchInfo"] = {
        "shardId": shard_id,
        "startSequenceNumber": first.number,
        "endSequenceNumber": last.number,
        "approximateArrivalOfFirstRecord": _time(first.made_s),
        "approximateArrivalOfLastRecord": _time(last.made_s),
        "batchSize": len(batch.changes),
        "streamArn": stream_arn,
    }
    return report


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
