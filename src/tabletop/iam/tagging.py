"""Tags of roles, users and instance profiles: Tag-, Untag- and List...Tags, the same for each kind."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.iam.kinds import Kind
from tabletop.iam.operation import Answer, Change, Params, Read, Write, merge_tags, page_of_names, without_tags
from tabletop.storage.store import Batch, View


def tag_writes(kind: Kind) -> dict[str, Write]:
    def tag(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = kind.named_in(view, change)
        record["tags"] = merge_tags(record["tags"], change.params["Tags"])
        return {}, kind.stored(change, record)

    def untag(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = kind.named_in(view, change)
        record["tags"] = without_tags(record["tags"], change.params["TagKeys"])
        return {}, kind.stored(change, record)

    return {f"Tag{kind.title}": tag, f"Untag{kind.title}": untag}


def tag_reads(kind: Kind) -> dict[str, Read]:
    def list_tags(view: View, call: Call, params: Params) -> Answer:
        tags = kind.find(view, call.principal.account, params[kind.name_member])["tags"]
        return page_of_names(tags, params, "Tags", lambda name: {"Key": name, "Value": tags[name]})

    return {f"List{kind.title}Tags": list_tags}
