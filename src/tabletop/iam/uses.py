"""When a key last signed a request, and a role's sessions last did, and which services either called: noted once a
minute for each service, in the background.

The note is no part of the request: it is durable moments later, and lost when the server is killed before that.
"""

from __future__ import annotations

from typing import NamedTuple

from tabletop.base.call import Principal
from tabletop.base.log import Log
from tabletop.iam.credentials import USER_KEY
from tabletop.iam.operation import seconds
from tabletop.iam.records import ACCESS_KEYS, ROLES, USES
from tabletop.storage.store import Batch, Store, View

NOTED_EVERY_S = 60
_NOTED_MAX = 4096
_log = Log("iam")


class Use(NamedTuple):
    """``path``: ("key", key id) or ("role", account, role name). ``owner``: the account, and the user's or role's id."""

    owner: tuple[str, str]
    path: tuple[str, ...]
    service: str
    region: str


class Uses:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: dict[tuple[str, str], float] = {}

    def note(self, principal: Principal, access_key_id: str, service: str, region: str, now: float) -> None:
        """``service`` is the signing name of the service that was called."""
        if principal.kind != "assumed-role" and not access_key_id.startswith(USER_KEY):
            return
        owner = (principal.arn if principal.kind == "assumed-role" else access_key_id, service)
        noted = self._noted.get(owner)
        if noted is not None and 0 <= now - noted < NOTED_EVERY_S:
            return
        if len(self._noted) >= _NOTED_MAX:
            self._noted.clear()
        self._noted[owner] = now
        if principal.kind == "assumed-role":
            path: tuple[str, ...] = ("role", principal.account, principal.name.lower())
        else:
            path = ("key", access_key_id)
        self._store.submit(
            plan_note, Use((principal.account, principal.unique_id.partition(":")[0]), path, service, region), _done
        )


def plan_note(view: View, use: Use, now: float) -> tuple[None, Batch | None]:
    records = ACCESS_KEYS if use.path[0] == "key" else ROLES
    if records.get(view, *use.path[1:]) is None:
        return None, None
    batch = Batch()
    USES.put(batch, {"date": seconds(now), "region": use.region}, "service", *use.owner, use.service)
    USES.put(batch, {"date": seconds(now), "service": use.service, "region": use.region}, *use.path)
    return None, batch


def forget(view: View, batch: Batch, account: str, unique_id: str) -> None:
    """What was noted of the services that a user or role called, when it ends."""
    for service, _ in USES.below(view, "service", account, unique_id):
        USES.delete(batch, "service", account, unique_id, service)


def _done(answer: object) -> None:
    if isinstance(answer, BaseException):
        _log.warning("the last use of a key could not be noted", fault=repr(answer))
