"""Temporary credentials: how a session is recorded, limited, answered, and forgotten when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.iam.aws_managed import managed_document
from tabletop.iam.credentials import DrawnCredentials
from tabletop.iam.holders import policy_exists
from tabletop.iam.holdings import default_document
from tabletop.iam.operation import Answer, Params, merge_tags, seconds, validation_error
from tabletop.iam.policy_grammar import check_identity_policy
from tabletop.iam.records import ACCESS_KEYS, POLICIES, SESSION_EXPIRIES, Document, split_arn
from tabletop.storage.store import Batch, View

SWEPT_AFTER_S = 3600
"""How long an expired session's record is kept, before it is swept."""
SWEEP_STEP_MAX = 100
PACKED_CHARACTERS_MAX = 4096
"""Of session policies and tags together. AWS packs them in a way that it does not document: the percentage is ours."""
_SWEPT_PER_SESSION = 2


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose session it is: a role, a user, or the root (without a name)."""

    account: str
    kind: str
    name: str
    unique_id: str
    arn: str


def record_session(
    view: View,
    batch: Batch,
    owner: Owner,
    drawn: DrawnCredentials,
    now: float,
    expires: float,
    more: Mapping[str, Any],
) -> None:
    """``more``: session_name, policies, tags, transitive, source, source_identity, as far as there are any."""
    record: Document = {
        "account": owner.account,
        "kind": owner.kind,
        "owner": owner.name,
        "owner_id": owner.unique_id,
        "owner_arn": owner.arn,
        "secret": drawn.sealed_secret,
        "active": True,
        "created": seconds(now),
        "expires": expires,
        "token": drawn.token_digest,
        **more,
    }
    ACCESS_KEYS.put(batch, record, drawn.access_key_id)
    SESSION_EXPIRIES.put(batch, {}, f"{int(expires):012d}", drawn.access_key_id)
    _sweep(view, batch, _SWEPT_PER_SESSION, now)


def credentials_shape(drawn: DrawnCredentials, expires: float) -> Answer:
    return {
        "AccessKeyId": drawn.access_key_id,
        "SecretAccessKey": drawn.secret,
        "SessionToken": drawn.token,
        "Expiration": expires,
    }


def session_policies(view: View, account: str, params: Params) -> list[str]:
    """The documents that limit the session: the one in the request, and the managed ones it names as they are now.

    These are AWS's, or of ``account``: the role's or the user's, as AWS documents it.
    """
    documents: list[str] = []
    if params.get("Policy"):
        check_identity_policy(params["Policy"])
        documents.append(params["Policy"])
    for entry in params.get("PolicyArns", ()):
        policy_arn = entry["arn"]
        if not policy_exists(view, account, policy_arn):
            raise validation_error(f"Policy {policy_arn} does not exist or is not attachable.")
        documents.append(managed_document(policy_arn) or _customer_document(view, policy_arn))
    return documents


def session_tags(params: Params) -> dict[str, str]:
    """STS has another error name than IAM for tags that cannot be (recalled)."""
    try:
        return merge_tags({}, params.get("Tags", ()))
    except ApiError as error:
        if error.code != "InvalidInput":
            raise
        raise ApiError("InvalidParameterValue", error.message, status=400) from None


def packed_size(params: Params, tags: Mapping[str, str]) -> Answer:
    """The member PackedPolicySize, where there is something to pack. Raises PackedPolicyTooLarge beyond 100 percent."""
    named = [entry["arn"] for entry in params.get("PolicyArns", ())]
    parts = [params.get("Policy", ""), *named, *tags, *tags.values()]
    characters = sum(map(len, parts))
    if not characters:
        return {}
    percentage = -(-characters * 100 // PACKED_CHARACTERS_MAX)
    if percentage > 100:
        raise ApiError(
            "PackedPolicyTooLarge",
            f"Packed policy consumes {percentage}% of allotted space, please use smaller policy.",
            status=400,
        )
    return {"PackedPolicySize": percentage}


def plan_sweep(view: View, steps: int, now: float) -> tuple[int, Batch | None]:
    """Forget up to ``steps`` sessions that expired long ago; answers how many. Run again while it answers ``steps``."""
    batch = Batch()
    swept = _sweep(view, batch, min(steps, SWEEP_STEP_MAX), now)
    return swept, batch if swept else None


def _sweep(view: View, batch: Batch, steps: int, now: float) -> int:
    stop = SESSION_EXPIRIES.key(f"{int(now - SWEPT_AFTER_S):012d}")
    swept = 0
    for key, _ in view.range(SESSION_EXPIRIES.key(), stop):
        if swept == steps:
            break
        batch.delete(key)
        ACCESS_KEYS.delete(batch, key[:-1].rsplit(b"\0", 1)[-1].decode())
        swept += 1
    return swept


def _customer_document(view: View, policy_arn: str) -> str:
    parts = split_arn(policy_arn)
    assert parts is not None
    record = POLICIES.get(view, parts[0], parts[2].lower())
    assert record is not None
    return default_document(record)
