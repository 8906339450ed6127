"""AWS's service models: operations and shapes, read from the files that botocore installs.

The classes have the attribute names of ``botocore.model`` (``operation_model``, ``shape_for``, ``members``,
``metadata``, ``serialization``), so what is written for the one works with the other. They are ours because importing
``botocore.model`` pulls in an HTTP client and TLS: measured 90 to 170 ms and 15 MB, of a budget of 500 ms and 90 MB.
A model is read in 5 to 15 ms, without its documentation texts, and its shapes are made when they are first asked for.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import orjson

MODEL_FOLDERS = {"monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}
"""Services that are known by another name (of their endpoint or credential scope) than their model's folder has."""

PATTERNS_ELSEWHERE = {
    "iam": frozenset(
        [
            *("userNameType", "existingUserNameType", "groupNameType", "roleNameType", "policyNameType"),
            *("instanceProfileNameType", "pathType", "policyPathType", "pathPrefixType"),
        ]
    ),
}
"""Model name -> shapes whose patterns the service checks itself, in its own words: they are no constraint here."""

_METADATA = frozenset(
    [
        "required",
        "min",
        "max",
        "pattern",
        "enum",
        "sensitive",
        "fault",
        "error",
        "exception",
        "document",
        "union",
        "box",
        "deprecated",
        "retryable",
        "idempotencyToken",
    ]
)
_SERIALIZATION = {
    "location": "location",
    "locationName": "name",
    "queryName": "queryName",
    "payload": "payload",
    "flattened": "flattened",
    "streaming": "streaming",
    "timestampFormat": "timestampFormat",
    "xmlNamespace": "xmlNamespace",
    "xmlAttribute": "xmlAttribute",
    "resultWrapper": "resultWrapper",
    "jsonvalue": "jsonvalue",
    "hostLabel": "hostLabel",
    "event": "event",
    "eventstream": "eventstream",
    "eventheader": "eventheader",
    "eventpayload": "eventpayload",
}


class UnknownService(Exception):
    """botocore has no model of this name. Our fault, not a caller's: services are named in code."""


class Shape:
    """One shape, with the traits of the place that refers to it. Shapes without such traits are one object each.

    ``codecs`` keeps what the protocols compile for this shape, by the compiler's own key.
    """

    def __init__(self, name: str, traits: dict[str, Any], service: ServiceModel) -> None:
        self.name = name
        self.type_name: str = traits["type"]
        self.codecs: dict[Any, Any] = {}
        self.metadata: dict[str, Any] = {key: traits[key] for key in traits.keys() & _METADATA}
        self.serialization: dict[str, Any] = {
            ours: traits[theirs] for theirs, ours in _SERIALIZATION.items() if theirs in traits
        }
        self._traits = traits
        self._service = service

    def __repr__(self) -> str:
        return f"<Shape {self.name}: {self.type_name}>"

    @cached_property
    def members(self) -> dict[str, Shape]:
        """A structure's members in the model's order; empty for every other type."""
        members: dict[str, dict[str, Any]] = self._traits.get("members", {})
        return {name: self._service.resolve(reference) for name, reference in members.items()}

    @cached_property
    def member(self) -> Shape:
        return self._service.resolve(self._traits["member"])

    @cached_property
    def key(self) -> Shape:
        return self._service.resolve(self._traits["key"])

    @cached_property
    def value(self) -> Shape:
        return self._service.resolve(self._traits["value"])

    @property
    def required_members(self) -> list[str]:
        return self.metadata.get("required", [])  # type: ignore[no-any-return]

    @property
    def enum(self) -> list[str]:
        return self.metadata.get("enum", [])  # type: ignore[no-any-return]

    @property
    def is_document_type(self) -> bool:
        return bool(self.metadata.get("document"))

    @property
    def is_tagged_union(self) -> bool:
        return bool(self.metadata.get("union"))


class OperationModel:
    """One operation: its name on the wire, its HTTP binding and its shapes (None where it has none)."""

    def __init__(self, name: str, definition: dict[str, Any], service: ServiceModel) -> None:
        self.name = name
        self.http: dict[str, Any] = definition.get("http", {})
        self.metadata = service.metadata
        self.service_model = service
        self._definition = definition

    @cached_property
    def input_shape(self) -> Shape | None:
        return self._shape("input")

    @cached_property
    def output_shape(self) -> Shape | None:
        return self._shape("output")

    @cached_property
    def error_shapes(self) -> list[Shape]:
        return [self.service_model.resolve(reference) for reference in self._definition.get("errors", ())]

    @property
    def deprecated(self) -> bool:
        return bool(self._definition.get("deprecated"))

    @property
    def has_streaming_output(self) -> bool:
        """True where the payload is a blob that goes over the wire as it is."""
        shape = self.output_shape
        payload = shape.serialization.get("payload") if shape else None
        return payload is not None and shape is not None and shape.members[payload].type_name == "blob"

    def _shape(self, which: str) -> Shape | None:
        reference = self._definition.get(which)
        return None if reference is None else self.service_model.resolve(reference)


