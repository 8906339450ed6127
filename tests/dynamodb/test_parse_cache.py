"""What is parsed once is kept within bounds."""

from __future__ import annotations

from tabletop.dynamodb.parse_cache import LONG_KEPT, SHORT_CHARACTERS_MAX, SHORT_KEPT, kept


# Texts that nobody sends twice must not fill the memory: of long ones, whose trees are large, few are kept.
def test_few_long_texts_are_kept() -> None:
    parsed: list[str] = []

    @kept
    def parse(kind: str, text: str) -> tuple[str, str]:
        parsed.append(text)
        return kind, text

    def again(texts: list[str]) -> int:
        before = len(parsed)
        for text in texts:
            assert parse("filter", text) == ("filter", text)
        return len(parsed) - before

    short = [f"{number:05}" for number in range(SHORT_KEPT)]
    assert again(short) == SHORT_KEPT
    long = [text.ljust(SHORT_CHARACTERS_MAX + 1, "x") for text in short[: LONG_KEPT + 1]]
    assert again(long) == LONG_KEPT + 1
    assert again(long[1:]) == 0
    assert again(short) == 0
    assert again(long[:1]) == 1
