"""Where functions are kept: their documents, their code and the events that wait for them.

    function   account, region, name             created, last_version, tags, policies: what all versions share
    version    account, region, name, version    one version's configuration ($LATEST sorts before all numbers)
    alias      account, region, name, alias      name, version, description, weights ({version: share}), revision
    layer      account, region, name             last_version
    layer_version  account, region, name, version   one version of a layer: see ``operations.layers``
    code       sha256 (hex), piece number        the zip's bytes, by content; here, so that they survive
    code_use   sha256, account, region, name, version       who uses it: the last user's end takes the code along
    event      time in ms, id                    an asynchronous invocation that is not done yet

A version's record: account, region, name, version, runtime, role, handler, description, timeout (seconds), memory,
ephemeral (both MB), environment ({name: value} or null), logging (AWS's LoggingConfig), tracing, architectures,
code_hash (hex), code_size (bytes of zip), unzipped (bytes), layers ([{arn, code_hash, code_size, unzipped}], in the order
in which they are laid over each other), dead_letter (ARN or ""), revision (new with every change), modified (epoch seconds).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tabletop.functions import limits
from tabletop.functions.names import LATEST, Reference, is_version, not_found
from tabletop.storage import prefixes
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, View, after_prefix

functions = Documents(prefixes.FUNCTIONS, "function")
versions = Documents(prefixes.FUNCTIONS, "version")
aliases = Documents(prefixes.FUNCTIONS, "alias")
code_uses = Documents(prefixes.FUNCTIONS, "code_use")
events = Documents(prefixes.FUNCTIONS, "event")

_CODE = prefixes.FUNCTIONS + b"code\0"


def version_part(version: str) -> str:
    """The version as a key's part: numbers in order."""
    return version if version == LATEST else version.zfill(12)


def function_of(view: View, reference: Reference) -> dict[str, Any]:
    """Raises ResourceNotFoundException."""
    found = functions.get(view, reference.account, reference.region, reference.name)
    if found is None:
        raise not_found(reference.arn)
    return found


def version_of(view: View, reference: Reference) -> dict[str, Any]:
    """The record of the version that is meant: $LATEST by default, an alias's own one. Raises ResourceNotFoundException."""
    if is_version(reference.version):
        return _version(view, reference, reference.version)
    return _version(view, reference, alias_of(view, reference)["version"])


def version_to_run(view: View, reference: Reference, draw: float) -> dict[str, Any]:
    """As ``version_of``, but an alias's weights count. ``draw``: from 0 up to, but not including, 1."""
    if is_version(reference.version):
        return _version(view, reference, reference.version)
    alias = alias_of(view, reference)
    for version, share in alias["weights"].items():
        if draw < share:
            return _version(view, reference, version)
        draw -= share
    return _version(view, reference, alias["version"])


def alias_of(view: View, reference: Reference) -> dict[str, Any]:
    """The alias that the qualifier names. Raises ResourceNotFoundException, in the words for functions."""
    alias = aliases.get(view, reference.account, reference.region, reference.name, reference.qualifier)
    if alias is None:
        raise not_found(reference.arn)
    return alias


def _version(view: View, reference: Reference, version: str) -> dict[str, Any]:
    found = versions.get(view, reference.account, reference.region, reference.name, version_part(version))
    if found is None:
        raise not_found(reference.arn)
    return found


def all_versions(view: View, reference: Reference, after: str | None = None) -> Iterator[dict[str, Any]]:
    path = (reference.account, reference.region, reference.name)
    for _, record in versions.below(view, *path, after=None if after is None else version_part(after)):
        yield record


def put_version(batch: Batch, record: dict[str, Any]) -> None:
    path = _path(record)
    versions.put(batch, record, *path)
    for code_hash in codes_of(record):
        code_uses.put(batch, {}, code_hash, *path)


def revise(batch: Batch, record: dict[str, Any], revision: str) -> None:
    """Give the version another revision for what its code and settings know nothing of: its sandboxes stay."""
    edition = record.get("edition") or record["revision"]
    versions.put(batch, {**record, "revision": revision, "edition": edition}, *_path(record))


def replace_version(view: View, batch: Batch, before: dict[str, Any], record: dict[str, Any]) -> None:
    """Put the version again, and delete code that only ``before`` used. The code of ``record`` must be there."""
    release_code(view, batch, [(code_hash, _path(before)) for code_hash in codes_of(before) - codes_of(record)])
    put_version(batch, record)


def delete_versions(view: View, batch: Batch, records: list[dict[str, Any]]) -> None:
    """Delete these versions, and with them the code that nobody else uses."""
    for record in records:
        versions.delete(batch, *_path(record))
    release_code(view, batch, [(code_hash, _path(record)) for record in records for code_hash in codes_of(record)])


def codes_of(record: dict[str, Any]) -> set[str]:
    """Hashes of the version's own code and of its layers'."""
    return {record["code_hash"], *(layer["code_hash"] for layer in record.get("layers") or ())}


def use_code(batch: Batch, code_hash: str, path: tuple[str, ...]) -> None:
    """The code is used by what ``path`` names: account, region, name and version of a function, or of "layer:NAME"."""
    code_uses.put(batch, {}, code_hash, *path)


def release_code(view: View, batch: Batch, uses: list[tuple[str, tuple[str, ...]]]) -> None:
    """These uses, (hash, path), end; code that has no other use is deleted."""
    released: dict[str, set[bytes]] = {}
    for code_hash, path in uses:
        key = code_uses.key(code_hash, *path)
        batch.delete(key)
        released.setdefault(code_hash, set()).add(key)
    for code_hash, keys in released.items():
        base = code_uses.key(code_hash)
        if all(key in keys for key, _ in view.range(base, after_prefix(base))):
            pieces = _CODE + code_hash.encode() + b"\0"
            for key, _ in view.range(pieces, after_prefix(pieces)):
                batch.delete(key)


def _path(record: dict[str, Any]) -> tuple[str, str, str, str]:
    return record["account"], record["region"], record["name"], version_part(record["version"])


def put_code(batch: Batch, code_hash: str, zip_bytes: bytes) -> None:
    for number, at in enumerate(range(0, len(zip_bytes), limits.CODE_CHUNK_BYTES)):
        batch.put(_code_key(code_hash, number), zip_bytes[at : at + limits.CODE_CHUNK_BYTES])


def code_bytes(view: View, code_hash: str) -> bytes | None:
    """The zip with this hash, or None where there is none (any more)."""
    pieces = _CODE + code_hash.encode() + b"\0"
    return b"".join(piece for _, piece in view.range(pieces, after_prefix(pieces))) or None


def code_hashes(view: View) -> Iterator[str]:
    """Of all code that is kept, in order."""
    for key, _ in view.range(_CODE, after_prefix(_CODE)):
        code_hash, _, number = key[len(_CODE) :].partition(b"\0")
        if not int.from_bytes(number, "big"):
            yield code_hash.decode()


def has_code(view: View, code_hash: str) -> bool:
    return view.get(_code_key(code_hash, 0)) is not None


def _code_key(code_hash: str, number: int) -> bytes:
    return _CODE + code_hash.encode() + b"\0" + number.to_bytes(4, "big")
