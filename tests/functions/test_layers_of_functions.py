"""Layers: published, described, shared, merged under a function's /opt, and kept for who uses them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import orjson
import pytest
from functions_desk import ACCOUNT, Desk, Run, zip_of

from tabletop.functions import layers, limits
from tabletop.wire.http import HttpRequest

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:"
USING = "import shared\n\ndef handler(event, context):\n    return shared.words()\n"


def _words(text: str) -> bytes:
    return zip_of({"python/shared.py": f"def words():\n    return {text!r}\n"})


async def _publish(desk: Desk, package: bytes, name: str = "x", **params: Any) -> dict[str, Any]:
    return await desk.ask("PublishLayerVersion", LayerName=name, Content={"ZipFile": package}, **params)


# A layer version is described with AWS's members, numbered, found by number and ARN, and can be downloaded.
def test_published_and_read(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        package = _words("one")
        made = await _publish(desk, package, Description="d", CompatibleRuntimes=["python3.12"], LicenseInfo="MIT")
        location = made["Content"].pop("Location")
        assert made.pop("CreatedDate").endswith("+0000")
        assert made == {
            "Content": {
                "CodeSha256": base64.b64encode(hashlib.sha256(package).digest()).decode(),
                "CodeSize": len(package),
            },
            "LayerArn": ARN + "x",
            "LayerVersionArn": ARN + "x:1",
            "Version": 1,
            "Description": "d",
            "CompatibleRuntimes": ["python3.12"],
            "LicenseInfo": "MIT",
        }
        assert (await _publish(desk, _words("two")))["Version"] == 2
        for found in (
            await desk.ask("GetLayerVersion", LayerName="x", VersionNumber=1),
            await desk.ask("GetLayerVersion", LayerName=ARN + "x", VersionNumber=1),
            await desk.ask("GetLayerVersionByArn", Arn=ARN + "x:1"),
        ):
            assert (found["LayerVersionArn"], found["Description"]) == (ARN + "x:1", "d")
        target = location.removeprefix("http://127.0.0.1:1")
        assert desk.service.download(HttpRequest(method="GET", target=target, headers={})).body == package

    at_desk(scene)


# Layers and their versions are listed, the newest version first, by runtime and in pages; a number is not given twice.
def test_listed_and_deleted(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await _publish(desk, _words("one"), CompatibleRuntimes=["python3.12"], CompatibleArchitectures=["arm64"])
        await _publish(desk, _words("two"))
        await _publish(desk, _words("one"), name="y")
        listed = (await desk.ask("ListLayers"))["Layers"]
        assert [(one["LayerName"], one["LatestMatchingVersion"]["Version"]) for one in listed] == [("x", 2), ("y", 1)]
        matching = (await desk.ask("ListLayers", CompatibleRuntime="python3.12"))["Layers"]
        assert [one["LatestMatchingVersion"]["Version"] for one in matching] == [1]
        first = await desk.ask("ListLayerVersions", LayerName="x", MaxItems=1)
        rest = await desk.ask("ListLayerVersions", LayerName="x", MaxItems=1, Marker=first["NextMarker"])
        assert [one["Version"] for one in first["LayerVersions"] + rest["LayerVersions"]] == [2, 1]
        assert (await desk.ask("ListLayerVersions", LayerName="x", CompatibleArchitecture="x86_64")) == {
            "LayerVersions": []
        }
        for number in (2, 2, 1):
            await desk.ask("DeleteLayerVersion", LayerName="x", VersionNumber=number)
        assert [one["LayerName"] for one in (await desk.ask("ListLayers"))["Layers"]] == ["y"]
        error = await desk.refused("GetLayerVersion", LayerName="x", VersionNumber=1)
        assert (error.code, error.message) == (
            "ResourceNotFoundException",
            "The resource you requested does not exist.",
        )
        assert (await _publish(desk, _words("three")))["Version"] == 3

    at_desk(scene)


# A function finds its layers' files, of two layers the later one's, and goes on doing so when the layer is deleted.
def test_functions_see_their_layers(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await _publish(desk, zip_of({"python/shared.py": "def words():\n    return 1\n", "only/here": "x"}))
        await _publish(desk, _words("second"), name="y")
        made = await desk.create(USING, Layers=[ARN + "x:1", ARN + "y:1"])
        assert [layer["Arn"] for layer in made["Layers"]] == [ARN + "x:1", ARN + "y:1"]
        assert all(layer["CodeSize"] > 0 for layer in made["Layers"])
        assert (await desk.invoke())["Payload"] == "second"
        await desk.ask("UpdateFunctionConfiguration", FunctionName="f", Layers=[ARN + "y:1", ARN + "x:1"])
        assert (await desk.invoke())["Payload"] == 1
        await desk.ask("DeleteLayerVersion", LayerName="x", VersionNumber=1)
        await desk.ask("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
        assert (await desk.invoke())["Payload"] == 1
        error = await desk.refused("UpdateFunctionConfiguration", FunctionName="f", Layers=[ARN + "x:1"])
        assert error.message == f"Layer version {ARN}x:1 does not exist."
        cleared = await desk.ask("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
        assert "Layers" not in cleared
        assert (await desk.invoke())["FunctionError"] == "Unhandled"

    at_desk(scene)


# The code of a layer is in the store as long as the layer or some function's version has it, and no longer.
def test_code_is_released(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await _publish(desk, _words("one"))
        await desk.create(USING, Layers=[ARN + "x:1"], Publish=True)
        await desk.ask("DeleteLayerVersion", LayerName="x", VersionNumber=1)
        await desk.ask("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
        assert (await desk.invoke(Qualifier="1"))["Payload"] == "one"
        await desk.ask("DeleteFunction", FunctionName="f")
        with desk.store.view() as view:
            left = [key for key, _ in view.range(b"\x30", b"\x31")]
        assert left == [layers.layers.key(ACCOUNT, "us-east-1", "x")]

    at_desk(scene)


# Wrong layers are refused by name: too many, two versions of one, what is not there, more than 250 MB together.
def test_refused_layers(at_desk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(desk: Desk) -> None:
        for name in "abcdef":
            await _publish(desk, _words(name), name=name)
        await _publish(desk, _words("a2"), name="a")

        async def refused(*names: str) -> tuple[str, str]:
            with pytest.raises(Exception) as caught:
                await desk.create(USING, Layers=[ARN + name for name in names])
            return caught.value.code, str(caught.value.message)  # type: ignore[attr-defined]

        code, message = await refused("a:1", "b:1", "c:1", "d:1", "e:1", "f:1")
        assert (code, message) == ("InvalidParameterValueException", "Cannot reference more than 5 layers.")
        code, message = await refused("a:1", "a:2")
        assert message.startswith("Two different versions of the same layer are not allowed")
        assert await refused("a:9") == ("InvalidParameterValueException", f"Layer version {ARN}a:9 does not exist.")
        assert (await refused("a"))[0] == "ValidationException"
        monkeypatch.setattr(limits, "UNZIPPED_BYTES_MAX", 100)
        code, message = await refused("a:1", "b:1")
        assert (code, "combined with layers exceeds the maximum allowed size" in message) == (
            "InvalidParameterValueException",
            True,
        )
        foreign = await desk.refused("GetLayerVersionByArn", Arn=(ARN + "a:1").replace(ACCOUNT, "111122223333"))
        assert foreign.code == "AccessDeniedException"

    at_desk(scene)


# A layer version is shared by statements, with revisions, in AWS's form.
def test_sharing(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await _publish(desk, _words("one"))
        layer = {"LayerName": "x", "VersionNumber": 1}
        missing = await desk.refused("GetLayerVersionPolicy", **layer)
        assert missing.message == "No policy is associated with the given resource."
        statement = {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "111122223333"}
        added = await desk.ask("AddLayerVersionPermission", **layer, **statement)
        expected = {
            "Sid": "s",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "lambda:GetLayerVersion",
            "Resource": ARN + "x:1",
        }
        assert orjson.loads(added["Statement"]) == expected
        policy = await desk.ask("GetLayerVersionPolicy", **layer)
        assert orjson.loads(policy["Policy"])["Statement"] == [expected]
        assert policy["RevisionId"] == added["RevisionId"]
        with desk.store.view() as view:
            reference = layers.parse_arn(ARN + "x:1")
            assert reference is not None
            assert layers.usable(view, reference, "111122223333") is not None
            with pytest.raises(Exception, match="lambda:GetLayerVersion"):
                layers.usable(view, reference, "444455556666")
        again = await desk.refused("AddLayerVersionPermission", **layer, **statement)
        assert again.code == "ResourceConflictException"
        stale = await desk.refused("RemoveLayerVersionPermission", **layer, StatementId="s", RevisionId="old")
        assert (stale.code, stale.status) == ("PreconditionFailedException", 412)
        await desk.ask("RemoveLayerVersionPermission", **layer, StatementId="s", RevisionId=policy["RevisionId"])
        assert (await desk.refused("GetLayerVersionPolicy", **layer)).code == "ResourceNotFoundException"

    at_desk(scene)
