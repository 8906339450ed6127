"""What was refused and why, and what each principal was allowed to do: kept for the account's owner, in the background.

The first serves ``tabletop iam explain``, the second ``tabletop iam generate``. Neither is part of a request: an entry is
durable moments later, and lost when the server is killed before that. All is bounded: a caller who asks for the
forbidden all day costs four small commits a second at most and fills no disk.

    denial      milliseconds (15 digits), request id     see ``Denial``
    activity    account, unique id, action, resource     {}: allowed at least once
    activity    account, unique id, "", ""               {}: there was more than is kept
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tabletop.base.call import Call
from tabletop.base.clock import Stopwatch, system_stopwatch
from tabletop.base.log import Log
from tabletop.iam.evaluation import Decision
from tabletop.storage import prefixes
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, Store, View

DENIALS_KEPT = 1000
PENDING_MAX = 200
ACTIVITIES_KEPT = 1000
"""For each principal."""
SEEN_MAX = 20_000
WRITTEN_EVERY_S = 0.25
_RESOURCE_BYTES_MAX = 1200
"""A longer one would not fit a key of the store."""

DENIALS = Documents(prefixes.IAM, "denial")
ACTIVITIES = Documents(prefixes.IAM, "activity")
Activity = tuple[str, str, str, str]
"""Account, unique id of the user or role, action, resource."""

_log = Log("iam")


@dataclass(frozen=True, slots=True)
class Denial:
    """One refusal. ``at`` in seconds since the epoch; ``statement`` is its Sid, or its number from 1."""

    request_id: str
    at: float
    principal: str
    action: str
    resource: str
    explicit: bool
    layer: str
    policy: str
    statement: str
    reason: str
    nearly: list[str] = field(default_factory=list)
    """Statements that would have allowed it but for what is said of each."""


@dataclass(frozen=True, slots=True)
class Entries:
    denials: tuple[Denial, ...]
    activities: tuple[Activity, ...]


class Journal:
    """What this process has yet to write down."""

    def __init__(self, store: Store, *, stopwatch: Stopwatch = system_stopwatch) -> None:
        self._store = store
        self._stopwatch = stopwatch
        self._denials: list[Denial] = []
        self._activities: list[Activity] = []
        self._seen: set[Activity] = set()
        self._writing = False
        self._written_at = -WRITTEN_EVERY_S

    def deny(self, call: Call, action: str, resource: str, decision: Decision, nearly: list[str]) -> None:
        """To be followed by ``write``, outside of any plan: this may be part of one (AssumeRole's), which runs anywhere."""
        statement = decision.statement
        denial = Denial(
            request_id=call.request_id,
            at=call.now,
            principal=call.principal.arn,
            action=action,
            resource=resource,
            explicit=decision.explicit,
            layer=decision.layer.value,
            policy=decision.policy,
            statement="" if statement is None else statement.sid or str(statement.number),
            reason=decision.reason(action),
            nearly=nearly,
        )
        _log.info(
            "access denied", **{name: value for name, value in asdict(denial).items() if name not in ("at", "reason")}
        )
        if len(self._denials) < PENDING_MAX:
            self._denials.append(denial)

    def allow(self, call: Call, action: str, resource: str) -> bool:
        """Whether it is noted, or will be: it need not be told again. The cheap case is the usual one: it was seen before."""
        activity = _activity(call, action, resource)
        if activity in self._seen:
            return True
        self._note(activity)
        self.write()
        return activity in self._seen

    def allow_in_plan(self, call: Call, action: str, resource: str) -> None:
        """The same where it may be part of a plan; to be followed by ``write``, outside of any."""
        activity = _activity(call, action, resource)
        if activity not in self._seen:
            self._note(activity)

    def _note(self, activity: Activity) -> None:
        if len(self._seen) >= SEEN_MAX:
            self._seen.clear()
        self._seen.add(activity)
        if len(self._activities) < PENDING_MAX:
            self._activities.append(activity)
        else:
            # To be noted when it is seen again.
            self._seen.discard(activity)

    def write(self) -> None:
        """Write down what there is, now or in a moment."""
        if self._writing or not (self._denials or self._activities):
            return
        wait_s = self._written_at + WRITTEN_EVERY_S - self._stopwatch()
        if wait_s > 0:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return
            self._writing = True
            loop.call_later(wait_s, self._submit)
        else:
            self._submit()

    def _submit(self) -> None:
        self._writing = True
        self._written_at = self._stopwatch()
        entries = Entries(tuple(self._denials), tuple(self._activities))
        self._denials, self._activities = [], []
        self._store.submit(plan_write, entries, self._done)

    def _done(self, answer: object) -> None:
        self._writing = False
        if isinstance(answer, BaseException):
            _log.warning("refusals could not be written down", fault=repr(answer))
            return
        self.write()


def _activity(call: Call, action: str, resource: str) -> Activity:
    return call.principal.account, call.principal.unique_id.partition(":")[0], action, resource


def plan_write(view: View, entries: Entries, now: float) -> tuple[None, Batch]:
    """The newest entries, in place of the oldest."""
    batch = Batch()
    for denial in entries.denials:
        DENIALS.put(batch, asdict(denial), f"{int(denial.at * 1000):015d}", denial.request_id)
    beyond = DENIALS.count(view) + len(entries.denials) - DENIALS_KEPT if entries.denials else 0
    if beyond > 0:
        oldest = (key for key, _ in view.range(DENIALS.key(), DENIALS.key(f"{int(now * 1000) + 1:015d}")))
        for key, _ in zip(oldest, range(beyond), strict=False):
            batch.delete(key)
    counts: dict[tuple[str, str], int] = {}
    for account, unique_id, action, resource in entries.activities:
        owner = (account, unique_id)
        if owner not in counts:
            counts[owner] = ACTIVITIES.count(view, *owner)
        fits = len(resource.encode()) <= _RESOURCE_BYTES_MAX and "\0" not in resource
        if not fits or counts[owner] >= ACTIVITIES_KEPT:
            ACTIVITIES.put(batch, {}, *owner, "", "")
            continue
        counts[owner] += 1
        ACTIVITIES.put(batch, {}, *owner, action, resource)
    return None, batch


def denials(view: View) -> Iterator[dict[str, Any]]:
    """Newest last."""
    for _, document in DENIALS.below(view):
        yield document


def activities(view: View, account: str, unique_id: str) -> tuple[list[tuple[str, str]], bool]:
    """(action, resource) pairs that the user or role was allowed; and whether these are all."""
    pairs: list[tuple[str, str]] = []
    complete = True
    base = ACTIVITIES.key(account, unique_id)
    for key, _ in view.range(base, base + b"\xff"):
        action, resource, _ = key[len(base) :].decode().split("\0")
        if action:
            pairs.append((action, resource))
        else:
            complete = False
    return pairs, complete
