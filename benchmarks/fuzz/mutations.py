"""What is done to a valid text to make it a little, or very, wrong."""

from __future__ import annotations

from random import Random

TOKENS_MAX = 3_000

ODD = (
    "", " ", "\0", "\n", "\t", "'", '"', "''", "`", "\\", "%", "é", "\u2028", "\U0001f600", "\ufeff", "\u0130", "٣", "²", "ﬁ",
    "(", ")", "[", "]", "{", "}", "<<", ">>", ".", ",", ":", ";", "#", "?", "*", "--", "/*", "*/", "/**/", "--\n", "=", "<>",
    "!=", "<=", ">=", "+", "-", "0", "1", "-0", "1e400", "1e-400", "9" * 39, "9" * 400, "0." + "0" * 140 + "1", "1E+125", ".5",
    "5.", "1e", "[0]", "[99999999999999999999]", "[-1]", "null", "true", "a" * 300, "x" * 70_000,
)  # fmt: skip
"""Pieces that grammars trip over; the last are rare, see ``odd``."""


def odd(random: Random) -> str:
    """A piece of text from ``ODD``, or any character."""
    dice = random.random()
    if dice < 0.001:
        return ODD[-1]
    if dice < 0.2:
        return chr(random.choice((random.randrange(128), random.randrange(0xD800), random.randrange(0xE000, 0x110000))))
    return ODD[random.randrange(len(ODD) - 1)]


def mutated(random: Random, tokens: list[str], words: tuple[str, ...]) -> list[str]:
    """The tokens after one to four changes. ``words`` are the grammar's own, to put in the wrong place."""
    tokens = list(tokens)
    for _ in range(random.choice((1, 1, 1, 2, 2, 4))):
        at = random.randrange(len(tokens) + 1)
        end = min(len(tokens), at + random.choice((1, 1, 2, 5)))
        change = random.randrange(9)
        if change == 0:
            del tokens[at:end]
        elif change == 1:
            tokens[at:at] = tokens[at:end]
        elif change == 2:
            tokens[at:at] = [random.choice(words)]
        elif change == 3:
            tokens[at:end] = [random.choice(words)]
        elif change == 4:
            tokens[at:at] = [odd(random)]
        elif change == 5 and at < len(tokens):
            other = random.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif change == 6 and at < len(tokens):
            cut = random.randrange(len(tokens[at]) + 1)
            tokens[at] = tokens[at][:cut] + odd(random) + tokens[at][cut:]
        elif change == 7:
            del tokens[at:]
        elif change == 8 and random.random() < 0.05:
            times = random.choice((3, 40, 350, 1_000))
            tokens[at:end] = (tokens[at:end] * times)[:TOKENS_MAX]
        if len(tokens) > TOKENS_MAX:
            del tokens[TOKENS_MAX:]
    return tokens


def garbage(random: Random, words: tuple[str, ...]) -> list[str]:
    """Words and odd pieces in no order."""
    return [random.choice(words) if random.random() < 0.7 else odd(random) for _ in range(random.randrange(1, 16))]


def nested(random: Random, opening: str, inner: list[str], closing: str) -> list[str]:
    """``inner`` in many brackets, mostly as many closing ones as opening ones."""
    depth = random.choice((1, 2, 30, 31, 32, 33, 150, 299, 300, 301, 1_000))
    return [opening] * depth + inner + [closing] * (depth if random.random() < 0.8 else random.randrange(depth + 1))


def joined(random: Random, tokens: list[str]) -> str:
    return ("" if random.random() < 0.1 else " ").join(tokens)
