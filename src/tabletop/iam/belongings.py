"""What belongs to one user and has an id of its own: SSH public keys, signing certificates, service credentials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.kinds import USER
from tabletop.iam.operation import Answer, Change, Params, limit_exceeded, page
from tabletop.iam.records import Document
from tabletop.iam.users import own_name
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, View


@dataclass(frozen=True, slots=True)
class Belongings:
    """One kind of them, kept by account, user id and its own id, which requests name as ``id_member``."""

    records: Documents
    id_member: str
    not_found: str

    def owner(self, view: View, call: Call, params: Params) -> Document:
        return USER.find(view, call.principal.account, own_name(call, params))

    def below(self, view: View, call: Call, user: Document, after: str | None = None) -> Iterator[tuple[str, Document]]:
        return self.records.below(view, call.principal.account, user["id"], after=after)

    def check_quota(self, view: View, call: Call, user: Document, name: str, most: int) -> None:
        if self.records.count(view, call.principal.account, user["id"]) >= most:
            raise limit_exceeded(f"Cannot exceed quota for {name}: {most}")

    def find(self, view: View, call: Call, params: Params) -> tuple[Document, Document]:
        """(user, what the request names)"""
        user = self.owner(view, call, params)
        wanted = params[self.id_member]
        record = self.records.get(view, call.principal.account, user["id"], wanted)
        if record is None:
            raise ApiError("NoSuchEntity", self.not_found.format(id=wanted), status=404)
        return user, record

    def stored(self, change: Change, user: Document, record: Document) -> Batch:
        batch = Batch()
        self.records.put(batch, record, change.account, user["id"], record["id"])
        return batch

    def delete(self, view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        user, record = self.find(view, change.call, change.params)
        batch = Batch()
        self.records.delete(batch, change.account, user["id"], record["id"])
        return {}, batch

    def update_status(self, view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        user, record = self.find(view, change.call, change.params)
        if change.params["Status"] == "Expired":
            # Inferred words: the model names it, and nobody can set it.
            raise ApiError("InvalidInput", "The status can be set to Active or Inactive.", status=400)
        record["status"] = change.params["Status"]
        return {}, self.stored(change, user, record)

    def listed(
        self, view: View, call: Call, params: Params, member: str, shape: Callable[[Document, Document], Answer]
    ) -> Answer:
        """One page of a user's, as ``shape`` makes them of (user, record). The root has none of its own."""
        if "UserName" not in params and call.principal.kind == "root":
            return {member: [], "IsTruncated": False}
        user = self.owner(view, call, params)
        found = self.below(view, call, user, params.get("Marker"))
        return page(((key, shape(user, record)) for key, record in found), params, member)
