"""Which program runs which runtime: the search, what was installed for one, and what is said of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tabletop.cli.lambda_runtimes import row_of
from tabletop.functions import interpreters, sdk_install, sdks
from tabletop.functions.interpreters import CURRENT, Interpreters, Program

OTHERS = [f"3.{minor}" for minor in range(8, 16) if minor != sys.version_info.minor]


def _put_boto3(folder: Path, version: str) -> None:
    (folder / "boto3").mkdir(parents=True)
    (folder / "boto3" / "__init__.py").write_text(f"__version__ = {version!r}\n")
    (folder / f"boto3-{version}.dist-info").mkdir()


@pytest.fixture
def found(tmp_path: Path) -> Interpreters:
    return Interpreters(tmp_path / "sdk", tmp_path / "runtimes")


@pytest.fixture
def another() -> str:
    for version in OTHERS:
        if any(interpreters._describe(candidate, version) for candidate in interpreters._pythons(version)):
            return version
    pytest.skip("this machine has no other Python")


# The server's own version is run by the server's interpreter with the server's boto3, without a remark.
def test_own_version(found: Interpreters) -> None:
    program = found.program(f"python3.{sys.version_info.minor}")
    assert program.remark == ""
    assert program.version == "Python " + ".".join(map(str, sys.version_info[:3]))
    assert program.sdk is not None
    assert {"boto3", "botocore", "six.py"} <= {name for name, _ in program.sdk_sources}


# What is installed for a runtime counts at once, in a server that runs already, and it alone is what functions import.
def test_installed_boto3_is_taken_at_once(
    found: Interpreters, another: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = f"python{another}"
    before = found.program(runtime)
    monkeypatch.setattr(sdk_install, "_run_pip", lambda version, target: _put_boto3(target, "1.0.1"))
    assert sdk_install.install(runtime, tmp_path / "runtimes") == "1.0.1"
    after = found.program(runtime)
    assert after.sdk == tmp_path / "runtimes" / runtime != before.sdk
    assert after.remark == ""
    assert after.version.startswith(f"Python {another}.")
    assert sdks.version(after.sdk) == "1.0.1"


# An installation that fails leaves nothing behind, neither half of it nor the loss of an earlier one.
def test_failed_installation_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _put_boto3(tmp_path / "python3.9", "1.0.1")

    def fail(version: str, target: Path) -> None:
        (target / "boto3").mkdir()
        raise sdk_install.InstallError("no network")

    monkeypatch.setattr(sdk_install, "_run_pip", fail)
    with pytest.raises(sdk_install.InstallError):
        sdk_install.install("python3.9", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["python3.9"]
    assert sdks.version(tmp_path / "python3.9") == "1.0.1"


# An interpreter that cannot import today's boto3 and has one of its own is run with that.
def test_an_interpreters_own_boto3(found: Interpreters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _put_boto3(tmp_path / "site", "1.0.2")
    origin = str(tmp_path / "site" / "boto3" / "__init__.py")
    described = interpreters._Python("/usr/bin/env", "3.9.9", tmp_path, {"boto3": origin})
    monkeypatch.setattr(interpreters, "_pythons", lambda version: ["/usr/bin/env"])
    monkeypatch.setattr(interpreters, "_describe", lambda candidate, version: described)
    monkeypatch.setattr(interpreters, "_imports", lambda described, sdk: sdk.name == "python3.9")
    program = found.program("python3.9")
    assert (program.version, program.remark) == ("Python 3.9.9", "")
    assert {name for name, _ in program.sdk_sources} == {"boto3", "boto3-1.0.2.dist-info"}


# Where there is an interpreter but no boto3 for it, the function's log names the command that helps.
def test_the_remark_names_the_remedy(found: Interpreters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = interpreters._Python("/usr/bin/env", "3.9.9", tmp_path, {})
    monkeypatch.setattr(interpreters, "_pythons", lambda version: ["/usr/bin/env"])
    monkeypatch.setattr(interpreters, "_describe", lambda candidate, version: described)
    monkeypatch.setattr(interpreters, "_imports", lambda described, sdk: False)
    remark = found.program("python3.9").remark
    assert remark.startswith("TABLETOP runtime python3.9 cannot import the boto3 that is installed here: running with")
    assert remark.endswith("(an older one: tabletop lambda runtimes --install python3.9)")


# The list of `tabletop lambda runtimes` comes from the very search that the server makes.
def test_list_of_runtimes(found: Interpreters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "_pythons", lambda version: [])
    monkeypatch.setattr(interpreters.shutil, "which", lambda program: None)
    rows = {runtime: row_of(found, runtime) for runtime in CURRENT}
    own = rows[f"python3.{sys.version_info.minor}"]
    assert own.runs is True
    assert own.boto3
    assert rows["nodejs20.x"].runs is None
    assert "no node on this machine" in rows["nodejs20.x"].note
    other = rows[f"python{OTHERS[0]}"]
    assert other.runs is False
    assert other.note.startswith("is not on this machine")
    assert rows["provided.al2023"].version == "the function's own bootstrap"


# A node that is not the system's brings its folder along; a lone file in a home does not bring the home.
def test_node_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (tmp_path / "node" / "bin", tmp_path / "home" / "bin"):
        folder.mkdir(parents=True)
        (folder / "node").write_text("")
    monkeypatch.setattr(interpreters, "_output_of", lambda arguments: "v20.1.0")
    monkeypatch.setattr(interpreters.Path, "home", lambda: tmp_path / "home")

    def at(path: Path) -> Program:
        monkeypatch.setattr(interpreters.shutil, "which", lambda program: str(path))
        return interpreters._find_node("nodejs20.x")

    assert at(tmp_path / "node" / "bin" / "node").folders == (tmp_path / "node",)
    assert at(tmp_path / "home" / "bin" / "node").folders == (tmp_path / "home" / "bin" / "node",)
