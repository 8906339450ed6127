"""`tabletop iam`: why a request was refused, and the least policy for what a role or user did."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any, TypeVar

import click

from tabletop.base.call import ROOT_ACCOUNT
from tabletop.cli.servers import required_server, server_options

NOT_FOUND = 4
"""Exit status when there is nothing of that name."""
SHOWN_MAX = 20
_WAIT_S = 1.0
"""A refusal is written down moments after its answer."""
_LOOKS = 4

Read = TypeVar("Read")


@click.group("iam")
def command() -> None:
    """Explain refusals, and write policies from what was done.

    \b
    Examples:
      tabletop iam explain
      tabletop iam generate --role worker
    """


@command.command("explain")
@click.argument("request_id", required=False)
@server_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def explain(request_id: str | None, port: int | None, data: Path | None, as_json: bool) -> None:
    """Tell why a request was refused: who asked what of which resource, and what decided.

    The request id is in every answer (x-amzn-RequestId; RequestId in boto3's ResponseMetadata). Without one the last
    20 refusals are shown; the last 1,000 are kept.

    \b
    Examples:
      tabletop iam explain
      tabletop iam explain 0A1B2C...
    """
    directory = Path(required_server(port, data).directory)
    found: list[dict[str, Any]] = []
    for look in range(_LOOKS):
        if look:
            sleep(_WAIT_S / _LOOKS)
        found = _read(directory, _denials)
        if request_id is not None:
            found = [denial for denial in found if denial["request_id"].lower() == request_id.lower()]
        if found:
            break
    if not found:
        click.echo("No refusal of that request is kept." if request_id else "Nothing was refused.", err=True)
        raise SystemExit(NOT_FOUND if request_id else 0)
    found = found[-SHOWN_MAX:]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo("\n\n".join(map(_text, found)))


@command.command("generate")
@click.option("--role", help="Name of the role.")
@click.option("--user", help="Name of the user.")
@click.option("--account", default=ROOT_ACCOUNT, show_default=True, help="Account of the role or user.")
@server_options
def generate(role: str | None, user: str | None, account: str, port: int | None, data: Path | None) -> None:
    """Print the least policy for what a role or user was allowed to do so far, on this server.

    Recorded is each action on each resource that policies allowed, whether the request then succeeded or not.

    \b
    Examples:
      tabletop iam generate --role worker > policy.json
      tabletop aws iam put-role-policy --role-name worker --policy-name least --policy-document file://policy.json
    """
    if (role is None) is (user is None):
        raise click.UsageError("name one of --role and --user")
    directory = Path(required_server(port, data).directory)

    def activities(view: Any) -> tuple[list[tuple[str, str]], bool] | None:
        from tabletop.iam import journal
        from tabletop.iam.records import ROLES, USERS

        record = (ROLES if role is not None else USERS).get(view, account, (role or user or "").lower())
        return None if record is None else journal.activities(view, account, record["id"])

    found = _read(directory, activities)
    if found is None:
        click.echo(f"There is no {'role' if role else 'user'} {role or user} in account {account}.", err=True)
        raise SystemExit(NOT_FOUND)
    from tabletop.iam.generation import least_policy

    pairs, complete = found
    if not complete:
        click.echo("More was done than is kept: the policy may lack resources.", err=True)
    if not pairs:
        click.echo("Nothing was done yet, so nothing needs to be allowed.", err=True)
        raise SystemExit(NOT_FOUND)
    click.echo(json.dumps(least_policy(pairs), indent=2))


def _read(directory: Path, read: Callable[[Any], Read]) -> Read:
    """From the store itself, beside the running server, as `tabletop status` does."""
    from tabletop.storage.engine import open_store

    store = open_store(directory)
    try:
        with store.view() as view:
            return read(view)
    finally:
        store.close()


def _denials(view: Any) -> list[dict[str, Any]]:
    from tabletop.iam import journal

    return list(journal.denials(view))


def _text(denial: dict[str, Any]) -> str:
    lines = [
        ("Request", denial["request_id"]),
        ("At", datetime.fromtimestamp(denial["at"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("Principal", denial["principal"]),
        ("Action", denial["action"]),
        ("Resource", denial["resource"]),
    ]
    if denial["explicit"]:
        lines.append(("Denied by", f"{denial['layer']}, {denial['policy']}, statement {denial['statement']}"))
    else:
        lines.append(("Denied", denial["reason"]))
        needed = f"a statement that allows {denial['action']} on {denial['resource']}, in the {denial['layer']}"
        lines.append(("Needed", needed))
        lines += [("Nearly", text) for text in denial["nearly"]]
    return "\n".join(f"{name:<10} {text}" for name, text in lines)
