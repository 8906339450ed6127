"""The two kinds of error that callers handle: the caller's own fault, and the world's.

Anything else that is raised is our fault: it is logged with its traceback and answered as InternalServerError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """The caller's fault, in the service's own words: rendered by the gateway in the service's wire protocol.

    ``code`` is the bare error name (``ResourceNotFoundException``), ``status`` the HTTP status, ``fields`` further
    members of the error's shape (``CancellationReasons``, ``Item``).
    """

    def __init__(
        self, code: str, message: str | None = None, *, status: int = 400, fields: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.fields: Mapping[str, Any] = fields or {}


class StartupError(Exception):
    """Tabletop cannot start (port in use, data directory in use, newer format ...): one clear line for the user."""


class StorageUnavailable(Exception):
    """The world's fault while writing (disk full, failed fsync). Nothing of the group was stored; reads go on."""


class StorageOverloaded(StorageUnavailable):
    """More writes wait for the store than it takes: this one was not begun. Tried again a little later, it succeeds."""
