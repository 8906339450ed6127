"""Logs Insights: the query language, and queries from their begin to their results."""

from __future__ import annotations

import asyncio
import json
import re
from random import Random
from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.logs.insights import runs, tokens
from tabletop.logs.insights.query import compile_query
from tabletop.logs.insights.regex import STEPS_MAX, compile_regex
from tabletop.logs.insights.runner import Runner
from tabletop.logs.insights.values import QueryFailed

REPORT = (
    "REPORT RequestId: 8cf0b9a2-1111-4222-8333-444455556666\tDuration: 12.50 ms\tBilled Duration: 13 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 100.25 ms\t\n"
)
EVENTS: list[str] = [
    json.dumps({"level": "ERROR", "user": {"id": 7, "name": "ann"}, "ms": 30, "ok": False, "tags": ["a", "b"]}),
    json.dumps({"level": "INFO", "user": {"id": 8, "name": "bob"}, "ms": 10, "ok": True, "ip": "10.0.0.7"}),
    json.dumps({"level": "INFO", "user": {"id": 7, "name": "ann"}, "ms": 20, "ok": True, "a-b": "x"}),
    "user=cy, method:GET, latency := 5",
    "plain words",
]


def run(client: Any, text: str, group: str = "g", **more: Any) -> dict[str, Any]:
    """The answer of GetQueryResults after the query has been run to its end."""
    now_s = client.now_ms // 1000
    times = {"startTime": now_s - 3600, "endTime": now_s + 3600}
    query = client("StartQuery", logGroupName=group, queryString=text, **(times | more))["queryId"]
    finish(client)
    answer: dict[str, Any] = client("GetQueryResults", queryId=query)
    return answer


def finish(client: Any) -> None:
    async def finish_all() -> None:
        with client.store.view() as view:
            waiting = list(runs.unfinished(view))
        for path in waiting:
            await Runner(client.store).finish(path)

    asyncio.run(finish_all())


def rows(answer: dict[str, Any]) -> list[dict[str, str]]:
    assert answer["status"] == "Complete"
    return [{one["field"]: one["value"] for one in row if one["field"] != "@ptr"} for row in answer["results"]]


@pytest.fixture
def filled(client: Any) -> Any:
    """Five events, a second apart, oldest first."""
    client.stream()
    events = [{"timestamp": client.now_ms + 1000 * at, "message": text} for at, text in enumerate(EVENTS)]
    client("PutLogEvents", logGroupName="g", logStreamName="s", logEvents=events)
    return client


