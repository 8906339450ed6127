"""OpenID Connect providers: registered, changed and told. STS cannot reach them, so that no token of theirs is taken."""

from __future__ import annotations

from urllib.parse import urlsplit

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.operation import (
    Answer,
    Change,
    Params,
    Read,
    Write,
    limit_exceeded,
    read_tags,
    seconds,
    tag_list,
    validation_error,
)
from tabletop.iam.records import OIDC_PROVIDERS, Document
from tabletop.iam.tagging import tag_reads, tag_writes
from tabletop.storage.store import Batch, View

THUMBPRINTS_MAX = 5
CLIENT_IDS_MAX = 100
PROVIDERS_MAX = 100
_URL_CHARACTERS_MAX = 255


class _Providers:
    """Providers as ``tagging`` knows them."""

    title = "OpenIDConnectProvider"

    def find_in(self, view: View, account: str, params: Params) -> Document:
        wanted = params["OpenIDConnectProviderArn"]
        url = _url(account, wanted)
        record = None if url is None else OIDC_PROVIDERS.get(view, account, url)
        if record is None:
            raise ApiError("NoSuchEntity", f"OpenIDConnect Provider not found for arn {wanted}", status=404)
        return record

    def stored(self, change: Change, record: Document) -> Batch:
        batch = Batch()
        OIDC_PROVIDERS.put(batch, record, change.account, record["url"])
        return batch


PROVIDERS = _Providers()


def create(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """Without a ThumbprintList there is none: AWS would ask the provider for it."""
    params, account = change.params, change.account
    parts = urlsplit(params["Url"])
    if not parts.scheme or not parts.netloc:
        raise validation_error("Invalid Open ID Connect Provider URL")
    url = parts.netloc + parts.path
    clients, thumbprints = params.get("ClientIDList", []), params.get("ThumbprintList", [])
    _check_thumbprints(thumbprints)
    _check_clients(clients)
    tags = read_tags(params)
    if OIDC_PROVIDERS.get(view, account, url) is not None:
        raise ApiError("EntityAlreadyExists", f"Provider with url {params['Url']} already exists.", status=409)
    if OIDC_PROVIDERS.count(view, account) >= PROVIDERS_MAX:
        raise limit_exceeded(f"Cannot exceed quota for OpenIdConnectProvidersPerAccount: {PROVIDERS_MAX}")
    record: Document = {
        "url": url,
        "clients": list(dict.fromkeys(clients)),
        "thumbprints": list(thumbprints),
        "created": seconds(now),
        "tags": tags,
    }
    answer: Answer = {"OpenIDConnectProviderArn": _arn(account, url)}
    if tags:
        answer["Tags"] = tag_list(tags)
    return answer, PROVIDERS.stored(change, record)


def get(view: View, call: Call, params: Params) -> Answer:
    record = PROVIDERS.find_in(view, call.principal.account, params)
    return {
        "Url": record["url"],
        "ClientIDList": record["clients"],
        "ThumbprintList": record["thumbprints"],
        "CreateDate": record["created"],
        "Tags": tag_list(record["tags"]),
    }


def list_providers(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    found = [{"Arn": _arn(account, url)} for url, _ in OIDC_PROVIDERS.below(view, account)]
    return {"OpenIDConnectProviderList": found}


def add_client(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """To add one that is there changes nothing, as AWS documents it."""
    record = PROVIDERS.find_in(view, change.account, change.params)
    if change.params["ClientID"] not in record["clients"]:
        record["clients"].append(change.params["ClientID"])
        _check_clients(record["clients"])
    return {}, PROVIDERS.stored(change, record)


def remove_client(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """To remove one that is not there changes nothing."""
    record = PROVIDERS.find_in(view, change.account, change.params)
    record["clients"] = [one for one in record["clients"] if one != change.params["ClientID"]]
    return {}, PROVIDERS.stored(change, record)


def update_thumbprints(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = PROVIDERS.find_in(view, change.account, change.params)
    _check_thumbprints(change.params["ThumbprintList"])
    record["thumbprints"] = list(change.params["ThumbprintList"])
    return {}, PROVIDERS.stored(change, record)


def delete(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """To delete one that does not exist is no error, as AWS documents it."""
    url = _url(change.account, change.params["OpenIDConnectProviderArn"])
    if url is None:
        return {}, None
    batch = Batch()
    OIDC_PROVIDERS.delete(batch, change.account, url)
    return {}, batch


WRITES: dict[str, Write] = {
    "CreateOpenIDConnectProvider": create,
    "AddClientIDToOpenIDConnectProvider": add_client,
    "RemoveClientIDFromOpenIDConnectProvider": remove_client,
    "UpdateOpenIDConnectProviderThumbprint": update_thumbprints,
    "DeleteOpenIDConnectProvider": delete,
    **tag_writes(PROVIDERS),
}
READS: dict[str, Read] = {
    "GetOpenIDConnectProvider": get,
    "ListOpenIDConnectProviders": list_providers,
    **tag_reads(PROVIDERS),
}


def _check_thumbprints(thumbprints: list[str]) -> None:
    if len(thumbprints) > THUMBPRINTS_MAX:
        raise ApiError("InvalidInput", "Thumbprint list must contain fewer than 5 entries.", status=400)


def _check_clients(clients: list[str]) -> None:
    if len(clients) > CLIENT_IDS_MAX:
        raise limit_exceeded(f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {CLIENT_IDS_MAX}")


def _arn(account: str, url: str) -> str:
    return f"arn:aws:iam::{account}:oidc-provider/{url}"


def _url(account: str, provider_arn: str) -> str | None:
    head = _arn(account, "")
    url = provider_arn.removeprefix(head)
    return url if provider_arn.startswith(head) and 0 < len(url) <= _URL_CHARACTERS_MAX else None
