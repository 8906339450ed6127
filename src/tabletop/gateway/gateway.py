"""One straight function for every request: admit, route, authenticate, decode, authorise, run, encode."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from traceback import format_exception
from typing import Any
from zlib import crc32

import orjson

from tabletop.base.call import DEFAULT_REGION, Call
from tabletop.base.clock import Clock, system_stopwatch
from tabletop.base.errors import ApiError, StorageOverloaded, StorageUnavailable
from tabletop.base.limits import DYNAMODB_BODY_BYTES_MAX, REQUEST_BODY_BYTES_MAX
from tabletop.base.log import Log
from tabletop.base.randomness import new_request_id, new_uuid
from tabletop.dynamodb.actions import BUILT, STREAM_ACTIONS
from tabletop.dynamodb.operations.operation import Operation
from tabletop.dynamodb.service import DynamoDb
from tabletop.gateway import pages
from tabletop.gateway.constraints import check_params
from tabletop.gateway.ports import Service
from tabletop.iam.service import Iam
from tabletop.storage.store import Store, View
from tabletop.wire import encodings, protocols, routing
from tabletop.wire.http import FIRST_ACCEPT_ENCODING, Handler, HeaderList, HttpRequest, HttpResponse
from tabletop.wire.models import service_model

_REGION = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
"""A region is part of every key: names that AWS may yet think of, and those that users invent, but nothing else."""
DYNAMODB_TARGET = "DynamoDB_20120810."
STREAMS_TARGET = "DynamoDBStreams_20120810."
_DYNAMODB_ACTIONS = {DYNAMODB_TARGET + action: action for action in BUILT}
"""X-Amz-Target -> action, for those that are built."""
_DYNAMODB_TYPE = "application/x-amz-json-1.0"
_DYNAMODB_TYPE_LINE = f"Content-Type: {_DYNAMODB_TYPE}\r\n"
_log = Log("gateway")

_UNAVAILABLE = "The server could not store the change: "
_OVERLOADED = "Rate of requests exceeds the allowed throughput: too many writes are waiting to be stored."
"""The first half as AWS has it (recalled), the second ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """What a process serves beside DynamoDB.

    ``urls`` answers requests to function URLs: those with ``urls_host_mark`` in their Host.
    ``downloads`` answers what lies below ``download_path_prefix``, without signature: its addresses are secrets.
    """

    services: tuple[Service, ...] = ()
    downloads: Callable[[HttpRequest], HttpResponse] | None = None
    download_path_prefix: str = ""
    urls: Handler | None = None
    urls_host_mark: str = ""


