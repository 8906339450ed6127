"""`tabletop import`"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import sleep
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import click
import orjson

from tabletop.base.clock import system_clock, system_stopwatch
from tabletop.base.errors import ApiError, StartupError, StorageUnavailable
from tabletop.cli.servers import Place, place_of_data, server_options, table_in, table_options

if TYPE_CHECKING:
    from tabletop.cli.import_sources import Format
    from tabletop.dynamodb.bulk import Chunk, Prepared
    from tabletop.dynamodb.schema import Table
    from tabletop.storage.engine import LmdbStore

PROBLEMS_SHOWN_MAX = 20
CHUNKS_WAITING_MAX = 3
"""Chunks that are read but not yet in: bounds memory, and what Ctrl-C waits for."""
INTERRUPTED = 130


class Pace(NamedTuple):
    """How much one commit takes, and how long other writers are let in before the next."""

    items_max: int
    bytes_max: int
    rest_s: float


ALONE = Pace(4000, 8 << 20, 0.0)
BESIDE = Pace(500, 1 << 20, 0.001)
"""The write lock is held for some 20 ms, and handed over: LMDB's lock is not fair, so a rest is needed."""
BESIDE_MEMORY = Pace(100, 256 << 10, 0.001)
"""A server in memory waits for the lock on its event loop. Without a sync small groups cost little."""


