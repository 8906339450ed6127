"""IAM over the real engine: what was answered is there after the store is opened again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tabletop.base.call import Call
from tabletop.base.clock import ManualClock
from tabletop.iam.service import Iam
from tabletop.storage.engine import open_store

from .conftest import KEY, NOW, ROOT, signed
from .test_iam_authentication import LAMBDA_TRUST, ROLE_ARN
from .test_iam_authorization import TABLE, document


# Roles, policies and sessions live through a restart, and so does the right to use them.
def test_everything_survives_a_restart(tmp_path: Path) -> None:
    asyncio.run(_write_and_reopen(tmp_path))


async def _write_and_reopen(directory: Path) -> None:
    clock = ManualClock(NOW)
    store = open_store(directory, clock=clock)
    iam = Iam(store, secret_key=KEY)
    call = Call("REQUEST", ROOT.account, "us-east-1", ROOT, NOW)
    await iam.handle("iam", call, "CreateRole", {"RoleName": "worker", "AssumeRolePolicyDocument": LAMBDA_TRUST})
    grant = {"RoleName": "worker", "PolicyName": "p", "PolicyDocument": document("dynamodb:GetItem")}
    await iam.handle("iam", call, "PutRolePolicy", grant)
    session = await iam.role_credentials(ROLE_ARN, "fn", 900)
    store.close()

    store = open_store(directory, clock=clock)
    iam = Iam(store, secret_key=KEY)
    request = signed(session.access_key_id, session.secret_access_key, token=session.session_token)
    with store.view() as view:
        identity = iam.authenticate(view, request, "dynamodb", NOW)
        call = Call("REQUEST", ROOT.account, "us-east-1", identity.principal, NOW, identity.access_key_id)
        iam.authorize(view, call, [("dynamodb:GetItem", TABLE)])
    assert (await iam.sweep()) == 0
    store.close()
