"""Requests to function URLs: found by their Host, authenticated where the URL asks for it, authorised, and run.

A URL of AuthType AWS_IAM takes a signature for the service "lambda", and the caller's policies or the function's own
must allow; with NONE the function's own policy must allow everybody. Both as on AWS since October 2025: for
``lambda:InvokeFunctionUrl`` and for ``lambda:InvokeFunction``.
"""

from __future__ import annotations

import asyncio

import orjson

from tabletop.base.access import KeyFacts
from tabletop.base.call import Call, Principal
from tabletop.base.clock import Clock
from tabletop.base.errors import ApiError
from tabletop.base.log import Log
from tabletop.base.randomness import new_uuid
from tabletop.functions import Functions, url_streams, urls
from tabletop.functions.response_streams import ResponseStream
from tabletop.iam.service import Iam
from tabletop.storage.store import Store, View
from tabletop.wire.http import HttpRequest, HttpResponse

_ANYBODY = Principal(kind="user", account="anonymous", arn="anonymous", unique_id="anonymous")
_FORBIDDEN = (
    b'{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: '
    b'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}'
)
_WRONG_REGION = "Credential should be scoped to a valid region."
_SIGNATURES = frozenset(
    {
        "InvalidSignatureException",
        "UnrecognizedClientException",
        "IncompleteSignatureException",
        "ExpiredTokenException",
    }
)
"""What is wrong with a signature is told; that there is none, or that policies refuse, is Forbidden (recalled)."""
_TOO_LARGE = b'{"Message":"Request Entity Too Large"}'
_BODY_BYTES_MAX = 6 * 1024 * 1024
_log = Log("gateway")


class FunctionUrls:
    def __init__(self, store: Store, iam: Iam, functions: Functions, clock: Clock) -> None:
        self._store = store
        self._iam = iam
        self._functions = functions
        self._clock = clock

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Never raises."""
        request_id = new_uuid()
        try:
            response = await self._answer(request, request_id)
        except ApiError as error:
            response = _refusal(error)
        except Exception as error:
            _log.error("a function URL failed by our fault", request_id=request_id, error=error)
            response = urls.plain(500, b"Internal Server Error")
        response.headers.append(("x-amzn-RequestId", request_id))
        return response

    async def _answer(self, request: HttpRequest, request_id: str) -> HttpResponse:
        with self._store.view() as view:
            url = urls.find(view, request.headers.get("host", "").partition(":")[0])
            if url is None:
                return urls.plain(404, b'{"Message":null}')
            if url.cors is not None and request.method == "OPTIONS":
                return urls.preflight(url.cors, request)
            call = self._admit(view, url, request, request_id)
        response = await self._run(url, request, call)
        return response if url.cors is None else urls.with_cors(url.cors, request, response)

    def _admit(self, view: View, url: urls.FunctionUrl, request: HttpRequest, request_id: str) -> Call:
        """Raises ApiError for who may not call."""
        now = self._clock()
        principal, access_key_id = _ANYBODY, ""
        if url.auth == "AWS_IAM":
            identity = self._iam.authenticate(view, request, "lambda", now)
            if identity.issued and identity.region != url.reference.region:
                raise ApiError("InvalidSignatureException", _WRONG_REGION, status=403)
            principal, access_key_id = identity.principal, identity.access_key_id
        reference = url.reference
        call = Call(
            request_id=request_id,
            account=reference.account,
            region=reference.region,
            principal=principal,
            now=now,
            access_key_id=access_key_id,
            source_ip=request.peer,
            user_agent=request.headers.get("user-agent", ""),
            secure_transport=request.secure,
            host=request.headers.get("host", ""),
        )
        policy = self._functions.resource_policy(view, reference)
        targets = [("lambda:InvokeFunctionUrl", reference.arn), ("lambda:InvokeFunction", reference.arn)]
        keys = {"lambda:functionurlauthtype": url.auth, "lambda:invokedviafunctionurl": "true"}
        facts = KeyFacts(keys, policy)
        if principal is _ANYBODY:
            self._iam.authorize_anybody(call, targets, facts)
        else:
            self._iam.authorize(view, call, targets, facts)
        return call

    async def _run(self, url: urls.FunctionUrl, request: HttpRequest, call: Call) -> HttpResponse:
        if len(request.body) > _BODY_BYTES_MAX:
            return urls.plain(413, _TOO_LARGE)
        event = urls.event(url, request, call)
        if url.streams:
            stream = ResponseStream()
            running = self._functions.begin(url.reference, event, call.request_id, stream)
            return await url_streams.answer(running, stream)
        return urls.answer(await asyncio.shield(self._functions.begin(url.reference, event, call.request_id)))


def _refusal(error: ApiError) -> HttpResponse:
    if error.code == "TooManyRequestsException":
        return urls.plain(429, b'{"Reason":null,"Type":null,"message":"Rate Exceeded."}')
    if error.code in _SIGNATURES:
        response = urls.plain(error.status, orjson.dumps({"message": error.message}))
        response.headers.append(("x-amzn-ErrorType", error.code))
        _log.info("a function URL refused a signature", code=error.code, reason=error.message)
        return response
    if error.status == 403:
        response = urls.plain(403, _FORBIDDEN)
        response.headers.append(("x-amzn-ErrorType", "AccessDeniedException"))
        _log.info("a function URL was refused", code=error.code, reason=error.message)
        return response
    _log.warning("a function URL could not be served", code=error.code, reason=error.message)
    return urls.plain(404 if error.status == 404 else 502, b'{"Message":null}')
