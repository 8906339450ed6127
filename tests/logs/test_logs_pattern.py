"""The filter pattern language: tables of pattern, message and verdict."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabletop.base.errors import ApiError
from tabletop.logs.pattern import compile_pattern
from tabletop.logs.regex import compile_regex

TERMS = [
    ("", "anything", True),
    ("  ", "anything", True),
    ("ERROR", "[ERROR] fatal", True),
    ("ERROR", "Exiting with ERRORCODE: -1", True),
    ("ERROR", "error", False),
    ("ERROR Exception", "[ERROR] Caught IllegalArgumentException", True),
    ("ERROR Exception", "[ERROR] other", False),
    ('"ERROR" - "Exiting"', "Exiting with ERRORCODE: -1", False),
    ("ERROR -WARN", "ERROR WARN message", False),
    ("ERROR -WARN", "ERROR message", True),
    ("-WARN", "WARN message", False),
    ("-WARN", "ERROR message", True),
    ("?ERROR ?WARN", "WARN message", True),
    ("?ERROR ?WARN", "INFO message", False),
    ("?ERROR INFO", "INFO message", True),
    ('"INTERNAL SERVER ERROR"', "500 INTERNAL SERVER ERROR", True),
    ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR SERVER", False),
    (r'"say \"hi\""', 'they say "hi"', True),
    ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
    (r"%\d{1,3}\.\d{1,3}\.%", "from 10.1.2.3", True),
    ("%[Ee]rror|[Ff]ail%", "Failure", True),
    ("-%^START%", "START RequestId", False),
    ("naïve", "a naïve approach", True),
]

EVENT = (
    '{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],'
    '"objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "ThisFlag": true,'
    '"latency": 500.5, "code": 404, "cluster.name": "c", "coordinates": [[0, 1], [4, 5]], "big": 12345678901}'
)
SELECTORS = [
    ('{ $.eventType = "UpdateTrail" }', True),
    ("{ $.eventType = UpdateTrail }", True),
    ("{$.eventType=Update*}", True),
    ("{ $.eventType = *Trail }", True),
    ("{ $.eventType = *dateTr* }", True),
    ("{ $.eventType = Up*ail }", False),
    ("{ $.eventType = * }", True),
    ("{ $.eventType = %Tr.il$% }", True),
    ("{ $.eventType != %Tr.il$% }", False),
    ("{ $.sourceIPAddress != 123.123.* }", True),
    ("{ $.sourceIPAddress = 111.111.* }", True),
    ('{ $.arrayKey[0] = "value" }', True),
    ('{ $.arrayKey[2] = "value" }', False),
    ('{ $.arrayKey[*] = "another value" }', True),
    ("{ $.objectList[1].id = 2 }", True),
    ("{ $.objectList[*].id > 1 }", True),
    ("{ $.objectList[*].id > 2 }", False),
    ("{ $.coordinates[1][0] = 4 }", True),
    ("{ $.* = UpdateTrail }", True),
    ("{ $.['cluster.name'] = c }", True),
    ("{ $.SomeObject IS NULL }", True),
    ("{ $.eventType IS NULL }", False),
    ("{ $.absent IS NULL }", False),
    ("{ $.absent NOT EXISTS }", True),
    ("{ $.SomeObject NOT EXISTS }", False),
    ("{ $.SomeObject EXISTS }", True),
    ("{ $.ThisFlag IS TRUE }", True),
    ("{ $.ThisFlag IS FALSE }", False),
    ("{ $.code IS TRUE }", False),
    ("{ $.latency >= 500 }", True),
    ("{ $.latency < 5e2 }", False),
    ("{ $.latency > +500.4 && $.latency <= 500.5 }", True),
    ("{ $.code = 404 }", True),
    ("{ $.code = 4* }", True),
    ("{ $.code != 404 }", False),
    ("{ $.code = 4.04e2 }", True),
    ("{ $.big = 12345678901 }", True),
    ("{ $.eventType > 3 }", False),
    ("{ $.arrayKey = x }", False),
    ("{ $.arrayKey != x }", False),
    ("{ $.absent != x }", False),
    ("{ $.code = 1 && $.code = 2 || $.code = 404 }", True),
    ("{ $.code = 404 || $.code = 1 && $.code = 2 }", True),
    ("{ ($.code = 404 || $.code = 1) && $.code = 2 }", False),
    ("{ ((($.code = 404))) }", True),
]

ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
FIELDS = [
    ("[ip, user, username, timestamp, request, status_code, bytes]", ACCESS, True),
    ("[ip, user, username, timestamp, request, status_code]", ACCESS, False),
    ("[..., status_code, bytes]", ACCESS, True),
    ("[ip, user, ..., status_code, bytes]", ACCESS, True),
    ("[ip, user, ...]", ACCESS, True),
    ("[ip, ..., status_code = 4*, bytes > 1000]", ACCESS, True),
    ("[ip, ..., status_code = 4*, bytes > 2000]", ACCESS, False),
    ("[..., request=*.html*, status_code=4*,]", ACCESS, True),
    ("[..., status_code = 4* && status_code != 403, bytes]", ACCESS, True),
    ("[..., status_code = 4* && status_code != 404, bytes]", ACCESS, False),
    ('[ip = "127.0.0.1", ...]', ACCESS, True),
    ("[ip = %^127%, ...]", ACCESS, True),
    ("[w1=ERROR, w2]", "ERROR WARN message", False),
    ("[w1=ERROR, w2]", "ERROR message", True),
    ("[w1=ERROR || w1=WARN, w2]", "WARN message", True),
    ("[w1=!ERROR&&w1=!WARN, w2]", "INFO message", True),
    ("[(w1=ERROR || w1=WARN) && w1!=WARN, w2]", "WARN message", False),
    ("[a, b, ...]", "one", False),
    ('[report="REPORT", ...]', "REPORT RequestId: x\tDuration: 1 ms", True),
    ("[,]", "a b", True),
    ("[]", "one", True),
]

REFUSED = [
    *("user@example.com", '"open', "%open", "-", "?"),
    *("%(a)%", "%a!%", "%%", "%*a%", "%[a%", "%a{3,1}%", "%a{2000}%", "%é%"),
    *("{", "{}", "{ }", "{ $.a }", "{ $ = 1 }", "{ $.a = }", "{ $.a = 1", "{ $.a > x }", '{ $.a > "1" }', "{ a = 1 }"),
    *("{ $.a IS MAYBE }", "{ $.a NOT }", "{ $.a = 1 && }", "{ ($.a = 1 }", "{ $.a = 1) }", "{ $.a[x] = 1 }"),
    *("{ $.a = 1 $.b = 2 }", "{ $.a > %1% }", "{" + "(" * 400 + "$.a=1" + ")" * 400 + "}"),
    *("[", "[a, ..., b, ...]", "[a b]", "[= 3]", "[a = ]", "[a > x]"),
]


# AWS's page tells which messages each form of pattern of terms finds.
@pytest.mark.parametrize(("pattern", "message", "verdict"), TERMS)
def test_terms(pattern: str, message: str, verdict: bool) -> None:
    assert compile_pattern(pattern)(message) is verdict


# JSON selectors, over one message; what is no JSON object matches none of them.
@pytest.mark.parametrize(("pattern", "verdict"), SELECTORS)
def test_selectors(pattern: str, verdict: bool) -> None:
    assert compile_pattern(pattern)(EVENT) is verdict
    assert not compile_pattern(pattern)("no json")
    assert not compile_pattern(pattern)("[" * 5000)


# Space-delimited fields: brackets and quotes hold a field together, and the number of fields must be right.
@pytest.mark.parametrize(("pattern", "message", "verdict"), FIELDS)
def test_fields(pattern: str, message: str, verdict: bool) -> None:
    assert compile_pattern(pattern)(message) is verdict


# A text that is no pattern is the caller's fault, and said so; deep nesting must not exhaust the parser's stack.
@pytest.mark.parametrize("pattern", REFUSED)
def test_refused(pattern: str) -> None:
    with pytest.raises(ApiError) as caught:
        compile_pattern(pattern)
    assert caught.value.code == "InvalidParameterException"


_PIECES = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "$",
    ".",
    "a",
    "*",
    "%",
    '"',
    "'",
    "\\",
    "=",
    "!",
    "<",
    ">=",
    "&&",
    "||",
    ",",
    "...",
]
_PIECES += [" ", "-", "?", "1e3", "IS", "NULL", "NOT", "EXISTS", "^", "|", "+", "\\d", "{2,3}", "é", "\n", "\0"]


# Whatever text comes, it is compiled and gives a verdict, or is refused with a typed error: nothing else.
@settings(max_examples=400, deadline=None)
@given(
    st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PIECES), max_size=25).map("".join)),
    st.sampled_from(["", "{", "["]),
    st.one_of(st.text(max_size=40), st.just(EVENT), st.just(ACCESS)),
)
def test_any_text_is_refused_or_matches(text: str, opening: str, message: str) -> None:
    closing = {"": "", "{": "}", "[": "]"}[opening]
    try:
        matches = compile_pattern(opening + text + closing)
    except ApiError as error:
        refusal = error.code
    else:
        refusal = None
        assert matches(message) in (True, False)
    assert refusal in (None, "InvalidParameterException")


# Our automaton gives the verdicts of Python's own expressions, which know the same language.
def test_regex_agrees_with_an_oracle() -> None:
    for seed in range(1500):
        rng = random.Random(seed)
        branches = []
        for _ in range(rng.randint(1, 2)):
            items = [
                rng.choice(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", "[a-c]", r"\x62", r"\.", r"[\d-]"])
                + rng.choice(["", "", "?", "*", "+", "{2}", "{1,2}", "{1,}"])
                for _ in range(rng.randint(1, 4))
            ]
            branches.append(rng.choice(["", "^"]) + "".join(items) + rng.choice(["", "$"]))
        pattern = "|".join(branches)
        search = compile_regex(pattern)
        for _ in range(5):
            text = "".join(rng.choice("abc1.-\n é") for _ in range(rng.randint(0, 8)))
            expected = re.search(pattern.replace("$", r"(?=\n?\Z)"), text, re.ASCII)
            # A newline that ends the text is not there for us, though Python's [^a] would take it.
            if not text.endswith("\n"):
                assert search(text) == (expected is not None), (seed, pattern, text)


# A pattern that would keep a backtracking matcher busy for hours is decided in time proportional to the text.
def test_regex_takes_linear_time() -> None:
    search = compile_regex("a*a*a*a*a*a*a*a*b")
    began = time.perf_counter()
    assert not search("a" * 20_000)
    assert time.perf_counter() - began < 2


# A pattern has at most two regular expressions, in each of its three forms.
@pytest.mark.parametrize(
    ("pattern", "sound"),
    [
        ("%a% %b%", True),
        ("%a% %b% %c%", False),
        ("{ $.a = %a% && $.b = %b% }", True),
        ("{ $.a = %a% && ($.b = %b% || $.c = %c%) }", False),
        ("[a = %a%, b = %b%]", True),
        ("[a = %a%, b = %b%, c = %c%]", False),
    ],
)
def test_regular_expressions_are_counted(pattern: str, sound: bool) -> None:
    if sound:
        compile_pattern(pattern)
    else:
        with pytest.raises(ApiError):
            compile_pattern(pattern)
