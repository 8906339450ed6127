"""Filter patterns and the answers of functions: tables of cases and verdicts."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tabletop.base.errors import ApiError
from tabletop.functions.event_sources.patterns import DEPTH_MAX, compile_patterns
from tabletop.functions.event_sources.responses import Verdict, judge

RECORD = {
    "eventName": "MODIFY",
    "dynamodb": {
        "Keys": {"Id": {"N": "101"}},
        "NewImage": {
            "Name": {"S": "Alice"},
            "Open": {"BOOL": True},
            "Gone": {"NULL": True},
            "Tags": {"SS": ["red", "blue"]},
            "List": {"L": [{"S": "one"}, {"S": "two"}]},
            "Empty": {"S": ""},
        },
        "SizeBytes": 26,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    },
    "userIdentity": None,
}


def new(**members: Any) -> dict[str, Any]:
    return {"dynamodb": {"NewImage": members}}


# Each rule of the language, with a record that it lets through and one that it does not; AWS's own examples among them.
@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        ({"eventName": ["MODIFY"]}, True),
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"eventName": ["INSERT"]}, False),
        ({"eventName": ["modify"]}, False),
        ({"eventName": [{"equals-ignore-case": "modify"}]}, True),
        ({"userIdentity": [None]}, True),
        ({"eventName": [None]}, False),
        ({"dynamodb": {"Keys": {"Id": {"N": ["101"]}}}}, True),
        ({"dynamodb": {"Keys": {"Id": {"N": [101]}}}}, False),
        (new(Name={"S": ["Alice"]}, Open={"BOOL": [True]}), True),
        (new(Name={"S": ["Alice"]}, Open={"BOOL": [False]}), False),
        (new(Empty={"S": [""]}), True),
        (new(Name={"S": [""]}), False),
        (new(Name={"S": [{"prefix": "Al"}]}), True),
        (new(Name={"S": [{"prefix": "al"}]}), False),
        (new(Name={"S": [{"prefix": {"equals-ignore-case": "al"}}]}), True),
        (new(Name={"S": [{"suffix": "ice"}]}), True),
        (new(Name={"S": [{"suffix": "Ice"}]}), False),
        (new(Name={"S": [{"suffix": {"equals-ignore-case": "ICE"}}]}), True),
        (new(Name={"S": [{"anything-but": "Bob"}]}), True),
        (new(Name={"S": [{"anything-but": ["Alice", "Bob"]}]}), False),
        (new(Name={"S": [{"anything-but": {"prefix": "Al"}}]}), False),
        (new(Name={"S": [{"anything-but": {"suffix": ["x", "y"]}}]}), True),
        (new(Name={"S": [{"anything-but": {"equals-ignore-case": "alice"}}]}), False),
        (new(Missing={"S": [{"anything-but": "x"}]}), False),
        ({"dynamodb": {"SizeBytes": [26]}}, True),
        ({"dynamodb": {"SizeBytes": [26.0]}}, False),
        ({"dynamodb": {"SizeBytes": [{"numeric": ["=", 26.0]}]}}, True),
        ({"dynamodb": {"SizeBytes": [{"numeric": [">", 10, "<=", 26]}]}}, True),
        ({"dynamodb": {"SizeBytes": [{"numeric": [">", 26]}]}}, False),
        # DynamoDB's numbers are text in a record.
        ({"dynamodb": {"Keys": {"Id": {"N": [{"numeric": ["=", 101]}]}}}}, False),
        (new(Name={"S": [{"exists": True}]}), True),
        (new(Name={"S": [{"exists": False}]}), False),
        (new(Missing={"S": [{"exists": False}]}), True),
        (new(Name={"S": {"x": [{"exists": False}]}}), True),
        (new(Name={"N": [{"exists": False}], "S": ["Bob"]}), False),
        ({"dynamodb": {"OldImage": [{"exists": False}]}}, True),
        # exists looks at leaves only.
        ({"dynamodb": {"NewImage": [{"exists": True}]}}, False),
        (new(Tags={"SS": ["blue"]}), True),
        (new(Tags={"SS": ["green"]}), False),
        (new(List={"L": {"S": ["two"]}}), True),
        ({"$or": [{"eventName": ["INSERT"]}, {"dynamodb": {"SizeBytes": [26]}}]}, True),
        ({"$or": [{"eventName": ["INSERT"]}, {"dynamodb": {"SizeBytes": [27]}}]}, False),
        ({"eventName": ["INSERT"], "$or": [{"a": ["b"]}, {"dynamodb": {"SizeBytes": [26]}}]}, False),
        (new(**{"$or": [{"Name": {"S": ["Bob"]}}, {"Open": {"BOOL": [True]}}]}), True),
        ({"eventName": {"x": ["y"]}}, False),
        ({"dynamodb": ["x"]}, False),
    ],
)
def test_patterns(pattern: Any, passes: bool) -> None:
    match = compile_patterns([orjson.dumps(pattern).decode()])
    assert match is not None
    assert match(RECORD) is passes


# A record passes when one of several patterns lets it through; without patterns every record does.
def test_several_patterns() -> None:
    match = compile_patterns(['{"eventName": ["REMOVE"]}', '{"eventName": ["MODIFY"]}'])
    assert match is not None
    assert match(RECORD)
    assert compile_patterns([]) is None


# What is no pattern is refused when the mapping is made, never met at delivery.
@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "{",
        '"x"',
        '{"a": "b"}',
        '{"a": []}',
        '{"a": {}}',
        '{"a": [["b"]]}',
        '{"a": [{"wildcard": "*"}]}',
        '{"a": [{"cidr": "10.0.0.0/24"}]}',
        '{"a": [{"prefix": 1}]}',
        '{"a": [{"prefix": "x", "suffix": "y"}]}',
        '{"a": [{"exists": "yes"}]}',
        '{"a": [{"numeric": []}]}',
        '{"a": [{"numeric": [">"]}]}',
        '{"a": [{"numeric": [">", "1"]}]}',
        '{"a": [{"numeric": ["!", 1]}]}',
        '{"a": [{"numeric": ["<", 1, ">", 0]}]}',
        '{"a": [{"numeric": [">", 5, "<", 5]}]}',
        '{"a": [{"anything-but": []}]}',
        '{"a": [{"anything-but": {"numeric": ["=", 1]}}]}',
        '{"$or": [{"a": ["b"]}]}',
        '{"$or": {"a": ["b"]}}',
        '{"a":' * (DEPTH_MAX + 1) + '["b"]' + "}" * (DEPTH_MAX + 1),
    ],
)
def test_no_patterns(text: str) -> None:
    with pytest.raises(ApiError, match="Invalid filter pattern definition") as caught:
        compile_patterns([text])
    assert caught.value.code == "InvalidParameterValueException"


# The deepest pattern that is taken is.
def test_deepest_pattern() -> None:
    levels = DEPTH_MAX
    assert compile_patterns(['{"a":' * levels + '["b"]' + "}" * levels]) is not None


SUCCESS, FAILURE = None, 0


# Every shape that AWS documents for ReportBatchItemFailures, and those that are none.
@pytest.mark.parametrize(
    ("answer", "first_failed"),
    [
        (b"", SUCCESS),
        (b"null", SUCCESS),
        (b"{}", SUCCESS),
        (b'{"batchItemFailures": []}', SUCCESS),
        (b'{"batchItemFailures": null}', SUCCESS),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', FAILURE),
        (b'{"batchItemFailures": [{"itemIdentifier": null}]}', FAILURE),
        (b'{"batchItemFailures": [{"bad": "11"}]}', FAILURE),
        (b'{"batchItemFailures": [{"itemIdentifier": "12"}]}', 1),
        (b'{"batchItemFailures": [{"itemIdentifier": "13"}, {"itemIdentifier": "12"}]}', 1),
        (b'{"batchItemFailures": [{"itemIdentifier": "11"}]}', 0),
        (b'{"batchItemFailures": [{"itemIdentifier": "99"}]}', FAILURE),
        (b'{"batchItemFailures": ["12"]}', FAILURE),
        (b'{"batchItemFailures": {"itemIdentifier": "12"}}', FAILURE),
        (b'"done"', FAILURE),
        (b"{", FAILURE),
    ],
)
def test_reported_failures(answer: bytes, first_failed: int | None) -> None:
    verdict = judge(answer, ["11", "12", "13"], report_failures=True, windowed=False)
    assert verdict.first_failed == first_failed


# Where no report was asked for, the answer is not even looked at.
def test_answers_without_report() -> None:
    assert judge(b"{", ["1"], report_failures=False, windowed=False) == Verdict(None)


# In a tumbling window the answer carries the state; what is no object counts as a failure.
@pytest.mark.parametrize(
    ("answer", "first_failed", "state"),
    [
        (b'{"state": {"sum": 1}}', SUCCESS, {"sum": 1}),
        (b"{}", SUCCESS, {}),
        (b"null", SUCCESS, {}),
        (b'{"state": null}', SUCCESS, {}),
        (b'{"state": 5}', FAILURE, {}),
        (b'"x"', FAILURE, {}),
    ],
)
def test_states(answer: bytes, first_failed: int | None, state: dict[str, Any]) -> None:
    verdict = judge(answer, ["1"], report_failures=False, windowed=True)
    assert (verdict.first_failed, verdict.state) == (first_failed, state)
