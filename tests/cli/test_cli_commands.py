"""Subcommands without a server, by click's runner."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tabletop import __version__
from tabletop.base.settings import OPTIONS
from tabletop.cli import COMMANDS, tabletop
from tabletop.cli.profile import split_section
from tabletop.server.state import ServerState


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    # Servers in memory that others run on this machine are none of these tests' business.
    monkeypatch.setattr("tabletop.server.state.temporary_directories", list)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "TABLETOP_DATA_DIRECTORY", "TABLETOP_IN_MEMORY"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(tabletop, arguments, prog_name="tabletop")


# Help teaches: each subcommand is listed, and each has examples.
def test_help() -> None:
    listing = run("--help").output
    for name in COMMANDS:
        assert f"  {name} " in listing
        assert "Examples:" in run(name, "--help").output
    assert run("--version").output == f"tabletop, version {__version__}\n"


# The options of `start` are those of the settings, with their words.
def test_start_has_every_option() -> None:
    text = run("start", "--help").output
    for option in OPTIONS:
        for flag in option.flags:
            assert flag in text


# The help must come at once: no subcommand's libraries are loaded for it.
def test_help_imports_little() -> None:
    code = "import sys, tabletop.cli; print({'rich', 'botocore', 'boto3', 'lmdb', 'asyncio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout == "set()\n"


# Scripts ask by exit status: 3 is "not running".
def test_status_and_stop_without_server() -> None:
    for name in ("status", "stop"):
        done = run(name)
        assert done.exit_code == 3
        assert "No server is running" in done.output


# Options that exclude each other are a usage error, not a start.
def test_start_with_wrong_options() -> None:
    assert run("start", "--in-memory", "--data", "x").exit_code == 2
    assert run("start", "--workers", "0").exit_code == 2


# The lines are ready for eval, also when nothing runs yet: then for the default address.
def test_env() -> None:
    lines = run("env").output.splitlines()
    assert "export AWS_ENDPOINT_URL=http://localhost:4566" in lines
    assert "export AWS_ACCESS_KEY_ID=test" in lines
    assert lines[0].startswith("unset AWS_SESSION_TOKEN")


# Without --write nothing is written; with it what was there stays, and a different profile is not overwritten unasked.
def test_profile(tmp_path: Path) -> None:
    assert "[profile localstack]" in run("profile").output
    assert not (tmp_path / ".aws").exists()
    config, credentials = tmp_path / ".aws" / "config", tmp_path / ".aws" / "credentials"
    config.parent.mkdir()
    config.write_text("# mine\n[default]\nregion = eu-west-1")
    assert run("profile", "--write").exit_code == 0
    text = config.read_text()
    assert text.startswith("# mine\n[default]\nregion = eu-west-1\n\n[profile localstack]\nregion = us-east-1\n")
    # Version 2 of the AWS CLI takes a payload as it stands only with this.
    assert "cli_binary_format = raw-in-base64-out" in text
    assert "aws_access_key_id = test" in credentials.read_text()
    assert credentials.stat().st_mode & 0o777 == 0o600
    assert run("profile", "--write").exit_code == 0
    assert config.read_text() == text
    config.write_text(text.replace("us-east-1", "eu-west-1"))
    assert run("profile", "--write").exit_code == 1
    assert run("profile", "--write", "--replace").exit_code == 0
    assert split_section(config.read_text(), "profile localstack")[1] == split_section(text, "profile localstack")[1]


# A section is taken out whole, and only it.
def test_split_section() -> None:
    text = "[a]\nx = 1\n\n[b]\ny = 2\n# note\n[c]\nz = 3\n"
    assert split_section(text, "b") == ("[a]\nx = 1\n\n[c]\nz = 3\n", ["y = 2", "# note"])
    assert split_section(text, "d") == (text, None)
    assert split_section("", "d") == ("", None)


# A directory without data is not made by checking it.
def test_check_without_data(tmp_path: Path) -> None:
    done = run("check", "--data", str(tmp_path / "none"))
    assert done.exit_code == 1
    assert "there is no data directory" in done.output
    assert not (tmp_path / "none").exists()


# The AWS CLI would try for half a minute to reach a server that is not there; what needs no server goes through.
def test_aws_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr("tabletop.cli.aws.find_aws", lambda: "aws")
    monkeypatch.setattr("tabletop.cli.aws._answers", lambda port: False)
    monkeypatch.setattr("os.execve", lambda program, arguments, environment: ran.append(arguments[1:]))
    done = run("aws", "dynamodb", "list-tables")
    assert (done.exit_code, done.output) == (3, "No server is running. Start one: tabletop start\n")
    assert run("aws", "--version").exit_code == 0
    assert run("aws", "dynamodb", "help").exit_code == 0
    assert ran == [["--version"], ["dynamodb", "help"]]


# Which of several servers is meant is not guessed, unless one of them is at the port that everybody uses.
def test_env_with_several_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    def servers(*ports: int) -> None:
        states = [
            ServerState(pid=port, started=0, version="", address=f"http://localhost:{port}", port=port, directory="")
            for port in ports
        ]
        monkeypatch.setattr("tabletop.cli.servers.running_servers", lambda settings, wait_s: states)

    servers(4567, 4566)
    assert "AWS_ENDPOINT_URL=http://localhost:4566" in run("env").output
    servers(4568, 4567)
    assert "name one: --port 4567, --port 4568 (or by TABLETOP_PORT=...)" in run("env").output
    assert "AWS_ENDPOINT_URL=http://localhost:4568" in run("env", "--port", "4568").output


# A slip in a command's name is answered with the name.
def test_misspelt_command() -> None:
    assert "No such command 'strat'. Did you mean 'start'?" in run("strat").output
    assert "Did you mean" not in run("xyzzy").output


# No AWS CLI: the message says what to install.
def test_aws_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabletop.cli.aws.find_aws", lambda: None)
    done = run("aws", "dynamodb", "list-tables")
    assert done.exit_code == 1
    assert "pip install" in done.output
