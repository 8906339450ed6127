"""The model's constraints on parameters, compiled once for each operation of each service behind the gateway."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tabletop.wire.constraints import compile_constraints, validation_code, validation_error
from tabletop.wire.models import ServiceModel

COMPILED_MAX = 2048
CHECKED_BY_SERVICE = {
    ("lambda", "CreateFunction"): frozenset({"Runtime"}),
    ("lambda", "UpdateFunctionConfiguration"): frozenset({"Runtime"}),
}
"""Members whose constraints the service itself checks, in words of its own."""


def check_params(model: ServiceModel, action: str, params: dict[str, Any]) -> None:
    """Raise the service's validation error if the parameters break the model's constraints."""
    messages = _compiled(model, action)(params)
    if messages:
        raise validation_error(messages, validation_code(model, action))


@lru_cache(maxsize=COMPILED_MAX)
def _compiled(model: ServiceModel, action: str) -> Callable[[dict[str, Any]], list[str]]:
    besides = CHECKED_BY_SERVICE.get((model.service_name, action), frozenset())
    return compile_constraints(model.operation_model(action).input_shape, besides=besides)
