"""The order-preserving key encodings: order, and LMDB's bound, for any key that DynamoDB allows."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tabletop.dynamodb import keys
from tabletop.storage.engine import KEY_BYTES_MAX

zeros = st.integers(0, 300).map(lambda count: b"\0" * count)
pieces = st.one_of(st.binary(max_size=6), zeros, st.just(b"\xff"), st.just(b"\0\xff"))
raw_keys = st.lists(pieces, max_size=8).map(b"".join)


# Terminated encodings compare as the bytes do, whatever follows them in the key.
@given(raw_keys, raw_keys, st.binary(max_size=4), st.binary(max_size=4))
@example(b"", b"\0", b"\xff", b"\0")
@example(b"a", b"a\0", b"\xff", b"")
@example(b"\0" * 127, b"\0" * 126, b"\xff", b"")
@example(b"\0" * 127 + b"a", b"\0" * 254, b"", b"\xff")
def test_terminated_keeps_order(first: bytes, second: bytes, tail: bytes, other_tail: bytes) -> None:
    if first == second:
        assert keys.terminated(first) == keys.terminated(second)
        return
    smaller, larger = sorted((first, second))
    assert keys.terminated(smaller) + tail < keys.terminated(larger) + other_tail


# No encoding is a prefix of another: the next part of the key always begins at a known place.
@given(raw_keys, raw_keys)
def test_terminated_is_prefix_free(first: bytes, second: bytes) -> None:
    if first != second:
        assert not keys.terminated(second).startswith(keys.terminated(first))


# The worst sort key of 1,024 bytes (every other byte zero) leaves an index entry's key within LMDB's bound.
@given(st.binary(max_size=1024))
@example(b"\0a" * 512)
@example(b"a\0" * 512)
@example(b"\0" * 1024)
def test_entry_keys_stay_within_the_bound(sort: bytes) -> None:
    prefix = keys.index_prefix(1, 1)
    assert len(prefix) + keys.HASH_BYTES + len(keys.terminated(sort)) + keys.HASH_BYTES <= KEY_BYTES_MAX
