"""`tabletop export`"""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import click

from tabletop.base.errors import StartupError
from tabletop.cli.servers import place_of_data, server_options, table_in, table_options

WRITTEN_ITEMS = 1000
"""Items that one write hands over."""


@click.command("export")
@click.argument("table")
@click.argument("file", default="-")
@table_options
@server_options
def command(table: str, file: str, account: str, region: str | None, port: int | None, data: Path | None) -> None:
    """Write all items of a table to a file, or to the standard output: one line each, {"Item": ...} in DynamoDB JSON.

    `tabletop import` reads such files, and AWS's import from S3 does. A name that ends in .gz is compressed. The items are those
    of one moment, also beside a running server that is being written to.

    \b
    Examples:
      tabletop export users users.json.gz
      tabletop export users | jq -c .Item.name.S
    """
    from tabletop.cli.import_progress import progress_of
    from tabletop.storage.engine import open_store
    from tabletop.storage.store import after_prefix, read_counter

    place = place_of_data(port, data)
    try:
        store = open_store(place.directory, durable=place.durable)
        try:
            found = table_in(store, place, account, region, table)
            with store.view() as view, _target(file) as target:
                total = read_counter(view, found.counter, 2)[0]
                done = 0
                lines: list[bytes] = []
                with progress_of(total, bytes_counted=False) as shown:
                    for _, value in view.range(found.item_prefix, after_prefix(found.item_prefix)):
                        lines.append(b'{"Item":%b}\n' % value[4:])
                        if len(lines) == WRITTEN_ITEMS:
                            target.write(b"".join(lines))
                            done += len(lines)
                            lines.clear()
                            shown(done, done)
                    target.write(b"".join(lines))
                    done += len(lines)
        finally:
            store.close()
    except BrokenPipeError:
        # Whoever read the standard output has enough. The interpreter must not try to flush it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except (StartupError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{done:,} items written", err=True)


@contextmanager
def _target(file: str) -> Iterator[IO[bytes]]:
    """The file appears under its name when it is complete."""
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as raw:
            if path.suffix == ".gz":
                with gzip.GzipFile(path.stem, "wb", compresslevel=6, fileobj=raw) as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield raw
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
