"""Trees that texts were parsed to are kept, the most recently used: many of short texts, few of long ones.

A tree takes some thirty times its text, and a text may have 4 or 8 KB: without the difference, requests with ever other long
texts would take hundreds of megabytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

SHORT_CHARACTERS_MAX = 300
SHORT_KEPT = 1024
LONG_KEPT = 64

Given = ParamSpec("Given")
Tree = TypeVar("Tree")


def kept(parse: Callable[Given, Tree]) -> Callable[Given, Tree]:
    """The function, whose last argument is the text, with its latest results remembered. What it raises is not."""
    short = lru_cache(SHORT_KEPT)(parse)
    long = lru_cache(LONG_KEPT)(parse)

    @wraps(parse)
    def remembering(*given: Given.args, **_: Given.kwargs) -> Tree:
        text = given[-1]
        assert isinstance(text, str)
        return (short if len(text) <= SHORT_CHARACTERS_MAX else long)(*given)

    return remembering