class ServiceModel:
    """One service at one API version."""

    def __init__(self, definition: Mapping[str, Any], service_name: str) -> None:
        self.service_name = service_name
        self.metadata: dict[str, Any] = definition["metadata"]
        self._operations: dict[str, dict[str, Any]] = definition["operations"]
        self._shapes: dict[str, dict[str, Any]] = definition["shapes"]
        self._made: dict[str, Shape] = {}
        self._operation_models: dict[str, OperationModel] = {}
        self.codecs: dict[Any, Any] = {}
        """What a protocol compiles for the whole service, such as its route table."""

    @property
    def api_version(self) -> str:
        return self.metadata["apiVersion"]  # type: ignore[no-any-return]

    @property
    def protocols(self) -> list[str]:
        """The protocols that the service speaks, its preferred one first."""
        return self.metadata.get("protocols") or [self.metadata["protocol"]]

    @property
    def operation_names(self) -> list[str]:
        return list(self._operations)

    @property
    def shape_names(self) -> list[str]:
        return list(self._shapes)

    @property
    def is_query_compatible(self) -> bool:
        return "awsQueryCompatible" in self.metadata

    def has_operation(self, name: str) -> bool:
        return name in self._operations

    def operation_model(self, name: str) -> OperationModel:
        """KeyError if there is no such operation."""
        model = self._operation_models.get(name)
        if model is None:
            model = self._operation_models[name] = OperationModel(name, self._operations[name], self)
        return model

    def shape_for(self, name: str) -> Shape:
        """KeyError if there is no such shape."""
        return self.resolve({"shape": name})

    @cached_property
    def error_shapes(self) -> list[Shape]:
        return [self.shape_for(name) for name, traits in self._shapes.items() if traits.get("exception")]

    @cached_property
    def _errors(self) -> dict[str, Shape]:
        errors = {shape.metadata.get("error", {}).get("code", shape.name): shape for shape in self.error_shapes}
        return errors | {shape.name: shape for shape in self.error_shapes}

    def error_shape(self, code: str) -> Shape | None:
        """The error with this code on the wire or this shape name (IAM's NoSuchEntity is NoSuchEntityException)."""
        return self._errors.get(code)

    def resolve(self, reference: Mapping[str, Any]) -> Shape:
        """The shape that a reference names, with the reference's own traits over the shape's."""
        name = reference["shape"]
        traits = {key: reference[key] for key in reference if key in _SERIALIZATION or key in _METADATA}
        if traits:
            return Shape(name, self._shapes[name] | traits, self)
        shape = self._made.get(name)
        if shape is None:
            shape = self._made[name] = Shape(name, self._shapes[name], self)
        return shape


@cache
def service_model(name: str) -> ServiceModel:
    """The newest model of a service by botocore's name for it (``dynamodb``, ``iam``, ``lambda``, ``logs`` ...)."""
    folder = _models_folder() / MODEL_FOLDERS.get(name, name)
    versions = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if not versions:
        raise UnknownService(name)
    definition = _read(folder / versions[-1])
    _drop_documentation(definition)
    for shape in PATTERNS_ELSEWHERE.get(name, ()):
        definition["shapes"][shape].pop("pattern", None)
    return ServiceModel(definition, name)


def _models_folder() -> Path:
    found = importlib.util.find_spec("botocore")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "data"


def _read(folder: Path) -> dict[str, Any]:
    packed = folder / "service-2.json.gz"
    # Some distributions install the models unpacked.
    raw = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / "service-2.json").read_bytes()
    return orjson.loads(raw)  # type: ignore[no-any-return]


def _drop_documentation(definition: dict[str, Any]) -> None:
    """More than half of a model is prose, which nothing here reads: it would stay in memory for ever."""
    definition.pop("documentation", None)
    for operation in definition["operations"].values():
        operation.pop("documentation", None)
        for reference in (operation.get("input"), operation.get("output"), *operation.get("errors", ())):
            if reference:
                reference.pop("documentation", None)
    for shape in definition["shapes"].values():
        shape.pop("documentation", None)
        for reference in shape.get("members", {}).values():
            reference.pop("documentation", None)
        for part in ("member", "key", "value"):
            if part in shape:
                shape[part].pop("documentation", None)
