"""Documents: JSON records below a path of strings."""

from __future__ import annotations

import asyncio

from tabletop.storage import prefixes
from tabletop.storage.documents import Documents
from tabletop.storage.engine import open_store
from tabletop.storage.store import Batch, View


# Documents below a path come in order of their names; names that begin alike do not mix; ``after`` continues a page.
def test_documents_below_a_path_in_order() -> None:
    roles = Documents(prefixes.IAM, "role")

    def plan(view: View, request: None, now: float) -> tuple[None, Batch]:
        batch = Batch()
        for account, name in [("1", "b"), ("1", "a"), ("1", "ab"), ("11", "x"), ("2", "y")]:
            roles.put(batch, {"name": name}, account, name)
        roles.delete(batch, "1", "not there")
        return None, batch

    store = open_store(None)
    asyncio.run(store.commit(plan, None))
    with store.view() as view:
        assert [name for name, _ in roles.below(view, "1")] == ["a", "ab", "b"]
        assert [name for name, _ in roles.below(view, "1", after="a")] == ["ab", "b"]
        assert roles.get(view, "11", "x") == {"name": "x"}
        assert roles.get(view, "1", "x") is None
    store.close()
