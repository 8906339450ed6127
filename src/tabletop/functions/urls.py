"""Function URLs as they are served: which function a Host names, the event in (payload format 2.0), the answer out.

An address is ``http://<url-id>.lambda-url.<region>.localhost:<port>/``. Browsers, curl and most resolvers take every
name below ``localhost`` for this machine; any other name that leads here will do, as long as its first labels are the
same. Who may call is the gateway's business.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.functions import attachments
from tabletop.functions.names import Reference
from tabletop.functions.outcomes import Outcome
from tabletop.storage.store import View
from tabletop.wire.http import HeaderList, HttpRequest, HttpResponse

HOST_MARK = ".lambda-url."
"""Is in the Host of every request to a function URL."""

_HOST = re.compile(r"(?P<id>[a-z0-9]{32})\.lambda-url\.(?P<region>[a-z0-9-]+)\..+")
_TEXT = re.compile(r"text/.*|application/(?:json|xml|javascript|[a-z0-9.+-]+\+(?:json|xml))")
_OURS = frozenset(["connection", "content-length", "date", "keep-alive", "server", "transfer-encoding", "upgrade"])
"""Headers that a function cannot set: they belong to the connection."""


@dataclass(frozen=True, slots=True)
class FunctionUrl:
    id: str
    reference: Reference
    auth: str
    """NONE or AWS_IAM"""
    streams: bool
    cors: dict[str, Any] | None


def address(url_id: str, region: str, call: Call) -> str:
    scheme, usual = ("https", "443") if call.secure_transport else ("http", "80")
    _, _, port = call.host.rpartition(":")
    suffix = f":{port}" if port.isdigit() and port != usual else ""
    return f"{scheme}://{url_id}.lambda-url.{region}.localhost{suffix}/"


def find(view: View, host: str) -> FunctionUrl | None:
    """The URL that a Host header names, or None where there is none (any more)."""
    match = _HOST.fullmatch(host.lower())
    owner = attachments.urls.get(view, match["id"]) if match is not None else None
    if match is None or owner is None or owner["region"] != match["region"]:
        return None
    reference = Reference(owner["account"], owner["region"], owner["name"], owner["qualifier"])
    config = attachments.url_configs.get(view, *attachments.path_of(reference))
    return (
        None
        if config is None
        else FunctionUrl(match["id"], reference, config["auth"], config["mode"] == "RESPONSE_STREAM", config["cors"])
    )


def event(url: FunctionUrl, request: HttpRequest, call: Call) -> bytes:
    """The request as payload format 2.0 has it. The path is given as it was sent, not unquoted (inferred)."""
    headers = {name: value for name, value in request.headers.items() if name != "cookie" and " " not in name}
    headers.setdefault("x-forwarded-for", request.peer)
    headers.setdefault("x-forwarded-proto", "https" if request.secure else "http")
    headers.setdefault("x-forwarded-port", _port(call))
    domain = call.host.partition(":")[0]
    anonymous = url.auth == "NONE"
    content: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
    }
    if "cookie" in request.headers:
        content["cookies"] = [cookie.strip() for cookie in request.headers["cookie"].split(";")]
    content["headers"] = headers
    if request.query:
        content["queryStringParameters"] = _joined(request.query_pairs())
    context: dict[str, Any] = {
        "accountId": "anonymous" if anonymous else call.principal.account,
        "apiId": url.id,
        "domainName": domain,
        "domainPrefix": url.id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": f"HTTP/{request.http_version}",
            "sourceIp": request.peer,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": call.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": datetime.fromtimestamp(call.now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(call.now * 1000),
    }
    if not anonymous:
        context["authorizer"] = {"iam": _identity(call)}
    content["requestContext"] = context
    if request.body:
        text = _text(request)
        content["body"] = base64.b64encode(request.body).decode() if text is None else text
        content["isBase64Encoded"] = text is None
    else:
        content["isBase64Encoded"] = False
    return orjson.dumps(content)


def answer(outcome: Outcome) -> HttpResponse:
    """The function's answer as HTTP: what it structured, or all of it as JSON. A function error is a 502."""
    if outcome.error:
        return plain(502, b"Internal Server Error")
    try:
        content = orjson.loads(outcome.payload or b"null")
    except orjson.JSONDecodeError:
        content = outcome.payload.decode("utf-8", "replace")
    if not isinstance(content, dict) or "statusCode" not in content:
        body = content.encode() if isinstance(content, str) else outcome.payload
        return HttpResponse(200, [("Content-Type", "application/json")], body)
    return structured(content) or plain(502, b"Internal Server Error")


