"""Target: JSON request bodies of every operation that is built, through the whole gateway."""

from __future__ import annotations

import gzip
import zlib
from random import Random
from typing import Any

import orjson

from benchmarks.fuzz.run import Input
from benchmarks.fuzz.shapes import Bodies, attribute_value
from benchmarks.fuzz.world import World
from tabletop.dynamodb.actions import OPERATIONS

ACTIONS = (*OPERATIONS, *("PutItem", "UpdateItem", "Query", "TransactWriteItems", "BatchWriteItem") * 2)
UNKNOWN = ("", "Nothing", "putitem", "PutItem ", "é", "PutItem.x")

_RAW = (
    b"null", b"1e400", b"-1e999", b"9" * 400, b"0.1e-400", b"18446744073709551616", b"9223372036854775808", b"-0", b"1E2", b"1.0",
    b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u0000"', b'"\xff"', b'"\xed\xa0\x80"', b"NaN", b"Infinity", b"-", b"{}", b"[]", b'""',
    b"true", b"false", b"01", b"[" * 1200 + b"]" * 1200, b'{"a":' * 1100 + b"1" + b"}" * 1100, b"[" * 5000, b"\xef\xbb\xbf",
    b"\0",
    b'{"S":"a","S":"b"}', b'{"L":[' * 40 + b'{"S":"x"}' + b"]}" * 40, b'{"M":{"a":' * 500 + b'{"N":"1"}' + b"}}" * 500,
)  # fmt: skip
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e300, 1 << 63, (1 << 64) - 1, -(1 << 63), "", "a", "1", "true", [], {}, [None], {"": None},
    [[]], {"a": {}}, "x" * 2049, "x" * 1025, "é" * 128, "\0", "PAY_PER_REQUEST", ["a", "a"], {"S": "a"}, {"N": 1},
    [{"S": "a"}] * 101, {"p": {"S": "a"}, "s": {"N": "1"}},
)  # fmt: skip


class RequestBodies:
    name = "bodies"

    def __init__(self) -> None:
        self._world: World | None = None
        self._bodies = Bodies()

    def begin(self) -> None:
        if self._world is not None:
            self._world.store.close()
        self._world = World()
        self._bodies.use(self._world)

    def end(self) -> None:
        assert self._world is not None
        world, self._world = self._world, None
        world.close()

    def make(self, random: Random) -> Input:
        action = random.choice(ACTIONS)
        body = self._bodies.body(action, random)
        dice = random.random()
        if dice < 0.45:
            for _ in range(random.choice((1, 1, 1, 2, 4))):
                body = _mutated(random, body)
        payload = orjson.dumps(body)
        if dice > 0.85:
            payload = _disturbed(random, payload)
        encoding = ""
        if random.random() < 0.02:
            encoding, payload = _encoded(random, payload)
        if random.random() < 0.002:
            action = random.choice(UNKNOWN)
        return action, encoding, payload

    def judge(self, given: Input) -> str:
        assert self._world is not None
        action, encoding, payload = given
        self._world.clock.advance(0.01)
        answer = self._world.send(action, payload, {"content-encoding": encoding} if encoding else None)
        if encoding and answer.status == 500 and not self._world.log.getvalue():
            # What cannot be decompressed, DynamoDB answers so (observed).
            return "500 to a broken Content-Encoding"
        return self._world.kind_of(answer)


def _mutated(random: Random, body: Any) -> Any:
    """The body with one value, anywhere in it, replaced, removed, doubled, or moved a level deeper."""
    if not isinstance(body, dict | list):
        return _odd(random)
    containers = [body]
    node = body
    while random.random() < 0.75:
        children = [child for child in _children(node) if isinstance(child, dict | list) and child]
        if not children:
            break
        # Bodies share parts of tables of values, which must stay as they are: copied on the way down.
        node = random.choice(children)
        containers.append(node)
    copied = _copied(containers)
    node = copied[-1]
    if not node:
        return _odd(random)
    at: Any = random.choice([*node]) if isinstance(node, dict) else random.randrange(len(node))
    change = random.randrange(8)
    if change <= 2:
        node[at] = _odd(random)
    elif change == 3:
        del node[at]
    elif change == 4:
        node[at] = random.choice(
            ([node[at]], {"a": node[at]}, {"L": [node[at]]}, [node[at]] * random.choice((2, 26, 101)))
        )
    elif change == 5 and isinstance(node, dict):
        node[random.choice((at.lower(), at + "x", at[:1], "x" * 256, "#", "p"))] = node.pop(at)
    elif change == 6:
        node[at] = None
    else:
        node[at] = attribute_value(random)
    return copied[0]


def _odd(random: Random) -> Any:
    if random.random() < 0.0005:
        return "x" * 420_000
    return random.choice(_ODD)


def _children(node: Any) -> list[Any]:
    return [*node.values()] if isinstance(node, dict) else [*node] if isinstance(node, list) else []


def _copied(containers: list[Any]) -> list[Any]:
    """Shallow copies of a chain of containers, each within the one before."""
    copies = [type(each)(each) for each in containers]
    for number in range(1, len(copies)):
        parent, old = copies[number - 1], containers[number]
        places = parent if isinstance(parent, dict) else range(len(parent))
        place = next(place for place in places if parent[place] is old)
        parent[place] = copies[number]
    return copies


def _disturbed(random: Random, payload: bytes) -> bytes:
    """Bytes put in, cut out or changed: JSON that no encoder would write."""
    at = random.randrange(len(payload) + 1)
    change = random.randrange(5)
    if change <= 1:
        # A whole value in the place of another one.
        start = payload.find(b":", at) + 1
        stops = [found for found in (payload.find(b",", start), payload.find(b"}", start)) if found > 0]
        if start and stops:
            return payload[:start] + random.choice(_RAW) + payload[min(stops) :]
        return random.choice(_RAW)
    if change == 2:
        return payload[:at] + random.choice(_RAW) + payload[at:]
    if change == 3:
        return payload[:at] + bytes([random.randrange(256)]) + payload[at + 1 :]
    # A member twice, or the end missing.
    return payload[:-1] + b"," + payload[1:] if random.random() < 0.5 else payload[:at]


def _encoded(random: Random, payload: bytes) -> tuple[str, bytes]:
    encoding = random.choice(("gzip", "deflate", "GZIP", "br", "identity", "gzip, gzip", "x", "é"))
    packed = gzip.compress(payload, 1) if random.random() < 0.7 else zlib.compress(payload, 1)
    return encoding, packed if random.random() < 0.7 else packed[: random.randrange(len(packed))]
