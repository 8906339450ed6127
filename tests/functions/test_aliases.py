"""Aliases: made, pointed elsewhere, sharing calls, called by their name, and gone."""

from __future__ import annotations

from typing import Any

import pytest
from functions_desk import ACCOUNT, Desk, Run, zip_of

from tabletop.base import randomness

SOURCE = "def handler(event, context):\n    return [context.function_version, context.invoked_function_arn]\n"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


async def _two_versions(desk: Desk) -> None:
    await desk.create(SOURCE, Publish=True)
    await desk.ask("UpdateFunctionConfiguration", FunctionName="f", Description="second")
    assert (await desk.ask("PublishVersion", FunctionName="f"))["Version"] == "2"


# An alias runs its version, under its own ARN in the context and in descriptions; pointed elsewhere it runs that.
def test_alias_stands_for_its_version(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await _two_versions(desk)
        made = await desk.ask("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", Description="x")
        assert made.pop("RevisionId")
        assert made == {"AliasArn": ARN + ":live", "Name": "live", "FunctionVersion": "1", "Description": "x"}
        for names in ({"name": "f", "Qualifier": "live"}, {"name": "f:live"}, {"name": ARN + ":live"}):
            answer = await desk.invoke(**names)
            assert (answer["Payload"], answer["ExecutedVersion"]) == (["1", ARN + ":live"], "1")
        described = await desk.ask("GetFunctionConfiguration", FunctionName="f", Qualifier="live")
        assert (described["FunctionArn"], described["Version"]) == (ARN + ":live", "1")
        await desk.ask("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
        assert (await desk.invoke(Qualifier="live"))["ExecutedVersion"] == "2"
        assert (await desk.ask("GetAlias", FunctionName="f", Name="live"))["Description"] == "x"

    at_desk(scene)


# The additional version gets its share of the calls, drawn anew for each; without routing it gets none.
def test_weights_share_calls(at_desk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(desk: Desk) -> None:
        await _two_versions(desk)
        routing: dict[str, Any] = {"AdditionalVersionWeights": {"2": 0.25}}
        await desk.ask("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=routing)
        for draw, version in ((0.0, "2"), (0.2499, "2"), (0.25, "1"), (0.99, "1")):
            monkeypatch.setattr(randomness, "fraction", lambda draw=draw: draw)
            assert (await desk.invoke(Qualifier="live"))["ExecutedVersion"] == version
        assert (await desk.ask("GetAlias", FunctionName="f", Name="live"))["RoutingConfig"] == routing
        updated = await desk.ask("UpdateAlias", FunctionName="f", Name="live", RoutingConfig={})
        assert "RoutingConfig" not in updated
        monkeypatch.setattr(randomness, "fraction", lambda: 0.0)
        assert (await desk.invoke(Qualifier="live"))["ExecutedVersion"] == "1"

    at_desk(scene)


REFUSED: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "taken": (
        "CreateAlias",
        {"FunctionVersion": "1"},
        "ResourceConflictException",
        f"Alias already exists: {ARN}:live",
    ),
    "no such version": (
        "CreateAlias",
        {"Name": "b", "FunctionVersion": "9"},
        "ResourceNotFoundException",
        f"Function not found: {ARN}:9",
    ),
    "no such alias": ("GetAlias", {"Name": "b"}, "ResourceNotFoundException", f"Cannot find alias arn: {ARN}:b"),
    "not invokable": ("Invoke", {"Qualifier": "b"}, "ResourceNotFoundException", f"Function not found: {ARN}:b"),
    "two more versions": (
        "UpdateAlias",
        {"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1, "2": 0.1}}},
        "InvalidParameterValueException",
        "Number of items in AdditionalVersionWeights cannot be greater than 1. Item count: 2",
    ),
    "the same version": (
        "UpdateAlias",
        {"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}},
        "InvalidParameterValueException",
        "Function version 1 is already included",
    ),
    "$LATEST shares": (
        "UpdateAlias",
        {"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}},
        "InvalidParameterValueException",
        "$LATEST is not supported for an alias pointing to more than 1 version",
    ),
    "revision": ("UpdateAlias", {"RevisionId": "other"}, "PreconditionFailedException", "does not match the latest"),
    "version in use": (
        "DeleteFunction",
        {"Qualifier": "1"},
        "ResourceConflictException",
        "Unable to delete version because the following aliases reference it: [live]",
    ),
    "qualified function": (
        "CreateAlias",
        {"FunctionName": "f:1", "FunctionVersion": "1"},
        "InvalidParameterValueException",
        "This operation is permitted on Lambda functions only.",
    ),
}


# Each wrong request is refused in Lambda's words.
@pytest.mark.parametrize("case", REFUSED)
def test_refusals(at_desk: Run, case: str) -> None:
    action, changes, code, words = REFUSED[case]

    async def scene(desk: Desk) -> None:
        await _two_versions(desk)
        await desk.ask("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        error = await desk.refused(action, **{"FunctionName": "f", "Name": "live"} | changes)
        assert (error.code, words in str(error.message)) == (code, True), error.message

    at_desk(scene)


# Aliases are listed in pages and by version, and go with their policy, by themselves or with the function.
def test_listed_and_deleted(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await _two_versions(desk)
        for name, version in (("a", "1"), ("b", "2"), ("c", "2")):
            await desk.ask("CreateAlias", FunctionName="f", Name=name, FunctionVersion=version)
        first = await desk.ask("ListAliases", FunctionName="f", MaxItems=2)
        rest = await desk.ask("ListAliases", FunctionName="f", MaxItems=2, Marker=first["NextMarker"])
        assert [alias["Name"] for alias in first["Aliases"] + rest["Aliases"]] == ["a", "b", "c"]
        assert "NextMarker" not in rest
        of_one = await desk.ask("ListAliases", FunctionName="f", FunctionVersion="1")
        assert [alias["Name"] for alias in of_one["Aliases"]] == ["a"]
        permission = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
        await desk.ask("AddPermission", FunctionName="f", Qualifier="a", **permission)
        await desk.ask("DeleteAlias", FunctionName="f", Name="a")
        await desk.ask("DeleteAlias", FunctionName="f", Name="a")
        await desk.ask("CreateAlias", FunctionName="f", Name="a", FunctionVersion="1")
        assert (await desk.refused("GetPolicy", FunctionName="f", Qualifier="a")).code == "ResourceNotFoundException"
        await desk.ask("DeleteFunction", FunctionName="f")
        with desk.store.view() as view:
            assert list(view.range(b"\x30", b"\x31")) == []

    at_desk(scene)


# The same code and configuration are one version, also when they were sent again.
def test_unchanged_is_not_published_again(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await _two_versions(desk)
        package = zip_of({"main.py": SOURCE})
        again = await desk.ask("UpdateFunctionCode", FunctionName="f", ZipFile=package, Publish=True)
        assert again["Version"] == "2"
        changed = zip_of({"main.py": SOURCE + "#\n"})
        assert (await desk.ask("UpdateFunctionCode", FunctionName="f", ZipFile=changed, Publish=True))["Version"] == "3"
        error = await desk.refused("PublishVersion", FunctionName="f", CodeSha256="AAAA")
        assert (error.code, "is different from current CodeSHA256" in str(error.message)) == (
            "InvalidParameterValueException",
            True,
        )

    at_desk(scene)
