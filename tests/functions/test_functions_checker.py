"""The checker finds what is wrong with functions' data, and nothing where nothing is. Every other test ends with it, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from functions_desk import ACCOUNT, Desk, Run, zip_of

from tabletop.functions import attachments, checker, layers, registry
from tabletop.storage.store import Batch, View

HOME = (ACCOUNT, "us-east-1", "f")


class Changed:
    """A view in which some keys are gone or have another value."""

    def __init__(self, view: View, batch: Batch) -> None:
        self._view = view
        self._writes = batch.writes

    def get(self, key: bytes) -> bytes | None:
        return self._writes[key] if key in self._writes else self._view.get(key)

    def range(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        for key, value in self._view.range(start, stop, reverse=reverse):
            changed = self._writes.get(key, value)
            if changed is not None:
                yield key, changed


def _without_code(view: View, batch: Batch) -> None:
    for code_hash in registry.code_hashes(view):
        batch.delete(registry._code_key(code_hash, 0))


def _other_code(view: View, batch: Batch) -> None:
    for code_hash in registry.code_hashes(view):
        batch.put(registry._code_key(code_hash, 0), b"other")


def _without_uses(view: View, batch: Batch) -> None:
    base = registry.code_uses.key()
    for key, _ in view.range(base, base + b"\xff"):
        batch.delete(key)


def _without_url(view: View, batch: Batch) -> None:
    for url_id, _ in attachments.urls.below(view):
        attachments.urls.delete(batch, url_id)


CASES: dict[str, tuple[Callable[[View, Batch], None], str]] = {
    "version": (lambda view, batch: registry.versions.delete(batch, *HOME, registry.version_part("1")), "version 1"),
    "function": (lambda view, batch: registry.functions.delete(batch, *HOME), "has no function"),
    "layer": (lambda view, batch: layers.layers.delete(batch, *HOME[:2], "x"), "has no layer"),
    "code": (_without_code, "is not there"),
    "other code": (_other_code, "is not what it was"),
    "uses": (_without_uses, "is not listed as used"),
    "url": (_without_url, "is not to be found by its name"),
    "url config": (lambda view, batch: attachments.url_configs.delete(batch, *HOME, "live"), "has no configuration"),
    "alias": (lambda view, batch: registry.aliases.delete(batch, *HOME, "live"), "a setting is kept for"),
}


# Each kind of damage is found.
@pytest.mark.parametrize("case", CASES)
def test_damage_is_found(at_desk: Run, case: str) -> None:
    damage, words = CASES[case]

    async def scene(desk: Desk) -> None:
        package = zip_of({"python/x.py": ""})
        layer = await desk.ask("PublishLayerVersion", LayerName="x", Content={"ZipFile": package})
        source = "def handler(event, context):\n    return 1\n"
        await desk.create(source, Publish=True, Layers=[layer["LayerVersionArn"]])
        await desk.ask("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        await desk.ask("CreateFunctionUrlConfig", FunctionName="f", Qualifier="live", AuthType="NONE")
        with desk.store.view() as view:
            assert list(checker.problems(view)) == []
            batch = Batch()
            damage(view, batch)
            found = "\n".join(checker.problems(Changed(view, batch)))
        assert words in found

    at_desk(scene)
