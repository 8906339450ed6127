"""AWS's patterns are Java's regular expressions. Translated here to Python's, as far as the models use them.

The differences that matter: Java's classes know Unicode categories (``\\p{L}``), take ``-`` behind a class escape and a
bare ``[`` as themselves, and nest; Java's ``\\w \\d \\s`` are ASCII. What cannot be translated is None: not checked.
"""

from __future__ import annotations

import re
import sys
import unicodedata
import warnings
from functools import cache

_PROPERTY = re.compile(r"\\p\{(?:Is)?(\w+)\}|\\p([LMNPSZC])")
_POSIX = {
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Upper": "A-Z",
    "Lower": "a-z",
    "Punct": re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    "Graph": "!-~",
    "Print": " -~",
    "Blank": " \\t",
    "Cntrl": "\\x00-\\x1f\\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": " \\t\\n\\x0b\\f\\r",
    "ASCII": "\\x00-\\x7f",
}
_CATEGORIES = frozenset(
    [
        "L",
        "M",
        "N",
        "P",
        "S",
        "Z",
        "C",
        "Lu",
        "Ll",
        "Lt",
        "Lm",
        "Lo",
        "Mn",
        "Mc",
        "Me",
        "Nd",
        "Nl",
        "No",
        "Pc",
        "Pd",
        "Ps",
        "Pe",
        "Pi",
        "Pf",
        "Po",
        "Sm",
        "Sc",
        "Sk",
        "So",
        "Zs",
        "Zl",
        "Zp",
        "Cc",
        "Cf",
    ]
)

_ASSIGNED_STOP = 0x32400
"""Behind it lie only unassigned characters, private ones, and invisible tags and selectors."""


@cache
def translate(pattern: str) -> re.Pattern[str] | None:
    """The compiled pattern, for ``fullmatch``; None if Python's expressions cannot say it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            return re.compile(_rewritten(pattern), re.ASCII)
    except (re.error, KeyError, FutureWarning, OverflowError, RecursionError):
        return None


def _rewritten(pattern: str) -> str:
    out: list[str] = []
    position, in_class, after_escape = 0, False, False
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            step, text, after = _escape(pattern, position, in_class)
            out.append(text)
            position += step
            after_escape = after
            continue
        if not in_class and character == "[":
            in_class = True
            out.append("[")
            position += 1
            if pattern.startswith("^", position):
                out.append("^")
                position += 1
            after_escape = False
            continue
        if in_class and character == "]":
            in_class = False
        elif in_class and character == "[":
            raise re.error("nested class")
        elif in_class and pattern.startswith("&&", position):
            raise re.error("intersection")
        elif in_class and character == "-" and after_escape:
            character = "\\-"
        elif in_class and character in "&~|":
            character = f"\\{character}"
        out.append(character)
        after_escape = False
        position += 1
    return "".join(out)


def _escape(pattern: str, position: int, in_class: bool) -> tuple[int, str, bool]:
    """(characters read, what Python says for them, whether a "-" behind it is itself)."""
    found = _PROPERTY.match(pattern, position)
    if found is not None:
        ranges = _property(found[1] or found[2])
        return len(found[0]), ranges if in_class else f"[{ranges}]", True
    following = pattern[position + 1 : position + 2]
    if following == "z":
        return 2, "\\Z", False
    if following == "Z":
        return 2, "(?=\\n?\\Z)", False
    if following == "h":
        return 2, " \\t\\xa0" if in_class else "[ \\t\\xa0]", True
    return 2, pattern[position : position + 2], following in "wWdDsS"


def _property(name: str) -> str:
    if name in _POSIX:
        return _POSIX[name]
    if name not in _CATEGORIES:
        raise KeyError(name)
    return _category(name)


@cache
def _category(name: str) -> str:
    """The characters of a Unicode category as ranges of a character class."""
    return "".join(
        f"\\U{first:08x}-\\U{last:08x}" for first, last, category in _category_runs() if category.startswith(name)
    )


@cache
def _category_runs() -> list[tuple[int, int, str]]:
    """(first, last, category) over all of Unicode. Some 20 ms, once, if any pattern names a category."""
    runs: list[tuple[int, int, str]] = []
    first = 0
    current = unicodedata.category("\0")
    for code in range(1, _ASSIGNED_STOP):
        category = unicodedata.category(chr(code))
        if category != current:
            runs.append((first, code - 1, current))
            first, current = code, category
    return [*runs, (first, _ASSIGNED_STOP - 1, current), (_ASSIGNED_STOP, sys.maxunicode, "Cn")]
