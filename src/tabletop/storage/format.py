"""What a data directory holds, and in which format: so that a store is never opened by a Tabletop that cannot read it.

DATA/tabletop.json     {"format": 1, "created": epoch seconds}: written first, before there is any data
DATA/store/            LMDB's data.mdb and lock.mdb
DATA/lock              held (flock) by the one server, or offline tool, that uses the directory (``base.files``)
"""

from __future__ import annotations

import json
from pathlib import Path

from tabletop.base.errors import StartupError
from tabletop.base.files import sync_directory, write_atomically

FORMAT = 1
"""Raised whenever older code could misread what newer code wrote."""

_MARKER = "tabletop.json"


def prepare_directory(directory: Path, now: float) -> bool:
    """Make or recognise a data directory; True when it is new.

    Raises StartupError where the directory has a newer format, or holds other things than Tabletop's.
    """
    marker = directory / _MARKER
    if marker.exists():
        _check_marker(marker)
        return False
    if (directory / "store").exists():
        raise StartupError(f"{directory} holds a store but no {_MARKER}: not opened, so as not to harm what it is")
    directory.mkdir(parents=True, exist_ok=True)
    write_atomically(marker, json.dumps({"format": FORMAT, "created": now}).encode())
    # The marker and the store's folder must outlive a power cut together with what is acknowledged later.
    (directory / "store").mkdir(exist_ok=True)
    sync_directory(directory)
    sync_directory(directory.parent)
    return True


def _check_marker(marker: Path) -> None:
    try:
        found = json.loads(marker.read_text())["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise StartupError(f"{marker} is damaged: it does not tell the format of the data") from error
    if not isinstance(found, int):
        raise StartupError(f"{marker} is damaged: it does not tell the format of the data")
    if found != FORMAT:
        raise StartupError(
            f"{marker.parent} has data format {found}; this version of Tabletop reads format {FORMAT}: "
            + ("use a newer Tabletop" if found > FORMAT else "it is too old to be opened")
        )