class Gateway:
    """``handle`` answers every request. ``further`` None: ``serve`` will tell it, and until then only DynamoDB is served.

    ``wake`` is called after each DynamoDB action of ``wakes``: background work has something to do.
    """

    def __init__(
        self,
        *,
        store: Store,
        dynamodb: DynamoDb,
        iam: Iam,
        clock: Clock,
        further: Further | None,
        region: str = DEFAULT_REGION,
        wakes: frozenset[str] = frozenset(),
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._dynamodb = dynamodb
        self._iam = iam
        self._clock = clock
        self._region = region
        self._wakes = wakes
        self._wake = wake
        self._services: dict[str, Service] = {}
        self._further: Further | None = None
        self._told = asyncio.Event()
        self.requests = 0
        """Requests that came in so far: background work makes way for them."""
        if further is not None:
            self.serve(further)

    def serve(self, further: Further) -> None:
        """All is served from now on; what came too early is answered."""
        self._further = further
        self._services = {name: service for service in further.services for name in service.service_names}
        self._told.set()

    def handle(self, request: HttpRequest) -> HttpResponse | asyncio.Future[HttpResponse] | Any:
        """A ``wire.http.Handler``: never raises."""
        self.requests += 1
        target = request.headers.get("x-amz-target")
        if target is not None and request.method == "POST" and request.path == "/":
            action = _DYNAMODB_ACTIONS.get(target)
            if action is not None:
                return self._handle_dynamodb(request, "dynamodb", action)
            if target.startswith(DYNAMODB_TARGET):
                return self._handle_dynamodb(request, "dynamodb", target[len(DYNAMODB_TARGET) :])
            if target.startswith(STREAMS_TARGET):
                return self._handle_dynamodb(request, "dynamodbstreams", target[len(STREAMS_TARGET) :])
        further = self._further
        if further is None:
            return pages.alive(request) or self._handle_later(request)
        if further.urls is not None and further.urls_host_mark in request.headers.get("host", ""):
            return further.urls(request)
        if further.downloads is not None and request.path.startswith(further.download_path_prefix):
            return further.downloads(request)
        page = pages.page(request, ("dynamodb", *self._services))
        if page is not None:
            return _with_cors(request, page)
        return self._handle_modelled(request)

    def _handle_dynamodb(
        self, request: HttpRequest, service: str, action: str
    ) -> HttpResponse | asyncio.Future[HttpResponse]:
        """The data path: JSON in, JSON out. Answers at once what is a read or refused; a write when it is durable.

        One view serves authentication, authorisation and the read: opening one takes as long as finding an item.
        """
        request_id = new_request_id()
        call: Call | None = None
        body: dict[str, Any] | None = None
        try:
            with self._store.view() as view:
                call = self._admit(view, request, "dynamodb", request_id, self._clock())
                payload = _dynamodb_payload(request)
                if (action in STREAM_ACTIONS) is not (service == "dynamodbstreams"):
                    raise ApiError("UnknownOperationException", None)
                operation, body = self._dynamodb.decode(action, payload, call)
                prepared = None
                # Not even the root is free to use the tables of another account.
                if not call.principal.unrestricted or call.account != call.principal.account:
                    targets = operation.targets(body, call)
                    facts = self._dynamodb.facts(operation, call, body, view, targets)
                    self._iam.authorize(view, call, targets, facts)
                    prepared = facts.prepared
                if prepared is None:
                    prepared = self._dynamodb.prepare(operation, body, call)
                read = operation.reader(prepared)
                if read is not None:
                    return _encode_dynamodb(request, service, request_id, read(view, prepared, call.now))
        except Exception as error:
            if type(error) is ApiError and body is not None and call is not None:
                self._dynamodb.explain(error, call, body)
            return _encode_dynamodb(request, service, request_id, error)
        return self._write_dynamodb(request, service, call, operation, body, prepared)

    def _write_dynamodb(
        self, request: HttpRequest, service: str, call: Call, operation: Operation, body: dict[str, Any], prepared: Any
    ) -> HttpResponse | asyncio.Future[HttpResponse]:
        """Hand a plan to the committer, which may answer before ``submit`` returns. Or read in steps."""
        answered: HttpResponse | None = None
        waiting: asyncio.Future[HttpResponse] | None = None

        def done(answer: Any) -> None:
            nonlocal answered
            if type(answer) is ApiError:
                self._dynamodb.explain(answer, call, body)
            elif operation.name in self._wakes:
                self._wake()
            try:
                answered = _encode_dynamodb(request, service, call.request_id, answer)
            except Exception as error:  # an answer that cannot be encoded is our fault, and the client waits
                answered = _encode_dynamodb(request, service, call.request_id, error)
            if waiting is not None and not waiting.cancelled():
                waiting.set_result(answered)

        if operation.plan is None:
            self._dynamodb.run_in_steps(operation, prepared, call, done)
        else:
            self._store.submit(operation.plan, prepared, done)
        if answered is not None:
            return answered
        waiting = asyncio.get_running_loop().create_future()
        return waiting

    def _admit(self, view: View, request: HttpRequest, service: str, request_id: str, now: float) -> Call:
        identity = self._iam.authenticate(view, request, service, now)
        region = identity.region or self._region
        if not _REGION(region):
            raise ApiError("InvalidSignatureException", "Credential should be scoped to a valid region.")
        principal = identity.principal
        headers = request.headers
        return Call(
            request_id,
            principal.account,
            region,
            principal,
            now,
            identity.access_key_id,
            request.peer,
            headers.get("user-agent", ""),
            request.secure,
            headers.get("host", "localhost:4566"),
        )

    async def _handle_later(self, request: HttpRequest) -> HttpResponse:
        await self._told.wait()
        answer = self.handle(request)
        return answer if isinstance(answer, HttpResponse) else await answer

    async def _handle_modelled(self, request: HttpRequest) -> HttpResponse:
        """Every service but DynamoDB: decoded and encoded by botocore's model of it."""
        name = routing.service_of(request)
        service = self._services.get(name or "")
        if name is None or service is None:
            return _with_cors(request, pages.not_served(request, ("dynamodb", *self._services)))
        model = service_model(name)
        protocol = protocols.protocol_of(model, request)
        request_id = new_uuid()
        try:
            with self._store.view() as view:
                call = self._admit(view, request, name, request_id, self._clock())
            request.body = _decompressed(request, REQUEST_BODY_BYTES_MAX)
            action, params = protocols.decode_request(model, request, protocol)
            check_params(model, action, params)
            targets = service.targets(name, action, call, params)
            if not call.principal.unrestricted or call.account != call.principal.account:
                with self._store.view() as view:
                    self._iam.authorize(view, call, targets, service.facts(view, name, action, call, params))
            output = await service.handle(name, call, action, params)
            response = protocols.encode_response(model, action, output, request_id, protocol)
        except Exception as error:
            response = protocols.encode_error(model, _as_api_error(error, request_id), request_id, protocol)
        return _with_cors(request, response)


def _encode_dynamodb(request: HttpRequest, service: str, request_id: str, answer: Any) -> HttpResponse:
    status = 200
    if isinstance(answer, BaseException):
        error = _as_api_error(answer, request_id)
        refusal = protocols.encode_error(service_model(service), error, request_id)
        body, status = refusal.body, refusal.status
        assert isinstance(body, bytes)
    else:
        body = answer if type(answer) is bytes else orjson.dumps(answer)
    headers: HeaderList = []
    asked = request.headers
    if "accept-encoding" in asked and len(body) >= encodings.COMPRESSION_MIN:
        accept_encoding = asked.get(FIRST_ACCEPT_ENCODING, asked["accept-encoding"])
        body, headers = encodings.compress(body, headers, accept_encoding)
    lines = f"{_DYNAMODB_TYPE_LINE}x-amzn-RequestId: {request_id}\r\nx-amz-crc32: {crc32(body)}\r\n"
    response = HttpResponse(status, headers, body, lines.encode())
    return _with_cors(request, response) if "origin" in asked else response


def _decompressed(request: HttpRequest, limit_bytes: int) -> bytes:
    encoding = request.headers.get("content-encoding")
    return request.body if encoding is None else encodings.decompress(request.body, encoding, limit_bytes)


def _dynamodb_payload(request: HttpRequest) -> bytes:
    """The body, decompressed. DynamoDB answers one that cannot be with InternalServerError (observed)."""
    encoding = request.headers.get("content-encoding")
    if encoding is None:
        return request.body
    try:
        if encoding.lower() not in encodings.ENCODINGS:
            raise ApiError("SerializationException", None)
        return encodings.decompress(request.body, encoding, DYNAMODB_BODY_BYTES_MAX)
    except ApiError as error:
        if error.code != "SerializationException":
            raise
        raise ApiError("InternalServerError", None, status=500) from error


def _with_cors(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if "origin" in request.headers:
        response.headers += pages.CORS_HEADERS
    return response


class _RefusedWrites:
    """One line a second says that the store takes no writes: a full disk must not fill the log as well."""

    def __init__(self) -> None:
        self._said_at = -1.0

    def note(self, request_id: str, reason: str) -> None:
        now = system_stopwatch()
        if self._said_at < 0 or now - self._said_at >= 1.0:
            self._said_at = now
            _log.error("a write was refused by the store", request_id=request_id, reason=reason)


_refused_writes = _RefusedWrites()


def _as_api_error(error: BaseException, request_id: str) -> ApiError:
    """The caller's fault as it is; the world's and ours as AWS's server errors, which SDKs retry."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, StorageUnavailable):
        _refused_writes.note(request_id, str(error))
        if isinstance(error, StorageOverloaded):
            # The one of DynamoDB's two that blames no table's capacity; every SDK backs off and tries again at either.
            return ApiError("ThrottlingException", _OVERLOADED)
        return ApiError("InternalServerError", _UNAVAILABLE + str(error.args[0]), status=500)
    _log.error("a request failed by our fault", request_id=request_id, trace="".join(format_exception(error)))
    return ApiError("InternalServerError", "Internal server error", status=500)
