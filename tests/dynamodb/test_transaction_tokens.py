"""Client tokens of transactions, where the members that they stand for are odd."""

from __future__ import annotations

import orjson
import pytest

from tabletop.base.errors import ApiError
from tabletop.dynamodb.transactions import digest_of


# A body may nest deeper than the digest's encoder writes: that is the caller's fault, in the words for items.
@pytest.mark.parametrize("levels", [40, 120, 300, 480])
def test_digest_of_deep_members(levels: int) -> None:
    value = orjson.loads(b'{"M":{"a":' * levels + b'{"N":"1"}' + b"}}" * levels)
    try:
        assert digest_of([{"Put": {"Item": {"p": value}}}])
    except ApiError as error:
        assert (error.code, levels > 100) == ("ValidationException", True)  # noqa: PT017
