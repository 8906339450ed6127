"""What is no API call: health pages, CORS, and paths that nobody serves."""

from __future__ import annotations

import orjson

from tabletop import __version__
from tabletop.wire.http import HeaderList, HttpRequest, HttpResponse

CORS_HEADERS: HeaderList = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "x-amzn-RequestId,x-amz-crc32,x-amzn-ErrorType,Date"),
]


def page(request: HttpRequest, services: tuple[str, ...]) -> HttpResponse | None:
    """The answer to a request that names no API; None where it is to be taken for an API call."""
    if request.method == "OPTIONS":
        return preflight(request)
    if request.method not in ("GET", "HEAD"):
        return None
    here = alive(request)
    if here is not None:
        return here
    if request.path in ("/_localstack/health", "/_tabletop/health", "/health"):
        state = {"services": dict.fromkeys(services, "running"), "edition": "tabletop", "version": __version__}
        return HttpResponse(200, [("Content-Type", "application/json")], orjson.dumps(state))
    return None


def alive(request: HttpRequest) -> HttpResponse | None:
    """The answer to ``GET /``: the server is here, and serves DynamoDB at least."""
    if request.method not in ("GET", "HEAD") or request.path != "/" or request.query:
        return None
    return _text(200, f"healthy: {request.headers.get('host', 'localhost')}")


def preflight(request: HttpRequest) -> HttpResponse:
    """Any page of any origin may call: this is a server for the machine's own user, and calls carry signatures."""
    if "origin" not in request.headers:
        return HttpResponse(200, [])
    headers: HeaderList = [("Access-Control-Max-Age", "172800")]
    for asked, allowed in (
        ("access-control-request-method", "Access-Control-Allow-Methods"),
        ("access-control-request-headers", "Access-Control-Allow-Headers"),
    ):
        if asked in request.headers:
            headers.append((allowed, request.headers[asked]))
    return HttpResponse(200, headers)


def not_found() -> HttpResponse:
    return _text(404, "<UnknownOperationException/>\n")


def _text(status: int, text: str) -> HttpResponse:
    return HttpResponse(status, [("Content-Type", "text/plain")], text.encode())
