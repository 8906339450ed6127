"""SAML providers: their metadata is kept and told as it came, unread. STS takes no assertion: it could not verify it."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.operation import Answer, Change, Params, Read, Write, limit_exceeded, read_tags, seconds, tag_list
from tabletop.iam.records import SAML_PROVIDERS, Document, split_arn
from tabletop.iam.tagging import tag_reads, tag_writes
from tabletop.storage.store import Batch, View

PROVIDERS_MAX = 100
_VALID_S = 36_525 * 86_400
"""A hundred years (inferred): what AWS tells of metadata that name no end themselves."""


class _Providers:
    """Providers as ``tagging`` knows them."""

    title = "SAMLProvider"

    def find_in(self, view: View, account: str, params: Params) -> Document:
        wanted = params["SAMLProviderArn"]
        parts = split_arn(wanted)
        record = None
        if parts is not None and parts[:2] == (account, "saml-provider"):
            record = SAML_PROVIDERS.get(view, account, parts[2])
        if record is None:
            raise ApiError("NoSuchEntity", f"Manifest not found for arn {wanted}", status=404)
        return record

    def stored(self, change: Change, record: Document) -> Batch:
        batch = Batch()
        SAML_PROVIDERS.put(batch, record, change.account, record["name"])
        return batch


PROVIDERS = _Providers()


def create(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    params, account = change.params, change.account
    _refuse_private_keys(params)
    name, tags = params["Name"], read_tags(params)
    if SAML_PROVIDERS.get(view, account, name) is not None:
        # Recalled words.
        raise ApiError("EntityAlreadyExists", f"SAMLProvider with name {name} already exists.", status=409)
    if SAML_PROVIDERS.count(view, account) >= PROVIDERS_MAX:
        raise limit_exceeded(f"Cannot exceed quota for SAMLProvidersPerAccount: {PROVIDERS_MAX}")
    record: Document = {
        "name": name,
        "arn": f"arn:aws:iam::{account}:saml-provider/{name}",
        "metadata": params["SAMLMetadataDocument"],
        "created": seconds(now),
        "tags": tags,
    }
    answer: Answer = {"SAMLProviderArn": record["arn"]}
    if tags:
        answer["Tags"] = tag_list(tags)
    return answer, PROVIDERS.stored(change, record)


def get(view: View, call: Call, params: Params) -> Answer:
    record = PROVIDERS.find_in(view, call.principal.account, params)
    dates = {"CreateDate": record["created"], "ValidUntil": record["created"] + _VALID_S}
    return {"SAMLMetadataDocument": record["metadata"], **dates, "Tags": tag_list(record["tags"])}


def list_providers(view: View, call: Call, params: Params) -> Answer:
    found = [
        {"Arn": record["arn"], "CreateDate": record["created"], "ValidUntil": record["created"] + _VALID_S}
        for _, record in SAML_PROVIDERS.below(view, call.principal.account)
    ]
    return {"SAMLProviderList": found}


def update(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = PROVIDERS.find_in(view, change.account, change.params)
    _refuse_private_keys(change.params)
    record["metadata"] = change.params.get("SAMLMetadataDocument", record["metadata"])
    return {"SAMLProviderArn": record["arn"]}, PROVIDERS.stored(change, record)


def delete(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = PROVIDERS.find_in(view, change.account, change.params)
    batch = Batch()
    SAML_PROVIDERS.delete(batch, change.account, record["name"])
    return {}, batch


WRITES: dict[str, Write] = {
    "CreateSAMLProvider": create,
    "UpdateSAMLProvider": update,
    "DeleteSAMLProvider": delete,
    **tag_writes(PROVIDERS),
}
READS: dict[str, Read] = {"GetSAMLProvider": get, "ListSAMLProviders": list_providers, **tag_reads(PROVIDERS)}


def _refuse_private_keys(params: Params) -> None:
    """Assertions are not decrypted here, since none is taken: keys for it would be kept for nothing (our own words)."""
    for member in ("AssertionEncryptionMode", "AddPrivateKey", "RemovePrivateKey"):
        if member in params:
            raise ApiError("InvalidInput", f"{member} is not supported.", status=400)
