"""What is no API call: health pages, CORS, and paths that nobody serves."""

from __future__ import annotations

import orjson

from tabletop import __version__
from tabletop.base.randomness import new_request_id
from tabletop.wire import cbor, cbor_values, routing
from tabletop.wire.http import HeaderList, HttpRequest, HttpResponse
from tabletop.wire.xml_values import escape

_XML_SERVICES = frozenset({"s3", "s3express", "route53", "cloudfront"})
"""REST services that answer in XML, the ones that newcomers try."""
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
    if (
        request.method not in ("GET", "HEAD")
        or request.path != "/"
        or request.query
        or "authorization" in request.headers
    ):
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


def not_served(request: HttpRequest, services: tuple[str, ...]) -> HttpResponse:
    """The answer to a request for no service that is served: what is missing, in the protocol that the client speaks.

    The words are ours. An SDK shows them as it shows any error of the service, and does not try again.
    """
    scope = routing.credential_scope(request)
    named = scope[3] if scope is not None else ""
    smithy = cbor.PATH.fullmatch(request.path)
    target = smithy[1] if smithy else request.headers.get("x-amz-target", "")
    if not (named or target) or (named == "dynamodb" and request.path != "/" and not smithy):
        return _text(404, "<UnknownOperationException/>\n")
    missing = f"the service {named}" if named and named not in services else f"the operation {target or request.path}"
    message = f"Tabletop does not have {missing}. It serves {', '.join(services)}."
    code = "UnknownOperationException"
    headers: HeaderList = [("x-amzn-RequestId", new_request_id()), ("x-amzn-ErrorType", code)]
    if smithy:
        headers += [("Smithy-Protocol", "rpc-v2-cbor"), ("Content-Type", "application/cbor")]
        return HttpResponse(400, headers, cbor_values.dumps({"__type": code, "message": message}))
    if named in _XML_SERVICES or request.headers.get("content-type", "").startswith(
        "application/x-www-form-urlencoded"
    ):
        error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        wrapped = error if named == "s3" else f"<ErrorResponse><Errors>{error}</Errors>{error}</ErrorResponse>"
        return HttpResponse(400, [*headers, ("Content-Type", "text/xml")], wrapped.encode())
    body = orjson.dumps({"__type": f"com.amazon.coral.service#{code}", "message": message})
    return HttpResponse(400, [*headers, ("Content-Type", "application/x-amz-json-1.0")], body)


def _text(status: int, text: str) -> HttpResponse:
    return HttpResponse(status, [("Content-Type", "text/plain")], text.encode())