def plain(status: int, body: bytes) -> HttpResponse:
    return HttpResponse(status, [("Content-Type", "application/json")], body)


def preflight(cors: dict[str, Any], request: HttpRequest) -> HttpResponse:
    """The answer to OPTIONS where there is a CORS configuration: the function is not asked."""
    headers = _allowed_origin(cors, request)
    if headers:
        wanted = (
            ("Access-Control-Allow-Methods", cors.get("AllowMethods")),
            ("Access-Control-Allow-Headers", cors.get("AllowHeaders")),
        )
        headers += [(name, ",".join(values)) for name, values in wanted if values]
        if cors.get("MaxAge"):
            headers.append(("Access-Control-Max-Age", str(cors["MaxAge"])))
    return HttpResponse(200, headers)


def with_cors(cors: dict[str, Any], request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The configuration's headers take the place of the function's own."""
    headers = _allowed_origin(cors, request)
    if headers and cors.get("ExposeHeaders"):
        headers.append(("Access-Control-Expose-Headers", ",".join(cors["ExposeHeaders"])))
    own = [(name, value) for name, value in response.headers if not name.lower().startswith("access-control-")]
    response.headers = own + headers
    return response


def _allowed_origin(cors: dict[str, Any], request: HttpRequest) -> HeaderList:
    origin = request.headers.get("origin")
    allowed = cors.get("AllowOrigins") or []
    if origin is None or not ("*" in allowed or origin in allowed):
        return []
    named = "*" if "*" in allowed and not cors.get("AllowCredentials") else origin
    headers = [("Access-Control-Allow-Origin", named), ("Vary", "Origin")]
    if cors.get("AllowCredentials"):
        headers.append(("Access-Control-Allow-Credentials", "true"))
    return headers


def structured(content: dict[str, Any]) -> HttpResponse | None:
    """None for what is no proper answer."""
    status, given, cookies = content["statusCode"], content.get("headers") or {}, content.get("cookies") or []
    if isinstance(status, str) and status.isascii() and status.isdigit():
        status = int(status)
    if not isinstance(status, int) or not 200 <= status <= 599:
        return None
    if not isinstance(given, dict) or not isinstance(cookies, list):
        return None
    headers: HeaderList = [
        (name, _scalar(value)) for name, value in given.items() if name.lower() not in _OURS and value is not None
    ]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    headers += [("Set-Cookie", str(cookie)) for cookie in cookies]
    body = content.get("body")
    if body is None:
        return HttpResponse(status, headers)
    if not isinstance(body, str):
        return HttpResponse(status, headers, orjson.dumps(body))
    if not content.get("isBase64Encoded"):
        return HttpResponse(status, headers, body.encode("utf-8", "replace"))
    try:
        return HttpResponse(status, headers, base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError):
        return None


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _identity(call: Call) -> dict[str, Any]:
    return {
        "accessKey": call.access_key_id,
        "accountId": call.principal.account,
        "callerId": call.principal.unique_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": call.principal.arn,
        "userId": call.principal.unique_id,
    }


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _text(request: HttpRequest) -> str | None:
    """The body as text where its type says that it is one; None for what goes as base64."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if "content-encoding" in request.headers or not _TEXT.fullmatch(kind):
        return None
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        return None


def _port(call: Call) -> str:
    _, _, port = call.host.rpartition(":")
    return port if port.isdigit() else ("443" if call.secure_transport else "80")