# What each command and function does, over the five events; without an order of its own a query answers newest first.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("filter level = 'ERROR' | display ms", [{"ms": "30"}]),
        ("filter level = 'INFO' | sort ms asc | fields ms, user.name", [
            {"ms": "10", "user.name": "bob"}, {"ms": "20", "user.name": "ann"}]),
        ("filter ispresent(ms) | fields ms * 2 + 1 as double | display double | limit 2", [
            {"double": "41"}, {"double": "21"}]),
        ("filter ms >= 20 and not (user.id = 8 or level like /^ERR/) | display ms", [{"ms": "20"}]),
        ("filter level in ['ERROR', \"WARN\"] | display level", [{"level": "ERROR"}]),
        ("filter level not in ['ERROR'] and ispresent(level) | stats count(*)", [{"count(*)": "2"}]),
        ("filter @message like 'words' | display @message", [{"@message": "plain words"}]),
        ("filter @message =~ /(?i)PLAIN/ | display @logStream", [{"@logStream": "s"}]),
        ("filter @message not like /user|plain/ | stats count() as n", [{"n": "0"}]),
        ("filter ok = 1 | stats count(*) as n", [{"n": "2"}]),
        ("filter ok = false | display ms", [{"ms": "30"}]),
        ("filter tags.1 = 'b' | display tags.0", [{"tags.0": "a"}]),
        ("filter `a-b` = 'x' | display `a-b`", [{"a-b": "x"}]),
        ("filter isIpv4InSubnet(ip, '10.0.0.0/24') | display ip", [{"ip": "10.0.0.7"}]),
        ("parse @message 'user=*, method:*, latency := *' as @user, @method, @latency | filter @latency > 4", [
            {"@user": "cy", "@method": "GET", "@latency": "5"}]),
        ("filter @message like 'cy' | parse @message /method:(?<m>\\w+), latency := (?<l>\\d+)/ | display m, l", [
            {"m": "GET", "l": "5"}]),
        ("stats count(*) as n, avg(ms), max(ms) by level | filter ispresent(level) | sort level", [
            {"level": "ERROR", "n": "1", "avg(ms)": "30", "max(ms)": "30"},
            {"level": "INFO", "n": "2", "avg(ms)": "15", "max(ms)": "20"}]),
        ("stats sum(ms) / count(ms) as mean, min(ms), stddev(ms), count_distinct(user.id) as users, pct(ms, 50)", [
            {"mean": "20", "min(ms)": "10", "stddev(ms)": "8.1649658093", "users": "2", "pct(ms, 50)": "20"}]),
        ("stats earliest(ms), latest(ms), sortsFirst(level), sortsLast(level)", [
            {"earliest(ms)": "30", "latest(ms)": "20", "sortsFirst(level)": "ERROR", "sortsLast(level)": "INFO"}]),
        ("stats count(*) as n by level | stats max(n)", [{"max(n)": "2"}]),
        ("stats count(*) by bin(1h)", [{"bin(1h)": "2027-01-15 08:00:00.000", "count(*)": "5"}]),
        ("filter ispresent(level) | dedup level | display level, ms", [
            {"level": "INFO", "ms": "20"}, {"level": "ERROR", "ms": "30"}]),
        ("fields @timestamp, @log | sort @timestamp | limit 1", [
            {"@timestamp": "2027-01-15 08:00:00.000", "@log": "000000000000:g"}]),
        ("filter ms = 30 | fields strlen(level) as n, concat(level, '-', ms) as c, toupper(user.name) as u, "
         "substr(level, 1, 2) as s, replace(level, 'R', 'r') as r, coalesce(no, 'none') as o, trim('  x ') as t, "
         "greatest(1, ms) as g, abs(-3) as a, floor(2.5) as f, 7 % 4 as m, 2 ^ 3 as p, strcontains(level, 'OR') as k, "
         "datefloor(@timestamp, 1d) as d, toMillis(@timestamp) as e, isempty(no) as i | "
         "display n, c, u, s, r, o, t, g, a, f, m, p, k, d, e, i",
         [{"n": "5", "c": "ERROR-30", "u": "ANN", "s": "RR", "r": "ErrOr", "o": "none", "t": "x", "g": "30", "a": "3",
           "f": "2", "m": "3", "p": "8", "k": "1", "d": "2027-01-15 00:00:00.000", "e": "1800000000000", "i": "1"}]),
        ("fields ms / 0 as x | filter ispresent(x)", []),
        ("# a comment\nfields ms # another\n| filter ms > 25", [{"ms": "30"}]),
    ],
)  # fmt: skip
def test_queries(filled: Any, text: str, expected: list[dict[str, str]]) -> None:
    assert rows(run(filled, text)) == expected


# Without fields a query shows time and message, newest first, with a pointer from which the whole event can be had.
def test_events_and_their_records(filled: Any) -> None:
    answer = run(filled, "filter ispresent(ms)")
    assert [row[1]["value"] for row in answer["results"]] == EVENTS[2::-1]
    assert [one["field"] for one in answer["results"][0]] == ["@timestamp", "@message", "@ptr"]
    statistics = answer["statistics"]
    assert (statistics["recordsMatched"], statistics["recordsScanned"], statistics["logGroupsScanned"]) == (3, 5, 1)
    pointer = answer["results"][0][2]["value"]
    record = filled("GetLogRecord", logRecordPointer=pointer)["logRecord"]
    assert (record["user.name"], record["@message"], record["@timestamp"]) == ("ann", EVENTS[2], "1800000002000")
    with pytest.raises(ApiError):
        filled("GetLogRecord", logRecordPointer="?")
    fields = {one["name"]: one["percent"] for one in filled("GetLogGroupFields", logGroupName="g")["logGroupFields"]}
    assert fields["@message"] == 100


