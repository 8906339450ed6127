"""`tabletop status`"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from tabletop.base.clock import system_clock
from tabletop.base.files import free_space_bytes
from tabletop.cli.servers import required_server, server_options
from tabletop.server.state import ServerState

TABLES_SHOWN_MAX = 500
LOW_SPACE_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class TableLine:
    account: str
    region: str
    name: str
    status: str


@click.command("status")
@server_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def command(port: int | None, data: Path | None, as_json: bool) -> None:
    """Show the running server. Exit status 3 when none runs.

    A table belongs to an account and a region: one that a program cannot find may exist in another region.

    \b
    Examples:
      tabletop status
      tabletop status --port 4567
      tabletop status --json | jq -r .address
    """
    server = required_server(port, data)
    tables, searches = _stored(Path(server.directory))
    refusals = {str(pid): reason for pid, reason in _refusals(server).items()}
    uptime_s = max(0.0, system_clock() - server.started)
    if as_json:
        row = {**asdict(server), "uptime_s": round(uptime_s, 1), "tables": [asdict(table) for table in tables]}
        row["misplaced"] = searches
        row["isolation"] = _isolation(server)
        row["writes_refused"] = refusals
        click.echo(json.dumps(row, indent=2))
    else:
        _print(server, uptime_s, tables)
        for pid, reason in refusals.items():
            click.echo(
                f"\nWrites are refused by process {pid}: the disk failed it ({reason}). Reads go on, and it tries again every "
                f"few seconds. See to the disk; the server's log says more."
            )
        for search in searches:
            click.echo(
                f"\nLooked for in {search['region']} (account {search['account']}), where it is not: table {search['name']}. "
                f"It is in {', '.join(search['found'])}."
            )


def _stored(directory: Path) -> tuple[list[TableLine], list[dict[str, Any]]]:
    """Read from the store itself, beside the running server: no request, hence no credentials and no region."""
    from tabletop.dynamodb import catalog, keys, misplaced
    from tabletop.storage.engine import open_store
    from tabletop.storage.store import after_prefix

    store = open_store(directory)
    try:
        with store.view() as view:
            rows = view.range(keys.catalog_prefix(), after_prefix(keys.catalog_prefix()))
            tables = [catalog.compile_table(raw) for _, raw in rows]
            searches = [asdict(search) for search in misplaced.recent(view, system_clock())]
    finally:
        store.close()
    return [TableLine(each.account, each.region, each.name, each.status) for each in tables], searches


def _print(server: ServerState, uptime_s: float, tables: list[TableLine]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    facts = Table.grid(padding=(0, 2))
    where = "in memory, gone when it stops" if server.in_memory else server.directory
    for name, value in (
        ("Address", server.address),
        ("Process", f"{server.pid}" + (f" and {server.workers} workers" if server.workers > 1 else "")),
        ("Running for", _duration(uptime_s)),
        ("Data", where),
        ("Disk", _free_space(server)),
        ("Isolation", _isolation_meaning(server)),
        ("Version", server.version),
    ):
        facts.add_row(name, value)
    console.print(facts)
    if not tables:
        console.print("\nNo tables yet.")
        return
    listing = Table("Region", "Table", "Status", "Account")
    for table in tables[:TABLES_SHOWN_MAX]:
        listing.add_row(table.region, table.name, table.status, table.account)
    console.print()
    console.print(listing)
    if len(tables) > TABLES_SHOWN_MAX:
        console.print(f"and {len(tables) - TABLES_SHOWN_MAX} more")


def _refusals(server: ServerState) -> dict[int, str]:
    """Process id to reason, of this server's processes that take no writes since a commit failed."""
    from tabletop.storage.failures import noted

    return noted(Path(server.directory) / "store")


def _free_space(server: ServerState) -> str:
    free_bytes = free_space_bytes(Path(server.directory))
    return f"{free_bytes / 1e9:,.1f} GB free" if free_bytes >= LOW_SPACE_BYTES else f"full: {free_bytes:,} bytes free"


def _isolation(server: ServerState) -> str:
    """The kind that the server found for its functions; "" while it has not tried yet."""
    from tabletop.functions.launcher import ISOLATION_NOTE

    try:
        return (Path(server.directory) / "functions" / ISOLATION_NOTE).read_text()
    except OSError:
        return ""


def _isolation_meaning(server: ServerState) -> str:
    from tabletop.functions.enclosures import MEANINGS

    return MEANINGS.get(_isolation(server), "not known yet")


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
