"""Installing a boto3 that an older Python can import: pip finds the newest one that says it supports that version.

It goes to a folder of its own below ``files.runtimes_directory()``, whole or not at all, and ``interpreters`` finds it
there from then on.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tabletop.functions import sdks

_TIMEOUT_S = 300


class InstallError(Exception):
    """One clear line for the user."""


def install(runtime: str, installed: Path) -> str:
    """Put a boto3 for ``runtime`` ("python3.9") into ``installed``; its version. Blocking. Raises InstallError."""
    installed.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".installing-", dir=installed))
    try:
        _run_pip(runtime.removeprefix("python"), partial)
        version = sdks.version(partial)
        if not version:
            raise InstallError("pip did not install boto3")
        target = installed / runtime
        if target.exists():
            shutil.rmtree(target)
        partial.rename(target)
        target.chmod(0o755)
        return version
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _run_pip(python_version: str, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--retries", "1", "--timeout", "10", "--target", str(target)]
    # Wheels only, and for that version: nothing is built, and nothing of this interpreter's is looked at.
    command += ["--python-version", python_version, "--only-binary=:all:", "boto3"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InstallError("pip took too long") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.strip().splitlines() if "ERROR" in line or "No module" in line]
        raise InstallError("pip failed: " + (lines[-1] if lines else f"status {done.returncode}"))
