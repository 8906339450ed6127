"""Tags: Tag-, Untag- and List...Tags, the same for everything of IAM's that has them."""

from __future__ import annotations

from typing import Protocol

from tabletop.base.call import Call
from tabletop.iam.operation import Answer, Change, Params, Read, Write, merge_tags, page_of_names, without_tags
from tabletop.iam.records import Document
from tabletop.storage.store import Batch, View


class Tagged(Protocol):
    """``title`` names the operations (TagRole); a record keeps its tags as ``tags``."""

    @property
    def title(self) -> str: ...

    def find_in(self, view: View, account: str, params: Params) -> Document:
        """The record that a request names; ApiError where there is none."""

    def stored(self, change: Change, record: Document) -> Batch: ...


def tag_writes(kind: Tagged) -> dict[str, Write]:
    def tag(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = kind.find_in(view, change.account, change.params)
        record["tags"] = merge_tags(record["tags"], change.params["Tags"])
        return {}, kind.stored(change, record)

    def untag(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = kind.find_in(view, change.account, change.params)
        record["tags"] = without_tags(record["tags"], change.params["TagKeys"])
        return {}, kind.stored(change, record)

    return {f"Tag{kind.title}": tag, f"Untag{kind.title}": untag}


def tag_reads(kind: Tagged) -> dict[str, Read]:
    def list_tags(view: View, call: Call, params: Params) -> Answer:
        tags = kind.find_in(view, call.principal.account, params)["tags"]
        return page_of_names(tags, params, "Tags", lambda name: {"Key": name, "Value": tags[name]})

    return {f"List{kind.title}Tags": list_tags}