# Lambda's own lines have fields, and events of several groups come in one order.
def test_lambda_and_several_groups(filled: Any) -> None:
    filled.append("/aws/lambda/f", "t", (filled.now_ms + 2500, REPORT))
    times = {"startTime": filled.now_ms // 1000, "endTime": filled.now_ms // 1000 + 60}
    text = "fields @type, @duration, @maxMemoryUsed / 1000 / 1000 as mb, @log | limit 3"
    both = ["g", "/aws/lambda/f"]
    query = filled("StartQuery", logGroupNames=both, queryString=text, **times)["queryId"]
    finish(filled)
    found = rows(filled("GetQueryResults", queryId=query))
    assert found[2] == {"@type": "REPORT", "@duration": "12.5", "mb": "30", "@log": "000000000000:/aws/lambda/f"}
    assert len(found) == 3
    arns = filled("ListLogGroupsForQuery", queryId=query)["logGroupIdentifiers"]
    assert arns[1].endswith(":log-group:/aws/lambda/f")


# Events of one group are read newest first, so a limit ends the query before all of them have been read.
def test_a_limit_ends_the_reading(client: Any) -> None:
    names = client.stream()
    client(
        "PutLogEvents", **names, logEvents=[{"timestamp": client.now_ms + n, "message": str(n)} for n in range(1000)]
    )
    answer = run(client, "display @message | limit 2")
    assert [row["@message"] for row in rows(answer)] == ["999", "998"]
    assert answer["statistics"]["recordsScanned"] < 500


# Times are seconds, the end's whole second included, or milliseconds; StartQuery's limit bounds the rows.
def test_times_and_limits(filled: Any) -> None:
    now_s = filled.now_ms // 1000
    assert len(rows(run(filled, "fields ms", startTime=now_s, endTime=now_s + 1))) == 2
    assert len(rows(run(filled, "fields ms", startTime=now_s * 1000 + 1, endTime=now_s * 1000 + 2000))) == 2
    assert len(rows(run(filled, "fields ms", limit=3))) == 3
    assert len(rows(run(filled, "fields ms | limit 4", limit=3))) == 3
    with pytest.raises(ApiError):
        run(filled, "fields ms", startTime=now_s, endTime=now_s - 1)


# Many rows are kept in pages and answered in parts of the size that is asked for.
def test_pages_of_results(client: Any) -> None:
    names = client.stream()
    client("PutLogEvents", **names, logEvents=[{"timestamp": client.now_ms, "message": str(n)} for n in range(2500)])
    query = run(client, "display @message")["results"]
    assert len(query) == 2500
    identifier = client("DescribeQueries")["queries"][0]["queryId"]
    found, token = [], {}
    for _ in range(4):
        answer = client("GetQueryResults", queryId=identifier, maxItems=900, **token)
        found += rows(answer)
        token = {"nextToken": answer.get("nextToken")}
        if token["nextToken"] is None:
            break
    assert [row["@message"] for row in found] == [str(n) for n in reversed(range(2500))]


# A query is described, can be stopped before it ends and not after, and goes a week later with its results.
def test_the_life_of_a_query(filled: Any) -> None:
    now_s = filled.now_ms // 1000
    begun = {"logGroupName": "g", "queryString": "fields ms", "startTime": 0, "endTime": now_s + 60}
    first, second = filled("StartQuery", **begun)["queryId"], filled("StartQuery", **begun)["queryId"]
    waiting = filled("GetQueryResults", queryId=first)
    assert (waiting["status"], waiting["results"]) == ("Scheduled", [])
    assert filled("StopQuery", queryId=first) == {"success": True}
    finish(filled)
    states = {one["queryId"]: one["status"] for one in filled("DescribeQueries", logGroupName="g")["queries"]}
    assert states == {first: "Cancelled", second: "Complete"}
    assert len(filled("DescribeQueries", status="Complete")["queries"]) == 1
    for action in ("StopQuery", "GetQueryResults"):
        with pytest.raises(ApiError):
            filled(action, queryId=second if action == "StopQuery" else "no")
    filled.clock.now += 7 * 24 * 3600 + 1
    filled.maintain()
    assert filled("DescribeQueries")["queries"] == []
    assert not [key for key in filled.store.content if b"query" in key]


# A text that is no query is refused with the place where it goes wrong, before anything is stored.
@pytest.mark.parametrize(
    "text",
    ["", "fields", "fields ms |", "nothing ms", "filter ms >", "filter (ms", "stats ms", "stats count(*) by", "limit 0",
     "limit x", "filter no_such(ms)", "filter strlen()", "parse @message 'a*b*' as c", "parse @message /a/",
     "filter ms like /(/", "filter ms like /a", "filter ms = 'x", "pattern @message", "fields ms as", "sort", "dedup",
     "filter x like /(?=a)/", "filter x like /a{2000}/", "stats pct(ms, 101)", "fields bin(0m)", "filter " + "(" * 60,
     "filter " + "-" * 60 + "1", "display ms | fields $", "filter ms in []",
     "stats count(*) | stats count(*) | stats count(*)"],
)  # fmt: skip
def test_malformed_queries(filled: Any, text: str) -> None:
    with pytest.raises(ApiError) as caught:
        run(filled, text)
    assert caught.value.code == "MalformedQueryException"
    assert set(caught.value.fields["queryCompileError"]) == {"location", "message"}
    assert filled("DescribeQueries")["queries"] == []


# Refused: groups that are not there, too many queries at once, other languages, no group or two kinds of naming it.
def test_refusals(filled: Any) -> None:
    for more in ({"group": "no"}, {"queryLanguage": "SQL"}, {"logGroupNames": ["g"]}):
        with pytest.raises(ApiError):
            run(filled, "fields ms", **more)
    begun = {"logGroupName": "g", "queryString": "fields ms", "startTime": 0, "endTime": 60}
    for _ in range(runs.OPEN_MAX):
        filled("StartQuery", **begun)
    with pytest.raises(ApiError) as caught:
        filled("StartQuery", **begun)
    assert caught.value.code == "LimitExceededException"


# The lexer and the parser answer any cut of a sound query with a query or a typed error.
def test_every_beginning_of_a_query() -> None:
    text = "fields @a, `b c` as d | parse d /x(?<y>[a-z]+)/ | stats count(*) / 2, pct(y, 9.5) by bin(5m) | sort y desc"
    codes = set()
    for end in range(len(text) + 1):
        try:
            compile_query(text[:end])
        except ApiError as error:
            codes.add(error.code)
    assert codes == {"MalformedQueryException"}
    assert [one.kind for one in tokens.tokens_of("a.b 5m 5 .5 `x` /r/ \"t\"")][:5] == [
        "name", "span", "number", "number", "name"]  # fmt: skip


# Expressions find what Python's would, groups included, and one that would take long fails within its bound.
@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        (r"^(?<a>\w+)=(?<b>[^,]*),", "key=va lue, x", {"a": "key", "b": "va lue"}),
        (r"(?<a>a+?)(?<b>a*)$", "xaaa", {"a": "a", "b": "aa"}),
        (r"(?P<n>(foo|ba[rz]){2})", "xx foobar", {"n": "foobar"}),
        (r"\b(?<w>\d{2,3})\b", "1 22222 333", {"w": "333"}),
        (r"(?<x>a)?b", "cb", {}),
        (r"(?i)HE(?<l>l+)o", "say hello", {"l": "ll"}),
        (r"(?<a>(a*)*)b", "aab", {"a": "aa"}),
        (r"\x41\.(?<r>.)", "A.b", {"r": "b"}),
        (r"(?<a>[\]\-x]+)", "]-x", {"a": "]-x"}),
        ("nothing", "else", None),
    ],
)
def test_regular_expressions(pattern: str, text: str, groups: dict[str, str] | None) -> None:
    assert compile_regex(pattern).groups(text) == groups


