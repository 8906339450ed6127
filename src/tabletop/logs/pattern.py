"""The filter pattern language of CloudWatch Logs: from a pattern to a function of a message.

Three forms, told apart by the first character (spaces around the pattern do not count):

    (nothing)      matches every message
    { ... }        JSON selectors           ``selectors``
    [ ... ]        space-delimited fields   ``fields``
    otherwise      terms                    ``terms``

All are case-sensitive. Terms are looked for anywhere in the message, inside words too: AWS's page has ERROR match
"ERRORCODE". Terms that are not only letters, digits and underscores must be quoted. The grammar:

    terms       = { [ "-" | "?" ] ( word | "quoted" | %regex% ) }
    selectors   = "{" any "}"
    fields      = "[" field { "," field } "]"            field = nothing | "..." (once) | name | any
    any         = all { "||" all }     all = one { "&&" one }     one = "(" any ")" | condition
    condition   = selector ( "IS" ( "NULL" | "TRUE" | "FALSE" ) | [ "NOT" ] "EXISTS" | comparison )     in selectors
                | name comparison                                                                       in fields
    selector    = "$" { "." name | ".*" | "[" index "]" | "[*]" | "['name']" }
    comparison  = ( "=" | "!=" ) ( word | "quoted" | %regex% ) | ( "<" | "<=" | ">" | ">=" ) number

Source: AWS's page "Filter pattern syntax", and the issues it leaves open as said in the three modules.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from tabletop.logs.fields import compile_fields, fields_extractor
from tabletop.logs.scanner import bad_pattern
from tabletop.logs.selectors import compile_selectors, selectors_extractor
from tabletop.logs.terms import Matcher, compile_terms

__all__ = ["Matcher", "compile_pattern", "extractor"]

COMPILED_MAX = 256


@lru_cache(COMPILED_MAX)
def compile_pattern(pattern: str) -> Matcher:
    """Raises InvalidParameterException, and nothing else, for a text that is no pattern."""
    text = pattern.strip()
    if not text:
        return _every_message
    for opening, closing, compile_form in (("{", "}", compile_selectors), ("[", "]", compile_fields)):
        if text.startswith(opening):
            if len(text) < 2 or not text.endswith(closing):
                raise bad_pattern()
            return compile_form(text)
    return compile_terms(text)


def _every_message(message: str) -> bool:
    return True


def extractor(pattern: str) -> Callable[[str], dict[str, str]]:
    """What a sound pattern names, in a message that it matches: TestMetricFilter's extractedValues."""
    text = pattern.strip()
    if text.startswith("{"):
        return selectors_extractor(text)
    return fields_extractor(text) if text.startswith("[") else _nothing


def _nothing(message: str) -> dict[str, str]:
    return {}
