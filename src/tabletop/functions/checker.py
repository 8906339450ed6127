"""Proves the functions' data whole: versions, aliases and what hangs on them have their function, code has the bytes that
its hash says and is used by those who are listed, and every URL belongs to its configuration.

Runs over one view, so a running server may go on writing. Reads one package at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from tabletop.functions import attachments, layers, registry
from tabletop.functions.event_sources.checker import problems as event_source_problems
from tabletop.storage.documents import Documents
from tabletop.storage.store import View, after_prefix

_LAYER = "layer:"


def problems(view: View) -> Iterator[str]:
    """One line for each thing that is wrong; nothing for whole data."""
    users: set[bytes] = set()
    """Keys of the code uses that there must be."""
    for path, record in _all(view, registry.versions):
        yield from _version_problems(view, path, record)
        users |= {registry.code_uses.key(code_hash, *path) for code_hash in registry.codes_of(record)}
    for path, record in _all(view, layers.layer_versions):
        if layers.layers.get(view, *path[:3]) is None:
            yield f"layer version {_name(path)} has no layer"
        users.add(registry.code_uses.key(record["code_hash"], *path[:2], _LAYER + path[2], path[3]))
    yield from _code_problems(view, users)
    for path, alias in _all(view, registry.aliases):
        for version in (alias["version"], *alias["weights"]):
            if registry.versions.get(view, *path[:3], registry.version_part(version)) is None:
                yield f"alias {_name(path)} names version {version}, which is not there"
    for kind in attachments.KINDS:
        for path, _ in _all(view, kind):
            if not _is_there(view, path):
                yield f"a setting is kept for {_name(path)}, which is not there"
    yield from _url_problems(view)
    yield from event_source_problems(view)


def _version_problems(view: View, path: list[str], record: dict[str, Any]) -> Iterator[str]:
    named = [record["account"], record["region"], record["name"], registry.version_part(record["version"])]
    if named != path:
        yield f"version {_name(path)} is kept under another name"
    if registry.functions.get(view, *path[:3]) is None:
        yield f"version {_name(path)} has no function"


def _code_problems(view: View, users: set[bytes]) -> Iterator[str]:
    listed = set()
    base = registry.code_uses.key()
    for key, _ in view.range(base, after_prefix(base)):
        listed.add(key)
        if key not in users:
            yield f"code is used by {_name(_path(registry.code_uses, key)[1:])}, which does not have it"
    for key in users - listed:
        yield f"code of {_name(_path(registry.code_uses, key)[1:])} is not listed as used"
    used = {_path(registry.code_uses, key)[0] for key in users}
    kept = set(registry.code_hashes(view))
    for code_hash in sorted(used - kept):
        yield f"code {code_hash} is not there"
    for code_hash in sorted(kept - used):
        yield f"code {code_hash} is used by nobody"
    for code_hash in sorted(kept & used):
        if hashlib.sha256(registry.code_bytes(view, code_hash) or b"").hexdigest() != code_hash:
            yield f"code {code_hash} is not what it was"


def _url_problems(view: View) -> Iterator[str]:
    known = set()
    for path, owner in _all(view, attachments.urls):
        known.add(path[0])
        qualifier = owner["qualifier"] or "$LATEST"
        config = attachments.url_configs.get(view, owner["account"], owner["region"], owner["name"], qualifier)
        if config is None or config["id"] != path[0]:
            yield f"the URL {path[0]} has no configuration"
    for path, config in _all(view, attachments.url_configs):
        if config["id"] not in known:
            yield f"the URL of {_name(path)} is not to be found by its name"


def _is_there(view: View, path: list[str]) -> bool:
    """``path``: account, region, name and a version or an alias."""
    version = registry.versions.get(view, *path[:3], registry.version_part(path[3]))
    return version is not None or registry.aliases.get(view, *path) is not None


def _all(view: View, kind: Documents) -> Iterator[tuple[list[str], dict[str, Any]]]:
    base = kind.key()
    for key, raw in view.range(base, after_prefix(base)):
        yield _path(kind, key), orjson.loads(raw)


def _path(kind: Documents, key: bytes) -> list[str]:
    return key[len(kind.key()) : -1].decode().split("\0")


def _name(path: list[str]) -> str:
    return ":".join(path)