def _pattern(random: Random, depth: int) -> str:
    if depth == 0 or random.random() < 0.35:
        return random.choice(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\d", "[a-c]", "1", r"\b", "^", "$"])
    if random.random() < 0.4:
        return _pattern(random, depth - 1) + _pattern(random, depth - 1)
    if random.random() < 0.5:
        return f"({_pattern(random, depth - 1)}|{_pattern(random, depth - 1)})"
    return f"(?:{_pattern(random, depth - 1)})" + random.choice(["*", "+", "?", "{1,2}", "{2}", "*?", "+?", "??"])


# Whether there is a match never differs from Python's own engine, whatever the expression.
def test_random_regular_expressions() -> None:
    for seed in range(200):
        random = Random(seed)
        pattern = _pattern(random, 4)
        text = "".join(random.choice("abc1 ") for _ in range(random.randint(0, 9)))
        found = compile_regex(pattern).search(text)
        assert found is (re.search(pattern, text) is not None), f"seed {seed}: {pattern!r} on {text!r}"


# One that would take exponential time fails within its bound instead.
def test_a_regular_expression_that_takes_too_long_fails() -> None:
    with pytest.raises(QueryFailed):
        compile_regex("(a|a)*(a|a)*(a|a)*b").search("a" * (STEPS_MAX // 10))


# Such a query fails as a whole, which its status tells; it does not stay open.
def test_a_failed_query(client: Any) -> None:
    names = client.stream()
    client("PutLogEvents", **names, logEvents=[{"timestamp": client.now_ms, "message": "a" * 300_000}])
    answer = run(client, "filter @message like /(a|b|c)*(a|b)*(a|c)*d/")
    assert (answer["status"], answer["results"]) == ("Failed", [])


# The runner takes up what was begun before it started, as after a kill, and what begins later when it is woken.
def test_the_runner(filled: Any) -> None:
    now_s = filled.now_ms // 1000
    begun = {"logGroupName": "g", "queryString": "fields ms", "startTime": 0, "endTime": now_s + 60}
    for _ in range(6):
        filled("StartQuery", **begun)

    async def scenario() -> list[str]:
        runner = Runner(filled.store)
        running = asyncio.create_task(runner.run())
        later = False
        for _ in range(1000):
            await asyncio.sleep(0)
            with filled.store.view() as view:
                if list(runs.unfinished(view)):
                    continue
            if later:
                break
            later = True
            await filled.logs.handle("logs", filled.call, "StartQuery", begun)
            runner.wake()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        answer = await filled.logs.handle("logs", filled.call, "DescribeQueries", {})
        return [one["status"] for one in answer["queries"]]

    assert asyncio.run(scenario()) == ["Complete"] * 7


# A definition keeps its id when it is changed; names order the list and a prefix chooses from it.
def test_definitions(client: Any) -> None:
    first = client("PutQueryDefinition", name="b", queryString="fields a", logGroupNames=["g"])["queryDefinitionId"]
    client("PutQueryDefinition", name="a", queryString="fields b")
    client("PutQueryDefinition", queryDefinitionId=first, name="c", queryString="fields c")
    shown = client("DescribeQueryDefinitions")["queryDefinitions"]
    assert [(one["name"], one["queryString"]) for one in shown] == [("a", "fields b"), ("c", "fields c")]
    assert shown[1] == {
        "queryLanguage": "CWLI",
        "queryDefinitionId": first,
        "name": "c",
        "queryString": "fields c",
        "lastModified": client.now_ms,
    }
    page = client("DescribeQueryDefinitions", maxResults=1)
    rest = client("DescribeQueryDefinitions", nextToken=page["nextToken"])["queryDefinitions"]
    assert [one["name"] for one in rest] == ["c"]
    assert len(client("DescribeQueryDefinitions", queryDefinitionNamePrefix="c")["queryDefinitions"]) == 1
    assert client("DeleteQueryDefinition", queryDefinitionId=first) == {"success": True}
    for action in ("DeleteQueryDefinition", "PutQueryDefinition"):
        with pytest.raises(ApiError) as caught:
            client(action, queryDefinitionId=first, name="x", queryString="y")
        assert caught.value.code == "ResourceNotFoundException"
