"""Code on its way into the store: a zip that has been found good by unpacking it where it will run."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from tabletop.base.errors import ApiError, StorageUnavailable
from tabletop.functions import limits, packages
from tabletop.functions.workings import Workings


@dataclass(frozen=True, slots=True)
class Code:
    """A package that has been found good. ``hash`` is its SHA-256 in hex."""

    zip_bytes: bytes
    hash: str
    unzipped: int

    @property
    def sha256(self) -> str:
        return base64.b64encode(bytes.fromhex(self.hash)).decode()

    def members(self) -> dict[str, Any]:
        return {
            "code_hash": self.hash,
            "code_sha256": self.sha256,
            "code_size": len(self.zip_bytes),
            "unzipped": self.unzipped,
        }


async def found_good(workings: Workings, zip_bytes: bytes) -> Code:
    """Raises ApiError for a package that cannot be taken, StorageUnavailable where the disk cannot take it."""
    if len(zip_bytes) > limits.ZIP_BYTES_MAX:
        raise ApiError(
            "RequestEntityTooLargeException",
            f"Zipped size must be smaller than {limits.ZIP_BYTES_MAX} bytes",
            status=413,
        )

    def unpacked() -> Code:
        code_hash = hashlib.sha256(zip_bytes).hexdigest()
        try:
            packages.unpack(zip_bytes, workings.launcher.code_folder(code_hash))
        except OSError as error:
            raise StorageUnavailable("the code could not be unpacked", str(error)) from error
        return Code(zip_bytes, code_hash, packages.unzipped_bytes(zip_bytes))

    return await asyncio.to_thread(unpacked)
