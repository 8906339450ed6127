"""Zips that attack: none may write outside its folder, link anywhere, or grow beyond the limit."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from functions_desk import Desk, Run, zip_of

from tabletop.base.errors import ApiError, StorageUnavailable
from tabletop.functions import limits, packages

COULD_NOT_UNZIP = "Could not unzip uploaded file"


def _zip_with(name: str, mode: int, content: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        package.writestr(member, content)
    return buffer.getvalue()


def _corrupt() -> bytes:
    package = bytearray(_zip_with("main.py", stat.S_IFREG | 0o644, b"x" * 1000))
    package[100] ^= 0xFF
    return bytes(package)


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "parent": (lambda: _zip_with("../escaped", stat.S_IFREG | 0o644), COULD_NOT_UNZIP),
    "inner parent": (lambda: _zip_with("a/../../escaped", stat.S_IFREG | 0o644), COULD_NOT_UNZIP),
    "backslashes": (lambda: _zip_with("..\\escaped", stat.S_IFREG | 0o644), COULD_NOT_UNZIP),
    "absolute": (lambda: _zip_with("/tmp/escaped", stat.S_IFREG | 0o644), COULD_NOT_UNZIP),
    "drive": (lambda: _zip_with("C:/escaped", stat.S_IFREG | 0o644), COULD_NOT_UNZIP),
    "link": (lambda: _zip_with("link", stat.S_IFLNK | 0o777, b"/etc/passwd"), COULD_NOT_UNZIP),
    "device": (lambda: _zip_with("device", stat.S_IFCHR | 0o666), COULD_NOT_UNZIP),
    "file and folder": (lambda: zip_of({"a": "x", "a/b": "x"}), COULD_NOT_UNZIP),
    "corrupt": (_corrupt, COULD_NOT_UNZIP),
    "not a zip": (lambda: b"hello", COULD_NOT_UNZIP),
    "empty": (lambda: zip_of({}), "Uploaded file must be a non-empty zip"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_zip_is_refused_and_leaves_nothing(tmp_path: Path, case: str) -> None:
    make, words = HOSTILE[case]
    with pytest.raises(ApiError, match="InvalidParameterValueException") as caught:
        packages.unpack(make(), tmp_path / "code" / "x")
    assert words in str(caught.value.message)
    assert list((tmp_path / "code").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["code"]


# What a zip declares is summed before a byte is written: at the limit it passes, one byte above it does not.
@pytest.mark.parametrize(("extra", "refused"), [(0, False), (1, True)])
def test_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: int, refused: bool) -> None:
    monkeypatch.setattr(limits, "UNZIPPED_BYTES_MAX", 100_000)
    bomb = zip_of({"a": b"0" * 50_000, "b": b"0" * (50_000 + extra)})
    assert len(bomb) < 1000
    if refused:
        with pytest.raises(ApiError, match="Unzipped size must be smaller than"):
            packages.unpack(bomb, tmp_path / "x")
    else:
        packages.unpack(bomb, tmp_path / "x")


# A member that holds more than it declares is cut at what it declares, and refused for its checksum.
def test_lying_size(tmp_path: Path) -> None:
    package = bytearray(_zip_with("a", stat.S_IFREG | 0o644, b"z" * 5000))
    at = package.rindex(b"PK\x01\x02")
    package[at + 24 : at + 28] = (10).to_bytes(4, "little")
    with pytest.raises(ApiError, match="Could not unzip"):
        packages.unpack(bytes(package), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


# Unpacked code is read-only, keeps who may be executed, and can be removed again.
def test_modes(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("plain.py", "x")
    packages.unpack(buffer.getvalue(), tmp_path / "plain")
    packages.unpack(zip_of({"bin/run": "x"}), tmp_path / "run")
    assert stat.S_IMODE((tmp_path / "plain" / "plain.py").stat().st_mode) == 0o444
    assert stat.S_IMODE((tmp_path / "run" / "bin" / "run").stat().st_mode) == 0o555
    packages.remove(tmp_path / "run")
    assert not (tmp_path / "run").exists()


# Unpacked code is not synced: after a power cut its files may be empty. In another run of the machine it is unpacked again, from
# the store; after a restart of the server alone it is used as it is.
def test_code_unpacked_before_a_power_cut_is_unpacked_again(at_desk: Run) -> None:
    async def create(desk: Desk) -> None:
        await desk.create("def handler(event, context):\n    return 'whole'\n")

    def emptied(desk: Desk) -> None:
        (source,) = desk.data.rglob("code/*/main.py")
        source.parent.chmod(0o755)
        source.unlink()
        source.write_bytes(b"")

    async def after_a_restart(desk: Desk) -> None:
        assert len(list(desk.data.rglob("code/*/main.py"))) == 1
        assert (await desk.invoke())["Payload"] == "whole"
        emptied(desk)
        (note,) = desk.data.rglob("boot")
        note.write_text("another run")

    async def after_a_power_cut(desk: Desk) -> None:
        assert list(desk.data.rglob("code/*/main.py")) == []
        assert (await desk.invoke())["Payload"] == "whole"

    at_desk(create)
    at_desk(after_a_restart)
    at_desk(after_a_power_cut)


# A disk that cannot take the code is a clear refusal.
def test_code_that_cannot_be_unpacked_is_refused(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        folder = desk.service._workings.launcher.code_folder("x").parent
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.write_text("a file where the folder should be")
        with pytest.raises(StorageUnavailable, match="could not be unpacked"):
            await desk.create("def handler(event, context): pass\n")
        folder.unlink()

    at_desk(scene)
