"""Options, files and log lines: small, and everything starts with them."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tabletop.base import log
from tabletop.base.clock import ManualClock
from tabletop.base.errors import StartupError
from tabletop.base.files import (
    hold,
    private_directory,
    read_held,
    read_private,
    remove_directory,
    temporary_directories,
    temporary_directory,
    write_atomically,
    write_private,
)
from tabletop.base.settings import OPTIONS, Settings, misspelt_variables, settings_from, settings_from_json
from tabletop.server.state import hold_data_directory


# One table of options: the dataclass has the same names and defaults, or the command line would lie.
def test_settings_and_options_agree() -> None:
    fields = {field.name: field.default for field in dataclasses.fields(Settings)}
    assert fields == {option.name: option.default for option in OPTIONS}
    assert settings_from({}) == Settings()


# A variable is named as its flag is; the names of the fields count too. A slip is told from a variable of somebody else's.
def test_variables_of_options() -> None:
    assert settings_from({}, {"TABLETOP_DATA": "/a", "TABLETOP_TABLE_DELAY": "5"}).data_directory == Path("/a")
    assert settings_from({}, {"TABLETOP_DATA_DIRECTORY": "/b", "TABLETOP_TABLE_DELAY_MS": "7"}).table_delay_ms == 7
    environment = {"TABLETOP_PROT": "1", "TABLETOP_PORT": "2", "TABLETOP_MY_OWN": "3", "PROT": "4"}
    assert misspelt_variables(environment) == {"TABLETOP_PROT": "TABLETOP_PORT"}


# The command line wins over the environment, that over the default; an empty variable is none.
def test_settings_sources() -> None:
    environment = {"TABLETOP_PORT": "5000", "TABLETOP_WORKERS": "3", "TABLETOP_IN_MEMORY": "1", "TABLETOP_REGION": ""}
    settings = settings_from({"port": 6000, "workers": None}, environment)
    assert (settings.port, settings.workers, settings.in_memory, settings.region) == (6000, 3, True, "us-east-1")
    assert settings.directory is None
    assert settings_from_json(settings.to_json()) == settings


# A wrong option is named, with what it takes.
@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"port": "x"}, "--port takes a whole number"),
        ({"port": 65536}, "--port takes 0 to 65535, not 65536"),
        ({"workers": 0}, "--workers takes 1 to 64"),
        ({"auth": "maybe"}, "--auth takes enforce, strict, off"),
        ({"in_memory": True, "data_directory": "x"}, "exclude each other"),
        ({"tls_key": "x"}, "belong together"),
        ({"nonsense": 1}, "no option named nonsense"),
    ],
)
def test_wrong_settings(given: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        settings_from(given)


# Whoever holds a file is known by its text; when it lets go, or dies, the text means nothing any more.
def test_held_files(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = hold(path)
    assert held is not None
    held.write("me")
    assert read_held(path) == "me"
    assert hold(path) is None
    held.release()
    assert read_held(path) is None
    again = hold(path)
    assert again is not None
    again.release()
    assert read_held(tmp_path / "none") is None


# A killed holder leaves no lock behind: after a crash the server must start without a human's help.
def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    code = "import sys, time\nfrom pathlib import Path\nfrom tabletop.base.files import hold\n"
    code += "held = hold(Path(sys.argv[1])); held.write('x'); print('held', flush=True); time.sleep(30)"
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert read_held(path) == "x"
        process.kill()
        process.wait(5)
    assert read_held(path) is None


# A directory where none can be made is said in one line.
def test_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match="cannot be used"):
        private_directory(tmp_path / "file" / "below")


# The directory in use names the process, or says at least that it is in use.
def test_data_directory_in_use(tmp_path: Path) -> None:
    held = hold_data_directory(tmp_path)
    with pytest.raises(StartupError, match="in use by another process"):
        hold_data_directory(tmp_path)
    held.release()


# What a killed server left in memory is removed by the next one; what a living one has is not.
def test_temporary_directories_of_the_dead_are_removed() -> None:
    living, living_lock = temporary_directory()
    dead, dead_lock = temporary_directory()
    (dead / "data").write_text("x")
    os.close(dead_lock._descriptor)
    new, new_lock = temporary_directory()
    try:
        found = temporary_directories()
        assert living in found
        assert new in found
        assert dead not in found
    finally:
        for path, lock in ((living, living_lock), (new, new_lock)):
            remove_directory(path)
            lock.release()


# A small file is replaced as a whole, and a key is its owner's only.
def test_written_files(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_atomically(path, b"1")
    write_atomically(path, b"2")
    assert path.read_bytes() == b"2"
    assert [each.name for each in tmp_path.iterdir()] == ["f"]
    key = tmp_path / "key"
    assert read_private(key) is None
    write_private(key, b"secret")
    key.chmod(0o644)
    assert read_private(key) == b"secret"
    assert key.stat().st_mode & 0o777 == 0o600


# Lines have static text and fields; a line break in a field cannot forge a line.
def test_log_lines() -> None:
    stream = io.StringIO()
    logger = log.Log("part")
    try:
        log.configure("info", clock=ManualClock(1_700_000_000.5), stream=stream)
        logger.debug("not written")
        logger.info("listening", port=4566, name="a b\nc")
        assert stream.getvalue() == '2023-11-14T22:13:20.500Z info part listening port=4566 name="a b\\nc"\n'
        stream.truncate(stream.seek(0))
        log.configure("error", as_json=True, stream=stream)
        logger.warning("not written")
        logger.error("failed", error=ValueError("x"))
        row = json.loads(stream.getvalue())
        assert (row["level"], row["part"], row["text"]) == ("error", "part", "failed")
        assert "ValueError: x" in row["traceback"]
        # A closed stderr must not end the request that logs.
        stream.close()
        logger.error("failed")
    finally:
        log.configure()
