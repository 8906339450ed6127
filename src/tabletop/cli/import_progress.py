"""How far `tabletop import` and `tabletop export` have come, on a terminal; elsewhere nothing is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tabletop.base.clock import system_stopwatch

Shown = Callable[[int, int], None]
"""Takes how much of the total is done, and how many items."""


@contextmanager
def progress_of(total: int | None, *, bytes_counted: bool = True) -> Iterator[Shown]:
    """A bar over ``total`` bytes (or items); None: the total is not known."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    amount = DownloadColumn() if bytes_counted else MofNCompleteColumn()
    columns = (BarColumn(), amount, TextColumn("{task.fields[items]}"), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, items="")
        began = system_stopwatch()

        def show(done: int, items: int) -> None:
            rate = items / max(system_stopwatch() - began, 1e-9)
            progress.update(task, completed=done, items=f"{items:,} items, {rate:,.0f} items/s")

        yield show
