"""GetFunction's Code.Location: an address of our own endpoint that gives the zip for ten minutes, to whoever has it."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.base.clock import Clock
from tabletop.functions import limits, registry
from tabletop.storage.store import Store
from tabletop.wire.http import HttpRequest, HttpResponse

PATH_PREFIX = "/_tabletop/functions/code/"


class Downloads:
    """The signing key lives as long as the process: addresses given out before a restart are void after it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._key = randomness.random_bytes(32)

    def location(self, call: Call, record: dict[str, Any]) -> str:
        code_hash = record["code_hash"]
        expires = str(int(self._clock()) + limits.DOWNLOAD_URL_LIFE_S)
        query = urlencode({"expires": expires, "token": self._token(code_hash, expires)})
        scheme = "https" if call.secure_transport else "http"
        return f"{scheme}://{call.host}{PATH_PREFIX}{code_hash}?{query}"

    def serve(self, request: HttpRequest) -> HttpResponse:
        """Answer a request below PATH_PREFIX. Whatever is wrong with it, the answer is the same 403."""
        given = dict(request.query_pairs())
        code_hash = request.path.removeprefix(PATH_PREFIX)
        expires, token = given.get("expires", ""), given.get("token", "")
        right = hmac.compare_digest(self._token(code_hash, expires).encode(), token.encode("utf-8", "replace"))
        if request.method != "GET" or not right or not expires.isdigit() or int(expires) < self._clock():
            return HttpResponse(403, [("Content-Type", "text/plain")], b"This address is not valid, or not any more.\n")
        with self._store.view() as view:
            zip_bytes = registry.code_bytes(view, code_hash)
        if zip_bytes is None:
            return HttpResponse(404, [("Content-Type", "text/plain")], b"The code is gone.\n")
        return HttpResponse(200, [("Content-Type", "application/zip")], zip_bytes)

    def _token(self, code_hash: str, expires: str) -> str:
        return hmac.new(self._key, f"{code_hash}\0{expires}".encode(), hashlib.sha256).hexdigest()
