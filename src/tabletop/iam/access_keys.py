"""Access keys of users: Create- (which alone tells the secret), List-, Update- and DeleteAccessKey, and their last use."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.kinds import USER
from tabletop.iam.operation import Answer, Change, Params, Read, Write, limit_exceeded, page, seconds
from tabletop.iam.records import ACCESS_KEYS, USER_KEYS, USES, Document
from tabletop.iam.users import own_name
from tabletop.storage.store import Batch, View

KEYS_MAX = 2


def create_access_key(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    user = USER.find(view, change.account, own_name(change.call, change.params))
    folded = user["name"].lower()
    if sum(1 for _ in USER_KEYS.below(view, change.account, folded)) >= KEYS_MAX:
        raise limit_exceeded(f"Cannot exceed quota for AccessKeysPerUser: {KEYS_MAX}")
    drawn = change.credentials
    assert drawn is not None
    record: Document = {
        "account": change.account,
        "kind": "user",
        "owner": user["name"],
        "owner_id": user["id"],
        "owner_arn": user["arn"],
        "secret": drawn.sealed_secret,
        "active": True,
        "created": seconds(now),
    }
    batch = Batch()
    ACCESS_KEYS.put(batch, record, drawn.access_key_id)
    USER_KEYS.put(batch, {}, change.account, folded, drawn.access_key_id)
    shape = _shape(drawn.access_key_id, record)
    shape["SecretAccessKey"] = drawn.secret
    return {"AccessKey": shape}, batch


def list_access_keys(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    if "UserName" not in params and call.principal.kind == "root":
        return {"AccessKeyMetadata": [], "IsTruncated": False}
    user = USER.find(view, account, own_name(call, params))
    keys = USER_KEYS.below(view, account, user["name"].lower(), after=params.get("Marker"))
    return page(((key, _shape(key, _stored(view, key))) for key, _ in keys), params, "AccessKeyMetadata")


def update_access_key(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    access_key_id, record = _find(view, change)
    if change.params["Status"] == "Expired":
        # Inferred words: the model names it, and nobody can set it.
        raise ApiError("InvalidInput", "The status of an access key can be set to Active or Inactive.", status=400)
    record["active"] = change.params["Status"] == "Active"
    batch = Batch()
    ACCESS_KEYS.put(batch, record, access_key_id)
    return {}, batch


def delete_access_key(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    access_key_id, record = _find(view, change)
    batch = Batch()
    ACCESS_KEYS.delete(batch, access_key_id)
    USER_KEYS.delete(batch, change.account, record["owner"].lower(), access_key_id)
    USES.delete(batch, "key", access_key_id)
    return {}, batch


def get_access_key_last_used(view: View, call: Call, params: Params) -> Answer:
    """To the minute, like ``uses``. A session's key counts for its role, not here."""
    access_key_id = params["AccessKeyId"]
    record = ACCESS_KEYS.get(view, access_key_id)
    if record is None or record["kind"] != "user" or record["account"] != call.principal.account or "token" in record:
        raise _no_such_key(access_key_id)
    use = USES.get(view, "key", access_key_id)
    last: Answer = {"ServiceName": "N/A", "Region": "N/A"}
    if use is not None:
        last = {"LastUsedDate": use["date"], "ServiceName": use["service"], "Region": use["region"]}
    return {"UserName": record["owner"], "AccessKeyLastUsed": last}


WRITES: dict[str, Write] = {
    "CreateAccessKey": create_access_key,
    "UpdateAccessKey": update_access_key,
    "DeleteAccessKey": delete_access_key,
}
READS: dict[str, Read] = {
    "ListAccessKeys": list_access_keys,
    "GetAccessKeyLastUsed": get_access_key_last_used,
}


def _find(view: View, change: Change) -> tuple[str, Document]:
    user = USER.find(view, change.account, own_name(change.call, change.params))
    access_key_id = change.params["AccessKeyId"]
    if USER_KEYS.get(view, change.account, user["name"].lower(), access_key_id) is None:
        raise _no_such_key(access_key_id)
    return access_key_id, _stored(view, access_key_id)


def _no_such_key(access_key_id: str) -> ApiError:
    return ApiError("NoSuchEntity", f"The Access Key with id {access_key_id} cannot be found.", status=404)


def _stored(view: View, access_key_id: str) -> Document:
    record = ACCESS_KEYS.get(view, access_key_id)
    assert record is not None
    return record


def _shape(access_key_id: str, record: Document) -> Answer:
    return {
        "UserName": record["owner"],
        "AccessKeyId": access_key_id,
        "Status": "Active" if record["active"] else "Inactive",
        "CreateDate": record["created"],
    }
