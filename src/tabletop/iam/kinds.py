"""The kinds of named things that IAM keeps: how each is found, begun, listed, renamed, stored and removed.

One table entry per kind; what all kinds do is done here once, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.operation import Answer, Change, Params, delete_conflict, seconds
from tabletop.iam.records import (
    ATTACHMENTS,
    BOUNDARY_USES,
    GROUPS,
    INSTANCE_PROFILES,
    POLICIES,
    ROLES,
    SERVER_CERTIFICATES,
    USERS,
    Document,
    arn,
)
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, View


@dataclass(frozen=True, slots=True)
class Kind:
    """``title`` names the operations (GetRolePolicy), ``word`` the ARNs; ``not_found`` and ``taken`` are AWS's messages.

    ``id_prefix`` begins the ids. ``inline_bytes_max``: white space does not count.
    """

    word: str
    title: str
    records: Documents
    id_prefix: str
    inline_bytes_max: int = 0
    not_found: str = "The {word} with name {name} cannot be found."
    taken: str = "{title} with name {name} already exists."

    @property
    def name_member(self) -> str:
        """RoleName: the member of requests and answers that has the name."""
        return f"{self.title}Name"

    def find(self, view: View, account: str, name: str) -> Document:
        record = self.records.get(view, account, name.lower())
        if record is None:
            raise ApiError("NoSuchEntity", self.not_found.format(word=self.word, name=name), status=404)
        return record

    def find_in(self, view: View, account: str, params: Params) -> Document:
        """The one that a request names."""
        return self.find(view, account, params[self.name_member])

    def named_in(self, view: View, change: Change) -> Document:
        return self.find_in(view, change.account, change.params)

    def begun(self, view: View, change: Change, now: float) -> Document:
        """What the record of every new thing begins with; EntityAlreadyExists when its name is taken."""
        account, name, path = change.account, change.params[self.name_member], change.params.get("Path", "/")
        self.refuse_taken(view, account, name)
        return {
            "name": name,
            "path": path,
            "id": self.id_prefix + change.unique_id,
            "arn": arn(account, self.word, path, name),
            "created": seconds(now),
        }

    def shape(self, record: Document) -> Answer:
        """The members that AWS's shapes of all kinds begin with."""
        return {
            "Path": record["path"],
            self.name_member: record["name"],
            f"{self.title}Id": record["id"],
            "Arn": record["arn"],
            "CreateDate": record["created"],
        }

    def listed(self, view: View, call: Call, params: Params) -> Iterator[tuple[str, Document]]:
        """Those below PathPrefix, with their keys, in order of names, from behind the marker."""
        prefix = params.get("PathPrefix", "/")
        for key, record in self.records.below(view, call.principal.account, after=params.get("Marker")):
            if record["path"].startswith(prefix):
                yield key, record

    def stored(self, change: Change, record: Document) -> Batch:
        batch = Batch()
        self.records.put(batch, record, change.account, record["name"].lower())
        return batch

    def bounded(self, batch: Batch, change: Change, record: Document, boundary: str | None) -> None:
        """Note whose boundary which policy is: ``record`` has the one before, ``boundary`` is the one from now on."""
        before = record.pop("boundary", None)
        if before is not None:
            BOUNDARY_USES.delete(batch, change.account, before, self.word, record["name"])
        if boundary is not None:
            record["boundary"] = boundary
            BOUNDARY_USES.put(batch, {}, change.account, boundary, self.word, record["name"])

    def stored_with(self, change: Change, record: Document, boundary: str | None) -> Batch:
        batch = Batch()
        self.bounded(batch, change, record, boundary)
        self.records.put(batch, record, change.account, record["name"].lower())
        return batch

    def renamed(self, view: View, change: Change, record: Document) -> Batch:
        """The record under its new name and path, with all that is kept by its name; ``record`` is changed."""
        account, word, before = change.account, self.word, record["name"]
        name = change.params.get(f"New{self.name_member}", before)
        path = change.params.get("NewPath", record["path"])
        if name.lower() != before.lower():
            self.refuse_taken(view, account, name)
        batch = Batch()
        self.records.delete(batch, account, before.lower())
        listed = [(ATTACHMENTS, policy_arn) for policy_arn in record["attached"]]
        if "boundary" in record:
            listed.append((BOUNDARY_USES, record["boundary"]))
        for documents, policy_arn in listed:
            documents.delete(batch, account, policy_arn, word, before)
            documents.put(batch, {}, account, policy_arn, word, name)
        record |= {"name": name, "path": path, "arn": arn(account, word, path, name)}
        self.records.put(batch, record, account, name.lower())
        return batch

    def removed(self, change: Change, record: Document) -> Batch:
        """The end of a role, user or group, which must have no policies any more."""
        if record["attached"]:
            raise delete_conflict("Cannot delete entity, must detach all policies first.")
        if record["inline"]:
            raise delete_conflict("Cannot delete entity, must delete policies first.")
        batch = Batch()
        self.bounded(batch, change, record, None)
        self.records.delete(batch, change.account, record["name"].lower())
        return batch

    def refuse_taken(self, view: View, account: str, name: str) -> None:
        if self.records.get(view, account, name.lower()) is not None:
            raise ApiError("EntityAlreadyExists", self.taken.format(title=self.title, name=name), status=409)


ROLE = Kind("role", "Role", ROLES, "AROA", 10_240)
USER = Kind("user", "User", USERS, "AIDA", 2_048)
GROUP = Kind("group", "Group", GROUPS, "AGPA", 5_120)
INSTANCE_PROFILE = Kind(
    "instance-profile",
    "InstanceProfile",
    INSTANCE_PROFILES,
    "AIPA",
    not_found="Instance Profile {name} cannot be found.",
    taken="Instance Profile {name} already exists.",
)
POLICY = Kind(
    "policy",
    "Policy",
    POLICIES,
    "ANPA",
    taken="A policy called {name} already exists. Duplicate names are not allowed.",
)
SERVER_CERTIFICATE = Kind(
    "server-certificate",
    "ServerCertificate",
    SERVER_CERTIFICATES,
    "ASCA",
    not_found="The Server Certificate with name {name} cannot be found.",
    taken="The Server Certificate with name {name} already exists.",
)
