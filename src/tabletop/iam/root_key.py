"""The root's own access key, for the mode in which nobody is let in unverified: drawn here, or chosen by the user.

There is one, of the account of the test keys. Its secret is kept sealed (see ``credentials``); it is shown when it is
made, and never again. A new one takes its place, and the one before opens nothing from then on.
"""

from __future__ import annotations

import re

from tabletop.base.call import ROOT_ACCOUNT
from tabletop.base.errors import StartupError
from tabletop.iam.credentials import USER_KEY, DrawnCredentials, Keyring
from tabletop.iam.operation import seconds
from tabletop.iam.records import ACCESS_KEYS, ROOT_KEYS, Document
from tabletop.storage.store import Batch, Store, View

_GIVEN = re.compile(r"([A-Za-z0-9_]{1,128}):(\S{1,128})").fullmatch


def read_root_key(text: str) -> tuple[str, str]:
    """(access key id, secret) of ``ID:SECRET``. Raises StartupError, without the secret in its words."""
    match = _GIVEN(text)
    if match is None:
        raise StartupError("--root-key takes ID:SECRET: letters, digits and underscores, a colon, no spaces")
    return match[1], match[2]


async def keep_root_key(store: Store, keyring: Keyring, given: str | None, *, needed: bool) -> DrawnCredentials | None:
    """Store the key that the user chose; else, where one is ``needed`` and none is there, a new one, which is answered."""
    if given is not None:
        await store.commit(plan_put, keyring.seal(*read_root_key(given)))
        return None
    with store.view() as view:
        if not needed or ROOT_KEYS.get(view, ROOT_ACCOUNT) is not None:
            return None
    return await new_root_key(store, keyring)


async def new_root_key(store: Store, keyring: Keyring) -> DrawnCredentials:
    drawn = keyring.draw(USER_KEY)
    await store.commit(plan_put, drawn)
    return drawn


def plan_put(view: View, drawn: DrawnCredentials, now: float) -> tuple[None, Batch]:
    batch = Batch()
    present = ACCESS_KEYS.get(view, drawn.access_key_id)
    if present is not None and present["kind"] != "root":
        raise StartupError("--root-key names an access key that was issued to somebody else")
    before = ROOT_KEYS.get(view, ROOT_ACCOUNT)
    if before is not None:
        ACCESS_KEYS.delete(batch, before["key"])
    record: Document = {
        "account": ROOT_ACCOUNT,
        "kind": "root",
        "owner": "",
        "owner_id": ROOT_ACCOUNT,
        "owner_arn": f"arn:aws:iam::{ROOT_ACCOUNT}:root",
        "secret": drawn.sealed_secret,
        "active": True,
        "created": seconds(now),
    }
    ACCESS_KEYS.put(batch, record, drawn.access_key_id)
    ROOT_KEYS.put(batch, {"key": drawn.access_key_id}, ROOT_ACCOUNT)
    return None, batch
