"""Layers as functions use them: their records, who may use them, and the folder that they are merged into.

    layer            account, region, name             last_version: numbers are never given twice
    layer_version    account, region, name, version    version, description, created, runtimes, architectures, license,
                                                       policy (statements), and the members of ``code.Code``

A function's version keeps the code of its layers in use, so that a layer version that is deleted goes on working there.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import limits, packages
from tabletop.functions.constraints import invalid
from tabletop.storage import prefixes
from tabletop.storage.documents import Documents
from tabletop.storage.store import View

layers = Documents(prefixes.FUNCTIONS, "layer")
layer_versions = Documents(prefixes.FUNCTIONS, "layer_version")

_ARN = re.compile(
    r"arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):layer:(?P<name>[a-zA-Z0-9_-]{1,140})"
    r"(?::(?P<version>\d+))?"
)


@dataclass(frozen=True, slots=True)
class LayerReference:
    """``version`` 0: the layer itself."""

    account: str
    region: str
    name: str
    version: int = 0

    @property
    def layer_arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:layer:{self.name}"

    @property
    def arn(self) -> str:
        return f"{self.layer_arn}:{self.version}" if self.version else self.layer_arn

    @property
    def path(self) -> tuple[str, str, str, str]:
        return self.account, self.region, self.name, version_part(self.version)

    @property
    def code_path(self) -> tuple[str, str, str, str]:
        """Names the use of its code: no function's name has a colon."""
        return self.account, self.region, f"layer:{self.name}", version_part(self.version)


def version_part(version: int) -> str:
    return str(version).zfill(12)


def parse(call: Call, text: str, version: int = 0) -> LayerReference:
    """A layer's name or ARN. Raises ApiError."""
    match = _ARN.fullmatch(text)
    if match is None:
        return LayerReference(call.account, call.region, text, version)
    if match["region"] != call.region:
        raise invalid(f"The layer {text} is in another region.")
    return LayerReference(match["account"], match["region"], match["name"], int(match["version"] or version))


def parse_arn(text: str) -> LayerReference | None:
    """None for what is no layer version's ARN."""
    match = _ARN.fullmatch(text)
    if match is None or not match["version"]:
        return None
    return LayerReference(match["account"], match["region"], match["name"], int(match["version"]))


def resolved(view: View, account: str, region: str, arns: Sequence[str] | None) -> list[dict[str, Any]]:
    """What the record of a function, whose account and region these are, says of these layers. Raises ApiError."""
    if not arns:
        return []
    if len(arns) > limits.LAYERS_MAX:
        raise invalid(f"Cannot reference more than {limits.LAYERS_MAX} layers.")
    found: list[dict[str, Any]] = []
    seen: dict[str, str] = {}
    for arn in arns:
        reference = parse_arn(arn)
        if reference is None:
            raise _malformed(arn)
        if reference.account == account and reference.region != region:
            raise invalid(
                f"Layers are not in the same region as the function. Layers are expected to be in region {region}."
            )
        if reference.layer_arn in seen:
            raise invalid(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{seen[reference.layer_arn]} and {arn} are versions of the same layer."
            )
        seen[reference.layer_arn] = arn
        record = usable(view, reference, account)
        if record is None:
            raise invalid(f"Layer version {arn} does not exist.")
        found.append({"arn": arn, **{name: record[name] for name in ("code_hash", "code_size", "unzipped")}})
    return found


def usable(view: View, reference: LayerReference, account: str) -> dict[str, Any] | None:
    """The layer version's record, None where there is none. Raises AccessDeniedException for another account's."""
    record = layer_versions.get(view, *reference.path)
    if reference.account == account:
        return record
    principals = [] if record is None else [statement["Principal"] for statement in record["policy"]]
    if "*" in principals or {"AWS": f"arn:aws:iam::{account}:root"} in principals:
        return record
    raise ApiError(
        "AccessDeniedException",
        f"User: arn:aws:iam::{account}:root is not authorized to perform: lambda:GetLayerVersion on resource: "
        f"{reference.arn} because no resource-based policy allows the lambda:GetLayerVersion action. "
        "(Tabletop has only layers that were published to it.)",
        status=403,
    )


def check_size(record: dict[str, Any]) -> None:
    """Code and layers together are bounded, unzipped."""
    layered = record.get("layers") or []
    size = record.get("unzipped", 0) + sum(layer["unzipped"] for layer in layered)
    if layered and size > limits.UNZIPPED_BYTES_MAX:
        raise invalid(
            "Function code combined with layers exceeds the maximum allowed size of "
            f"{limits.UNZIPPED_BYTES_MAX} bytes. The actual size is {size} bytes."
        )


def folder_name(layered: Sequence[dict[str, Any]]) -> str:
    """The same for the same layers in the same order."""
    return hashlib.sha256("\0".join(layer["code_hash"] for layer in layered).encode()).hexdigest()


def merge(layered: Sequence[dict[str, Any]], root: Path, unpacked: Callable[[str], Path]) -> Path:
    """The folder below ``root`` in which these layers lie over each other, later ones on top. Blocking.

    It is made of links to the files that ``unpacked`` has by hash, complete before it gets its name, and read-only.
    """
    folder = root / folder_name(layered)
    if folder.is_dir():
        os.utime(folder)
        return folder
    root.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unpacking-", dir=root))
    try:
        for layer in layered:
            _lay(unpacked(layer["code_hash"]), unfinished)
        for path, _, _ in os.walk(unfinished):
            Path(path).chmod(0o555)
        try:
            unfinished.rename(folder)
        except OSError:
            # Another thread merged the same layers in the meantime.
            if not folder.is_dir():
                raise
    finally:
        packages.remove(unfinished)
    return folder


def _lay(source: Path, target: Path) -> None:
    for path, names, files in os.walk(source):
        here = target / Path(path).relative_to(source)
        if here.is_file():
            here.unlink()
        here.mkdir(exist_ok=True)
        for name in names:
            if (here / name).is_file():
                (here / name).unlink()
        for name in files:
            place = here / name
            if place.is_dir():
                packages.remove(place)
            place.unlink(missing_ok=True)
            os.link(Path(path, name), place)


def _malformed(arn: str) -> ApiError:
    return ApiError(
        "ValidationException",
        f"1 validation error detected: Value '[{arn}]' at 'layers' failed to satisfy constraint: Member must satisfy "
        "constraint: [Member must have length less than or equal to 2048, Member must have length greater than or equal "
        "to 1, Member must satisfy regular expression pattern: (arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:"
        "[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+), Member must not be null]",
    )
