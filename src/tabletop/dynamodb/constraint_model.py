"""The service models that constraints come from."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Any

import botocore
import orjson


@cache
def service_model(service: str) -> dict[str, Any]:
    """The newest version of botocore's model of a service, as its JSON has it."""
    versions = (Path(botocore.__file__).parent / "data" / service).iterdir()
    newest = max(path for path in versions if (path / "service-2.json.gz").exists())
    model: dict[str, Any] = orjson.loads(gzip.decompress((newest / "service-2.json.gz").read_bytes()))
    return model
