"""Service specific credentials: a user's name and password for one AWS service. Neither service exists here to take them."""

from __future__ import annotations

from collections.abc import Iterator

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.belongings import Belongings
from tabletop.iam.credentials import DrawnCredentials
from tabletop.iam.operation import Answer, Change, Params, Read, Write, limit_exceeded, page, seconds
from tabletop.iam.records import SERVICE_CREDENTIALS, USERS, Document
from tabletop.storage.store import Batch, View

PER_SERVICE_MAX = 2
_SERVICES = frozenset({"codecommit.amazonaws.com", "cassandra.amazonaws.com"})
_CREDENTIALS = Belongings(SERVICE_CREDENTIALS, "ServiceSpecificCredentialId", "No such credential {id} exists")


def create(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    user = _CREDENTIALS.owner(view, change.call, change.params)
    service = change.params["ServiceName"]
    _check_service(service)
    used = {record["user"] for _, record in _CREDENTIALS.below(view, change.call, user) if record["service"] == service}
    if len(used) >= PER_SERVICE_MAX:
        # Recalled words.
        raise limit_exceeded(f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {PER_SERVICE_MAX}")
    free = (f"{user['name']}{more}-at-{change.account}" for more in ("", "+1"))
    drawn = _drawn(change)
    record: Document = {
        "id": drawn.access_key_id,
        "service": service,
        "user": next(name for name in free if name not in used),
        "secret": drawn.sealed_secret,
        "status": "Active",
        "created": seconds(now),
    }
    return _answer(user, record, drawn), _CREDENTIALS.stored(change, user, record)


def reset(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """A new password; the old one is worth nothing. It is sealed under the id that was drawn with it."""
    user, record = _CREDENTIALS.find(view, change.call, change.params)
    drawn = _drawn(change)
    record |= {"secret": drawn.sealed_secret, "sealed_as": drawn.access_key_id}
    return _answer(user, record, drawn), _CREDENTIALS.stored(change, user, record)


def list_credentials(view: View, call: Call, params: Params) -> Answer:
    service, account = params.get("ServiceName"), call.principal.account
    if service is not None:
        _check_service(service)
    if params.get("AllUsers"):
        users = [record for _, record in USERS.below(view, account)]
    elif "UserName" not in params and call.principal.kind == "root":
        users = []
    else:
        users = [_CREDENTIALS.owner(view, call, params)]

    def entries() -> Iterator[tuple[str, Answer]]:
        for user in users:
            for key, record in _CREDENTIALS.below(view, call, user):
                if service in (None, record["service"]):
                    yield f"{user['name'].lower()}/{key}", _shape(user, record)

    marker = params.get("Marker", "")
    return page((one for one in entries() if one[0] > marker), params, "ServiceSpecificCredentials")


WRITES: dict[str, Write] = {
    "CreateServiceSpecificCredential": create,
    "ResetServiceSpecificCredential": reset,
    "UpdateServiceSpecificCredential": _CREDENTIALS.update_status,
    "DeleteServiceSpecificCredential": _CREDENTIALS.delete,
}
READS: dict[str, Read] = {"ListServiceSpecificCredentials": list_credentials}


def _check_service(service: str) -> None:
    if service not in _SERVICES:
        # Recalled words.
        message = f"No such service {service} is supported for Service Specific Credentials"
        raise ApiError("NoSuchEntity", message, status=404)


def _drawn(change: Change) -> DrawnCredentials:
    assert change.credentials is not None
    return change.credentials


def _shape(user: Document, record: Document) -> Answer:
    return {
        "UserName": user["name"],
        "Status": record["status"],
        "ServiceUserName": record["user"],
        "CreateDate": record["created"],
        "ServiceSpecificCredentialId": record["id"],
        "ServiceName": record["service"],
    }


def _answer(user: Document, record: Document, drawn: DrawnCredentials) -> Answer:
    return {"ServiceSpecificCredential": _shape(user, record) | {"ServicePassword": drawn.secret}}