@click.command("import")
@click.argument("table")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format", "form", type=click.Choice(["json", "csv"]), help="What the files hold.  [default: by their names]"
)
@click.option("--errors", type=click.Path(path_type=Path, dir_okay=False), help="Write what is refused to this file.")
@table_options
@server_options
def command(
    table: str, files: tuple[str, ...], form: Format | None, errors: Path | None, account: str, region: str | None,
    port: int | None, data: Path | None,
) -> None:  # fmt: skip
    """Load items from files into a table, beside the running server or without one.

    A line of a file is an item in DynamoDB JSON, alone or as {"Item": ...}, as AWS's exports to S3 have it. The first row of
    a CSV file names the attributes; all but keys become strings. Names that end in .gz are decompressed; - is the standard
    input. The table must exist. Items are put as PutItem puts them: indexes, streams and time to live follow.

    What is refused is shown with its file and line, and does not stop the others; the exit status is then 1. After Ctrl-C
    the command can be run again: items that are in are put once more.

    \b
    Examples:
      tabletop import users users.json
      tabletop import users export/data/*.json.gz --errors refused.json
      generate | tabletop import events -
    """
    place = place_of_data(port, data)
    try:
        with _opened(place) as store:
            found = table_in(store, place, account, region, table)
            with ExitStack() as stack:
                loader = Loader(store, place, found, stack.enter_context(_problem_file(errors)))
                _load(loader, files, form)
    except (StartupError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if loader.refused:
        raise SystemExit(1)


@contextmanager
def _opened(place: Place) -> Iterator[LmdbStore]:
    """The store; no server starts on it meanwhile. Raises StartupError when it was not the same to the end."""
    from tabletop.server.state import hold_data_directory
    from tabletop.storage.engine import open_store

    held = hold_data_directory(place.directory) if place.server is None else None
    try:
        store = open_store(place.directory, durable=place.durable)
        before = _identity(place)
        try:
            yield store
        finally:
            store.close()
        if _identity(place) != before:
            raise StartupError("the server ended meanwhile, and its data was removed or replaced: load it again")
    finally:
        if held is not None:
            held.release()


def _identity(place: Place) -> tuple[int, int] | None:
    """Of the file that has the data: a server in memory takes it along, and `tabletop compact` puts another in its place."""
    try:
        found = (place.directory / "store" / "data.mdb").stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _problem_file(path: Path | None) -> Iterator[IO[bytes] | None]:
    if path is None:
        yield None
    else:
        with path.open("wb") as file:
            yield file


class Loader:
    """Prepares items in the calling thread, and commits them in another, which mostly waits for the disk."""

    def __init__(self, store: LmdbStore, place: Place, table: Table, problems: IO[bytes] | None) -> None:
        from tabletop.base.call import Call, Principal

        owner = Principal("root", table.account, f"arn:aws:iam::{table.account}:root", table.account)
        self.table = table
        self.done = 0
        """Items that are in, for good."""
        self.refused = 0
        self._call = Call("import", table.account, table.region, owner, system_clock())
        self._store = store
        self._pace = ALONE if place.server is None else BESIDE if place.durable else BESIDE_MEMORY
        self._problems = problems
        self._items: list[Prepared] = []
        self._bytes = 0
        self._thread = ThreadPoolExecutor(1)
        self._waiting: deque[Future[tuple[int, list[tuple[Any, ApiError]]]]] = deque()

    def add(self, item: Any, file: str, line: int) -> bool:
        """Take an item, to be in soon; True when a chunk was handed on. Raises StorageUnavailable, ResourceNotFoundException."""
        from tabletop.dynamodb.bulk import prepare

        try:
            prepared = prepare(self.table, item, (file, line))
        except ApiError as error:
            self.refuse(file, line, error.message or error.code)
            return False
        except UnicodeError:
            self.refuse(file, line, "the text is not UTF-8")
            return False
        self._items.append(prepared)
        self._bytes += prepared.size_bytes
        if len(self._items) < self._pace.items_max and self._bytes < self._pace.bytes_max:
            return False
        self._hand_on()
        while len(self._waiting) >= CHUNKS_WAITING_MAX:
            self._settle_one()
        return True

    def refuse(self, file: str, line: int, reason: str) -> None:
        self.refused += 1
        if self._problems is not None:
            self._problems.write(orjson.dumps({"file": file, "line": line, "error": reason}) + b"\n")
        if self.refused <= PROBLEMS_SHOWN_MAX:
            click.echo(f"{file}:{line}: {reason}", err=True)
        elif self.refused == PROBLEMS_SHOWN_MAX + 1:
            click.echo("further refusals are counted" + ("" if self._problems else "; see --errors"), err=True)

    def finish(self) -> None:
        """All that was added is in on return."""
        if self._items:
            self._hand_on()
        while self._waiting:
            self._settle_one()

    def close(self) -> None:
        """Give up what was not handed on, and wait for the rest."""
        self._items = []
        while self._waiting:
            self._settle_one()
        self._thread.shutdown()

    def _hand_on(self) -> None:
        from tabletop.dynamodb.bulk import Chunk

        self._waiting.append(self._thread.submit(self._commit, Chunk(self._call, self.table, self._items)))
        self._items, self._bytes = [], 0

    def _settle_one(self) -> None:
        done, refusals = self._waiting.popleft().result()
        self.done += done
        for (file, line), error in refusals:
            self.refuse(file, line, error.message or error.code)

    def _commit(self, chunk: Chunk) -> tuple[int, list[tuple[Any, ApiError]]]:
        """In the thread. How many items are in, and what was refused only now: by the table as it has become."""
        from tabletop.dynamodb.bulk import put_all
        from tabletop.storage.committer import commit_one

        try:
            commit_one(self._store, system_clock, put_all, chunk)
        except ApiError as error:
            if error.code == "ResourceNotFoundException":
                raise
            if len(chunk.items) == 1:
                return 0, [(chunk.items[0].origin, error)]
            outcomes = [self._commit(chunk._replace(items=[one])) for one in chunk.items]
            return sum(done for done, _ in outcomes), [refusal for _, refusals in outcomes for refusal in refusals]
        if self._pace.rest_s:
            sleep(self._pace.rest_s)
        return len(chunk.items), []


def _load(loader: Loader, files: tuple[str, ...], form: Format | None) -> None:
    from tabletop.cli.import_progress import progress_of
    from tabletop.cli.import_sources import Source

    # What is read has no circles: collecting would only walk it again and again.
    gc.disable()
    began = system_stopwatch()
    failure = ""
    status = 1
    try:
        total = None if "-" in files else sum(Path(file).stat().st_size for file in files)
        with progress_of(total) as shown:
            try:
                behind = 0
                for file in files:
                    source = Source(file, form)
                    try:
                        for line, item in source.rows(loader.table):
                            if type(item) is str:
                                loader.refuse(file, line, item)
                            elif loader.add(item, file, line):
                                shown(behind + source.position, loader.done)
                        behind += source.position
                    finally:
                        source.close()
                loader.finish()
                shown(behind, loader.done)
            finally:
                loader.close()
    except KeyboardInterrupt:
        failure, status = "interrupted; run it again to load the rest", INTERRUPTED
    except StorageUnavailable as error:
        failure = f"the store takes no writes: {': '.join(map(str, error.args))}"
    except ApiError:
        failure = f"the table {loader.table.name} is there no more"
    finally:
        gc.enable()
    took_s = max(system_stopwatch() - began, 1e-9)
    refused = f", {loader.refused:,} refused" if loader.refused else ""
    click.echo(f"{loader.done:,} items are in{refused} ({took_s:,.1f} s, {loader.done / took_s:,.0f} items/s)")
    if failure:
        click.echo(f"tabletop: {failure}", err=True)
        raise SystemExit(status)
