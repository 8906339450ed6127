"""What hangs on a function, one of its versions or one of its aliases, and goes when that goes.

    event_config    account, region, name, qualifier    how asynchronous invocations are retried, and where records go
    provisioned     account, region, name, qualifier    how many sandboxes are kept ready
    runtime_updates account, region, name, version      when the runtime may change
    url_config      account, region, name, qualifier    the function URL
    url             URL id                              which url_config it is: account, region, name, qualifier

The qualifier of what hangs on the function itself is $LATEST. Policies are in the function's own document.
"""

from __future__ import annotations

from typing import Any

from tabletop.functions import registry
from tabletop.functions.names import Reference
from tabletop.storage import prefixes
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, View

event_configs = Documents(prefixes.FUNCTIONS, "event_config")
provisioned = Documents(prefixes.FUNCTIONS, "provisioned")
runtime_updates = Documents(prefixes.FUNCTIONS, "runtime_updates")
url_configs = Documents(prefixes.FUNCTIONS, "url_config")
urls = Documents(prefixes.FUNCTIONS, "url")

KINDS = (event_configs, provisioned, runtime_updates, url_configs)


def path_of(reference: Reference) -> tuple[str, str, str, str]:
    return reference.account, reference.region, reference.name, reference.version


def drop(view: View, batch: Batch, function: dict[str, Any], reference: Reference) -> None:
    """Delete what hangs on this version or alias, its policy in the document ``function`` among it."""
    path = path_of(reference)
    url = url_configs.get(view, *path)
    if url is not None:
        urls.delete(batch, url["id"])
    for kind in KINDS:
        kind.delete(batch, *path)
    if reference.qualifier in function["policies"]:
        policies = {name: policy for name, policy in function["policies"].items() if name != reference.qualifier}
        registry.functions.put(
            batch, {**function, "policies": policies}, reference.account, reference.region, reference.name
        )


def drop_all(view: View, batch: Batch, reference: Reference) -> None:
    """Delete what hangs on any part of this function, and its aliases."""
    path = (reference.account, reference.region, reference.name)
    for _, url in url_configs.below(view, *path):
        urls.delete(batch, url["id"])
    for kind in (*KINDS, registry.aliases):
        for name, _ in kind.below(view, *path):
            kind.delete(batch, *path, name)


def of(kind: Documents, view: View, reference: Reference) -> dict[str, Any] | None:
    return kind.get(view, *path_of(reference))
