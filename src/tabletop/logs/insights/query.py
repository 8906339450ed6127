"""From the text of a query to its stages.

    query = command { "|" command }
    command = "fields" named { "," named } | "display" names | "filter" expression
            | "stats" named { "," named } [ "by" named { "," named } ] | "sort" key { "," key } | "limit" number
            | "parse" [ expression ] ( "glob*" "as" names | /regex/ ) | "dedup" names
    named = expression [ "as" name ]      key = expression [ "asc" | "desc" ]

Without fields, display and stats the time and the message are shown. ``pattern``, ``diff``, ``anomaly``, ``unnest``,
``lookup``, ``SOURCE``, ``filterIndex`` and ``unmask`` are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tabletop.logs.insights.expressions import Expression, Reader
from tabletop.logs.insights.regex import compile_regex
from tabletop.logs.insights.stages import (
    Compute,
    Dedup,
    Filter,
    Limit,
    ParseGlob,
    ParseRegex,
    Sort,
    Stage,
    Stats,
)
from tabletop.logs.insights.tokens import malformed, tokens_of
from tabletop.logs.insights.values import number_of

LIMIT_DEFAULT = 10_000
LIMIT_MAX = 100_000
COMMANDS_MAX = 100
STATS_MAX = 2
_ALWAYS_SHOWN = ["@timestamp", "@message"]
_NOT_BUILT = frozenset({"pattern", "diff", "anomaly", "unnest", "lookup", "source", "filterindex", "unmask", "join"})


@dataclass(slots=True)
class Query:
    stages: list[Stage] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    displayed: bool = False
    aggregated: bool = False
    """A row is not one event any more."""
    ordered: bool = False
    limited: bool = False
    stats: int = 0

    def show(self, names: list[str]) -> None:
        if not self.displayed:
            self.shown += [name for name in names if name not in self.shown]


def compile_query(text: str, limit: int | None = None, *, newest_first: bool = False) -> Query:
    """Stages of their own for one run. ``limit``: StartQuery's; ``newest_first``: events come in that order already.

    Raises MalformedQueryException.
    """
    reader = Reader(text, tokens_of(text))
    query = Query(ordered=newest_first)
    while True:
        word = reader.take("name").lower()
        if word in _NOT_BUILT:
            raise malformed(f"the command {word} is not available here")
        command = _COMMANDS.get(word)
        if command is None:
            raise malformed(f"unknown command {word}")
        command(reader, query)
        if reader.token.kind == "end":
            break
        reader.expect("|")
        if len(query.stages) > COMMANDS_MAX:
            raise malformed("too many commands")
    if not query.shown:
        query.shown = list(_ALWAYS_SHOWN)
    if not query.ordered and not query.aggregated:
        # Newest first. Where a limit comes, only so many are wanted.
        first = next((at for at, stage in enumerate(query.stages) if isinstance(stage, Limit)), len(query.stages))
        query.stages.insert(first, Sort([(lambda row: row.get("@timestamp"), True)]))
    if limit is not None or not query.limited:
        query.stages.append(Limit(limit or LIMIT_DEFAULT))
    for stage, following in zip(query.stages, query.stages[1:], strict=False):
        if isinstance(stage, Sort) and isinstance(following, Limit):
            stage.count = following.count
    return query


def _named(reader: Reader) -> tuple[str, Expression, bool]:
    """(name, expression, whether it is a plain field under its own name)."""
    token = reader.token
    expression = reader.expression()
    source = reader.source(token.start)
    if reader.accept_word("as"):
        return reader.take("name"), expression, False
    if token.kind == "name" and source in (token.text, f"`{token.text}`"):
        return token.text, expression, True
    return source, expression, False


def _names(reader: Reader) -> list[str]:
    names = [reader.take("name")]
    while reader.accept(","):
        names.append(reader.take("name"))
    return names


def _fields(reader: Reader, query: Query) -> None:
    named = [_named(reader)]
    while reader.accept(",") or reader.token.kind == "name":
        named.append(_named(reader))
    computed = [(name, expression) for name, expression, plain in named if not plain]
    if computed:
        query.stages.append(Compute(computed))
    query.show([name for name, _, _ in named])


def _display(reader: Reader, query: Query) -> None:
    named = [_named(reader)]
    while reader.accept(","):
        named.append(_named(reader))
    computed = [(name, expression) for name, expression, plain in named if not plain]
    if computed:
        query.stages.append(Compute(computed))
    query.shown, query.displayed = [name for name, _, _ in named], True


def _filter(reader: Reader, query: Query) -> None:
    query.stages.append(Filter(reader.expression()))


def _stats(reader: Reader, query: Query) -> None:
    query.stats += 1
    if query.stats > STATS_MAX:
        raise malformed(f"no more than {STATS_MAX} stats commands are allowed")
    start = reader.token.start
    results: list[tuple[str, Expression]] = []
    reader.aggregates = []
    while not results or reader.accept(","):
        name, expression, _ = _named(reader)
        results.append((name, expression))
    aggregates, reader.aggregates = reader.aggregates, None
    if not aggregates:
        raise malformed("stats without an aggregate", start, reader.token.start)
    groups: list[tuple[str, Expression]] = []
    if reader.accept_word("by"):
        while not groups or reader.accept(","):
            name, expression, _ = _named(reader)
            groups.append((name, expression))
    query.stages.append(Stats(aggregates, results, groups))
    query.shown = [name for name, _ in (*groups, *results)]
    query.displayed, query.aggregated = False, True


def _sort(reader: Reader, query: Query) -> None:
    keys: list[tuple[Expression, bool]] = []
    while not keys or reader.accept(","):
        key = reader.expression()
        keys.append((key, reader.accept_word("asc", "desc") == "desc"))
    query.stages.append(Sort(keys))
    query.ordered = True


def _limit(reader: Reader, query: Query) -> None:
    count = number_of(reader.take("number"))
    if not isinstance(count, int) or not 0 < count <= LIMIT_MAX:
        raise malformed(f"a limit is between 1 and {LIMIT_MAX}")
    query.stages.append(Limit(count))
    query.limited = True


def _parse(reader: Reader, query: Query) -> None:
    source: Expression = _message
    if reader.token.kind not in ("text", "regex") or reader.ahead(","):
        source = reader.expression()
    token = reader.next()
    if token.kind == "regex":
        regex = compile_regex(token.text)
        if not regex.names:
            raise malformed("parse needs named groups", token.start, token.stop)
        query.stages.append(ParseRegex(source, regex))
        query.show(list(regex.names))
        return
    if token.kind != "text" or not reader.accept_word("as"):
        raise malformed("parse needs a text with asterisks and names for them, or a regular expression", token.start)
    names = _names(reader)
    if token.text.count("*") != len(names):
        raise malformed("parse has other names than asterisks", token.start, token.stop)
    query.stages.append(ParseGlob(source, token.text, names))
    query.show(names)


def _dedup(reader: Reader, query: Query) -> None:
    if not query.ordered and not query.aggregated:
        # Of equal rows the newest stays.
        query.stages.append(Sort([(lambda row: row.get("@timestamp"), True)]))
        query.ordered = True
    query.stages.append(Dedup(_names(reader)))


def _message(row: dict[str, object]) -> object:
    return row.get("@message")


_COMMANDS: dict[str, Callable[[Reader, Query], None]] = {
    "fields": _fields,
    "display": _display,
    "filter": _filter,
    "stats": _stats,
    "sort": _sort,
    "limit": _limit,
    "head": _limit,
    "parse": _parse,
    "dedup": _dedup,
}
