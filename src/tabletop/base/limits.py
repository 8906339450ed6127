"""Every bound of the server, with its unit and its reason. What AWS bounds for its callers stands in each service.

A bound is a constant; those that tests make smaller are gathered in ``HttpLimits``.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB

REQUEST_HEAD_BYTES_MAX = 16 * KIB
"""Request line and headers: DynamoDB's own bound. An honest head holds a 4 KB session token and an 8 KB target at the most."""

REQUEST_HEADERS_MAX = 200
"""Distinct header names of one request. SDKs send about 20, proxies add a few."""

REQUEST_BODY_BYTES_MAX = 72 * MIB
"""Body as sent, over all services: Lambda's CreateFunction carries a 50 MB zip as 67 MB of base64 inside JSON."""

DYNAMODB_BODY_BYTES_MAX = 17 * MIB
"""Body of a DynamoDB request: the API allows 16 MB for BatchWriteItem; the margin is for JSON around the items."""

BODIES_BYTES_MAX = 512 * MIB
"""Bodies of over 1 MiB that are being received, all connections of a listener together; beyond it a 503 answers."""

RUNNING_BODIES_BYTES_MAX = 256 * MIB
"""Bodies of requests that wait for their answer, all connections of a listener together; beyond it a 503 answers those over
RUNNING_BODY_BYTES, so that writes waiting for the disk cannot take memory without end."""

RUNNING_BODY_BYTES = 16 * KIB
"""Bodies up to this size are always taken: connections and the committer's queue bound them."""

UNREAD_BYTES_MAX = 256 * MIB
"""Answers that clients have not read, all connections of a listener together; beyond it those are cut that have not read for
the longest. Looked at once a second."""

LARGE_BODY_BYTES = 1 * MIB
"""From this size on a body counts towards BODIES_BYTES_MAX. Smaller ones are bounded by the number of connections."""

PIPELINE_REQUESTS_MAX = 32
"""Parsed requests that wait for the answer of an earlier one on their connection; then reading pauses."""

PIPELINE_BYTES_MAX = 1 * MIB
"""Bodies of those waiting requests; then reading pauses."""

READ_SLICE_BYTES = 16 * KIB
"""A read is parsed in pieces of this size, so that one read of tiny requests cannot overrun the pipeline far."""

WRITE_COALESCE_BYTES = 64 * KIB
"""Answers to pipelined requests are gathered up to this size before they are written."""

CONNECTIONS_MAX = 20_000
"""Open connections of one listener; further ones are answered 503. Overload tests use 10,000."""

CONNECTIONS_MIN = 16
FILES_RESERVED = 128
"""Open files that are kept from connections, where the system lets a process have few: the store, functions, the log."""

HEAD_TIMEOUT_S = 30.0
"""From a request's first byte to the end of its head."""

BODY_STALL_TIMEOUT_S = 30.0
"""Between two reads of a body."""

BODY_TIMEOUT_S = 600.0
"""From a request's first byte to the end of its body: 72 MB over 1 Mbit/s."""

IDLE_TIMEOUT_S = 300.0
"""A kept-alive connection without a request. Longer than SDK pools keep theirs, so that the client closes first."""

WRITE_STALL_TIMEOUT_S = 60.0
"""A client that reads nothing while an answer waits for it."""

LINGER_TIMEOUT_S = 10.0
"""After an early refusal the rest of the request is read and dropped for so long; closing at once would reset the
connection before the client has read the answer."""

STOP_IDLE_GRACE_S = 0.2
"""At a graceful stop an idle connection may still bring a request for so long, which is answered with a close."""

STOP_TIMEOUT_S = 10.0
"""At a graceful stop, running requests get so long to finish."""

WORKERS_MAX = 64
"""Worker processes. More than cores never helps; the bound keeps a typing error from forking without end."""

WORKER_RESTART_DELAY_S_MAX = 5.0
"""A worker that dies again at once is restarted after 0.1 s, then twice that each time, up to this."""

READINESS_TIMEOUT_S = 20.0
"""How long `tabletop start --detach` and the parent of workers wait for the first answer."""

RELAY_CONNECTIONS_MAX = 256
"""Connections a worker keeps open to the control process; Lambda invokes hold one each while they run."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The bounds of one listener, in bytes, requests and seconds."""

    head_bytes_max: int = REQUEST_HEAD_BYTES_MAX
    headers_max: int = REQUEST_HEADERS_MAX
    body_bytes_max: int = REQUEST_BODY_BYTES_MAX
    dynamodb_body_bytes_max: int = DYNAMODB_BODY_BYTES_MAX
    bodies_bytes_max: int = BODIES_BYTES_MAX
    running_bodies_bytes_max: int = RUNNING_BODIES_BYTES_MAX
    unread_bytes_max: int = UNREAD_BYTES_MAX
    pipeline_requests_max: int = PIPELINE_REQUESTS_MAX
    pipeline_bytes_max: int = PIPELINE_BYTES_MAX
    connections_max: int = CONNECTIONS_MAX
    head_timeout_s: float = HEAD_TIMEOUT_S
    body_stall_timeout_s: float = BODY_STALL_TIMEOUT_S
    body_timeout_s: float = BODY_TIMEOUT_S
    idle_timeout_s: float = IDLE_TIMEOUT_S
    write_stall_timeout_s: float = WRITE_STALL_TIMEOUT_S
    linger_timeout_s: float = LINGER_TIMEOUT_S
