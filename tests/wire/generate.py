"""Random values for the shapes of a model, by botocore's own reading of it, so that the tests do not trust ours."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.model
import botocore.session

DEPTH_MAX = 4
TEXT = "abz09 _-./:=+@%&<>\"'\\,é€😀"


@cache
def definition(service: str) -> dict[str, Any]:
    loader = botocore.session.get_session().get_component("data_loader")
    return loader.load_service_model(service, "service-2")


@cache
def client_model(service: str) -> botocore.model.ServiceModel:
    return botocore.model.ServiceModel(definition(service), service)


def is_fault(service: str, error: str) -> bool:
    """True if the model calls an error the service's own fault; botocore's shapes do not tell."""
    return bool(definition(service)["shapes"][error].get("fault"))


class Generator:
    """``everything`` fills every member of every structure; otherwise optional ones come by chance."""

    def __init__(self, seed: int, *, everything: bool) -> None:
        self.random = random.Random(seed)
        self.everything = everything

    def value(self, shape: botocore.model.Shape, depth: int = 0) -> Any:
        if getattr(shape, "is_document_type", False):
            return {"a": [1, "b", None, {"c": 1.5}]}
        return getattr(self, f"_{shape.type_name}")(shape, depth)

    def _structure(self, shape: Any, depth: int) -> dict[str, Any]:
        names = list(shape.members)
        if shape.is_tagged_union:
            names = [self.random.choice(names)] if names else []
        elif depth > DEPTH_MAX:
            names = list(shape.required_members)
        elif not self.everything:
            names = [n for n in names if n in shape.required_members or self.random.random() < 0.5]
        built = {}
        for name in names:
            member = shape.members[name]
            if member.serialization.get("eventstream"):
                continue
            built[name] = self.value(member, depth + 1)
        return built

    def _list(self, shape: Any, depth: int) -> list[Any]:
        count = 0 if depth > DEPTH_MAX else self.random.randint(1 if self.everything else 0, 3)
        return [self.value(shape.member, depth + 1) for _ in range(count)]

    def _map(self, shape: Any, depth: int) -> dict[str, Any]:
        count = 0 if depth > DEPTH_MAX else self.random.randint(1 if self.everything else 0, 3)
        return {f"k{n}-{self._text()}": self.value(shape.value, depth + 1) for n in range(count)}

    def _string(self, shape: Any, depth: int) -> str:
        if shape.enum:
            return self.random.choice(shape.enum)
        return self._text()

    def _text(self) -> str:
        # Neither blanks at the ends nor emptiness: headers and paths cannot carry them.
        inner = "".join(self.random.choice(TEXT) for _ in range(self.random.randint(0, 8)))
        return f"x{inner}y"

    def _integer(self, shape: Any, depth: int) -> int:
        return self.random.randint(-(2**31), 2**31 - 1)

    def _long(self, shape: Any, depth: int) -> int:
        return self.random.randint(-(2**63), 2**63 - 1)

    def _double(self, shape: Any, depth: int) -> float:
        return self.random.choice([0.0, 1.5, -2.25, 1e300, 3.0])

    def _float(self, shape: Any, depth: int) -> float:
        return self.random.choice([0.0, 1.5, -2.25, 3.0])

    def _boolean(self, shape: Any, depth: int) -> bool:
        return self.random.random() < 0.5

    def _blob(self, shape: Any, depth: int) -> bytes:
        return self.random.randbytes(self.random.randint(1, 9))

    def _timestamp(self, shape: Any, depth: int) -> datetime:
        return datetime.fromtimestamp(self.random.randint(0, 2**32), UTC)


def plain(value: Any) -> Any:
    """Datetimes as seconds since the epoch, as our decoders give them."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value
