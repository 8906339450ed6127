"""Functions made, read, changed, published and deleted: members, errors and their words."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import orjson
import pytest
from functions_desk import ACCOUNT, ROLE, Desk, Run, zip_of

from tabletop.wire.http import HttpRequest

SOURCE = "def handler(event, context):\n    return 1\n"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


# CreateFunction answers with the members and forms that AWS has, and every name of the function finds it again.
def test_created_function_is_described(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        created = await desk.create(SOURCE, Tags={"a": "b"}, Environment={"Variables": {"X": "1"}})
        package = zip_of({"main.py": SOURCE})
        assert created["FunctionArn"] == ARN
        assert created["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
        assert created["CodeSize"] == len(package)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", created["LastModified"])
        expected = {
            "Timeout": 3,
            "MemorySize": 128,
            "Version": "$LATEST",
            "State": "Pending",
            "StateReason": "The function is being created.",
            "StateReasonCode": "Creating",
            "PackageType": "Zip",
            "Architectures": ["x86_64"],
            "EphemeralStorage": {"Size": 512},
            "TracingConfig": {"Mode": "PassThrough"},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "Environment": {"Variables": {"X": "1"}},
        }
        assert {name: created[name] for name in expected} == expected
        assert "LastUpdateStatus" not in created
        settled = {name: value for name, value in created.items() if not name.startswith("StateReason")}
        settled |= {"State": "Active", "LastUpdateStatus": "Successful"}
        for name in ("f", "function:f", f"{ACCOUNT}:function:f", ARN):
            assert await desk.ask("GetFunctionConfiguration", FunctionName=name) == settled
        found = await desk.ask("GetFunction", FunctionName=ARN + ":$LATEST")
        assert found["Tags"] == {"a": "b"}
        assert found["Configuration"]["FunctionArn"] == ARN + ":$LATEST"

    at_desk(scene)


# Code.Location is an address that really gives the zip, to whoever has it, and to nobody with a changed one.
def test_code_can_be_downloaded(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(SOURCE)
        location = (await desk.ask("GetFunction", FunctionName="f"))["Code"]["Location"]
        target = location.removeprefix("http://127.0.0.1:1")
        request = HttpRequest(method="GET", target=target, headers={})
        assert request.path.startswith(desk.service.download_path_prefix)
        answer = desk.service.download(request)
        assert (answer.status, answer.body) == (200, zip_of({"main.py": SOURCE}))
        changed = re.sub(r"expires=\d", "expires=9", target)
        assert desk.service.download(HttpRequest(method="GET", target=changed, headers={})).status == 403

    at_desk(scene)


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "broken zip": (
        {"Code": {"ZipFile": b"PK nonsense"}},
        "InvalidParameterValueException",
        "Could not unzip uploaded file. Please check your file, then try to upload again.",
    ),
    "no code": ({"Code": {}}, "InvalidParameterValueException", "Please provide a source for function code."),
    "role": (
        {"Role": f"arn:aws:iam::{ACCOUNT}:role/nobody"},
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
    "foreign role": (
        {"Role": "arn:aws:iam::111122223333:role/worker"},
        "AccessDeniedException",
        "Cross-account pass role is not allowed.",
    ),
    "no handler": (
        {"Handler": None},
        "InvalidParameterValueException",
        "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
    ),
    "old runtime": ({"Runtime": "python3.6"}, "InvalidParameterValueException", "no longer supported"),
    "unknown runtime": ({"Runtime": "cobol"}, "InvalidParameterValueException", "Value cobol at 'runtime' failed"),
    "foreign runtime": ({"Runtime": "java21"}, "InvalidParameterValueException", "not available in Tabletop"),
    "reserved variable": (
        {"Environment": {"Variables": {"AWS_REGION": "x"}}},
        "InvalidParameterValueException",
        "Reserved keys used in this request: AWS_REGION",
    ),
    "large environment": (
        {"Environment": {"Variables": {"X": "x" * 4096}}},
        "InvalidParameterValueException",
        "exceeded the 4KB limit",
    ),
    "long timeout": ({"Timeout": 901}, "ValidationException", "less than or equal to 900"),
    "image": ({"PackageType": "Image"}, "InvalidParameterValueException", "Container images are not available"),
    "code signing": (
        {"CodeSigningConfigArn": "arn:x"},
        "InvalidParameterValueException",
        "Code signing is not available",
    ),
    "layers": ({"Layers": ["arn:x"]}, "ValidationException", "at 'layers' failed to satisfy constraint"),
    "name": ({"FunctionName": "a b"}, "ValidationException", "'functionName' failed to satisfy constraint"),
    "long name": ({"FunctionName": "a" * 65}, "ValidationException", "length less than or equal to 64"),
}


# Each wrong or unavailable request is refused by name, and leaves nothing behind.
@pytest.mark.parametrize("case", REFUSED)
def test_refused_creation(at_desk: Run, case: str) -> None:
    changes, code, words = REFUSED[case]

    async def scene(desk: Desk) -> None:
        params = {
            "FunctionName": "f",
            "Runtime": "python3.12",
            "Handler": "main.handler",
            "Role": ROLE,
            "Code": {"ZipFile": zip_of({"main.py": SOURCE})},
        }
        error = await desk.refused("CreateFunction", **params | changes)
        assert error.code == code
        assert words in str(error.message)
        assert await desk.ask("ListFunctions") == {"Functions": []}

    at_desk(scene)


# A name is taken once; deleted, it is free again, and the deleted function is nowhere to be found.
def test_conflict_and_deletion(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(SOURCE)
        with pytest.raises(Exception, match="Function already exist: f"):
            await desk.create(SOURCE)
        await desk.ask("DeleteFunction", FunctionName="f")
        error = await desk.refused("GetFunction", FunctionName="f")
        assert (error.code, error.status, error.message) == (
            "ResourceNotFoundException",
            404,
            f"Function not found: {ARN}",
        )
        assert error.fields["Type"] == "User"
        assert (await desk.refused("Invoke", FunctionName="f")).code == "ResourceNotFoundException"
        await desk.create(SOURCE)

    at_desk(scene)


# New code runs with the next invocation; a dry run and a wrong revision change nothing.
def test_code_update(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        created = await desk.create(SOURCE)
        package = zip_of({"main.py": "def handler(event, context):\n    return 2\n"})
        assert (await desk.invoke())["Payload"] == 1
        dry = await desk.ask("UpdateFunctionCode", FunctionName="f", ZipFile=package, DryRun=True)
        assert dry["CodeSha256"] != created["CodeSha256"]
        assert (await desk.invoke())["Payload"] == 1
        error = await desk.refused("UpdateFunctionCode", FunctionName="f", ZipFile=package, RevisionId="other")
        assert (error.code, error.status) == ("PreconditionFailedException", 412)
        updated = await desk.ask(
            "UpdateFunctionCode", FunctionName="f", ZipFile=package, RevisionId=created["RevisionId"]
        )
        assert updated["RevisionId"] != created["RevisionId"]
        assert (await desk.invoke())["Payload"] == 2

    at_desk(scene)


# With every version in the list, pages are as long as they were asked to be, also within one function.
def test_every_version_is_listed_in_pages(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        for name in ("a", "b"):
            await desk.create(SOURCE, name=name, Publish=True)
        seen: list[str] = []
        marker: dict[str, str] = {}
        for _ in range(3):
            page = await desk.ask("ListFunctions", FunctionVersion="ALL", MaxItems=3, **marker)
            seen += [one["FunctionArn"].partition(":function:")[2] for one in page["Functions"]]
            if "NextMarker" not in page:
                break
            assert len(page["Functions"]) == 3
            marker = {"Marker": page["NextMarker"]}
        assert seen == ["a:$LATEST", "a:1", "b:$LATEST", "b:1"]

    at_desk(scene)


# Loop detection, runtime updates and SnapStart are kept and described; another runtime version cannot be promised.
def test_settings(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        made = await desk.create(SOURCE, Runtime="python3.12", SnapStart={"ApplyOn": "PublishedVersions"})
        assert made["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
        assert await desk.ask("GetFunctionRecursionConfig", FunctionName="f") == {"RecursiveLoop": "Terminate"}
        await desk.ask("PutFunctionRecursionConfig", FunctionName="f", RecursiveLoop="Allow")
        assert await desk.ask("GetFunctionRecursionConfig", FunctionName="f") == {"RecursiveLoop": "Allow"}
        auto = {"UpdateRuntimeOn": "Auto", "FunctionArn": ARN + ":$LATEST"}
        assert await desk.ask("GetRuntimeManagementConfig", FunctionName="f") == auto
        own = made["RuntimeVersionConfig"]["RuntimeVersionArn"]
        manual = {"FunctionName": "f", "UpdateRuntimeOn": "Manual", "RuntimeVersionArn": own}
        await desk.ask("PutRuntimeManagementConfig", **manual)
        assert (await desk.ask("GetRuntimeManagementConfig", FunctionName="f"))["RuntimeVersionArn"] == own
        error = await desk.refused("PutRuntimeManagementConfig", **manual | {"RuntimeVersionArn": own + "0"})
        assert "is not available in Tabletop" in str(error.message)
        await desk.ask("DeleteFunction", FunctionName="f")
        with desk.store.view() as view:
            assert list(view.range(b"\x30", b"\x31")) == []

    at_desk(scene)


# A part of LoggingConfig that an update does not name stays; levels come and go with the JSON format.
def test_logging_is_changed_part_by_part(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        async def changed(**given: str) -> dict[str, str]:
            answer = await desk.ask("UpdateFunctionConfiguration", FunctionName="f", LoggingConfig=given)
            logging = answer["LoggingConfig"]
            assert isinstance(logging, dict)
            return logging

        await desk.create(SOURCE)
        assert await changed(LogGroup="mine") == {"LogFormat": "Text", "LogGroup": "mine"}
        levels = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
        assert await changed(LogFormat="JSON") == {"LogFormat": "JSON", "LogGroup": "mine"} | levels
        levels["SystemLogLevel"] = "WARN"
        assert await changed(SystemLogLevel="WARN") == {"LogFormat": "JSON", "LogGroup": "mine"} | levels
        assert await changed(LogGroup="other") == {"LogFormat": "JSON", "LogGroup": "other"} | levels
        assert await changed(LogFormat="Text") == {"LogFormat": "Text", "LogGroup": "other"}

    at_desk(scene)


# A whole policy takes the place of the statements, by ARN and revision, and can be deleted.
def test_whole_policies(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(SOURCE)
        statement = {"Sid": "a-b", "Effect": "Allow", "Principal": "*", "Action": "lambda:*", "Resource": ARN}
        text = orjson.dumps({"Version": "2012-10-17", "Statement": statement}).decode()
        assert (await desk.refused("GetResourcePolicy", ResourceArn=ARN)).code == "ResourceNotFoundException"
        put = await desk.ask("PutResourcePolicy", ResourceArn=ARN, Policy=text)
        assert orjson.loads(put["Policy"])["Statement"] == [statement]
        assert await desk.ask("GetResourcePolicy", ResourceArn=ARN) == put
        assert await desk.ask("GetPolicy", FunctionName="f") == put
        stale = await desk.refused("DeleteResourcePolicy", ResourceArn=ARN, RevisionId="0" * 36)
        assert stale.code == "PreconditionFailedException"
        await desk.ask("DeleteResourcePolicy", ResourceArn=ARN, RevisionId=put["RevisionId"])
        assert (await desk.refused("GetPolicy", FunctionName="f")).code == "ResourceNotFoundException"

    at_desk(scene)


# Lists come in pages in order of names, and end.
def test_functions_are_listed_in_pages(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        for name in ("c", "a", "b"):
            await desk.create(SOURCE, name=name)
        first = await desk.ask("ListFunctions", MaxItems=2)
        assert [function["FunctionName"] for function in first["Functions"]] == ["a", "b"]
        rest = await desk.ask("ListFunctions", MaxItems=2, Marker=first["NextMarker"])
        assert [function["FunctionName"] for function in rest["Functions"]] == ["c"]
        assert "NextMarker" not in rest
        assert (await desk.ask("GetAccountSettings"))["AccountUsage"]["FunctionCount"] == 3

    at_desk(scene)


# A published version keeps its code and configuration whatever becomes of $LATEST, and can be run by its number.
def test_published_versions_stand_still(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(SOURCE)
        first = await desk.ask("PublishVersion", FunctionName="f", Description="one")
        assert (first["Version"], first["FunctionArn"], first["Description"]) == ("1", ARN + ":1", "one")
        assert (await desk.ask("PublishVersion", FunctionName="f"))["Version"] == "1"
        package = zip_of({"main.py": "def handler(event, context):\n    return context.function_version\n"})
        second = await desk.ask("UpdateFunctionCode", FunctionName="f", ZipFile=package, Publish=True)
        assert second["Version"] == "2"
        assert (await desk.invoke(Qualifier="1"))["Payload"] == 1
        answer = await desk.invoke(name="f:2")
        assert (answer["Payload"], answer["ExecutedVersion"]) == ("2", "2")
        listed = (await desk.ask("ListVersionsByFunction", FunctionName="f"))["Versions"]
        assert [version["Version"] for version in listed] == ["$LATEST", "1", "2"]
        await desk.ask("DeleteFunction", FunctionName="f", Qualifier="1")
        error = await desk.refused("Invoke", FunctionName="f:1")
        assert error.message == f"Function not found: {ARN}:1"
        assert (await desk.invoke(Qualifier="2"))["Payload"] == "2"

    at_desk(scene)


# Code is kept once for all who use it, until the last user is gone; the unpacked folder is made again when missing.
def test_code_is_shared_and_released(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(SOURCE)
        await desk.create(SOURCE, name="g")
        await desk.ask("DeleteFunction", FunctionName="f")
        for folder in (desk.data / "functions" / "code").iterdir():
            folder.rename(desk.data / "elsewhere")
        assert (await desk.invoke(name="g"))["Payload"] == 1
        await desk.ask("DeleteFunction", FunctionName="g")
        with desk.store.view() as view:
            assert list(view.range(b"\x30", b"\x31")) == []

    at_desk(scene)


# Tags are set, overwritten and removed by the function's ARN.
def test_tags(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(SOURCE, Tags={"a": "1", "b": "2"})
        await desk.ask("TagResource", Resource=ARN, Tags={"b": "3", "c": "4"})
        await desk.ask("UntagResource", Resource=ARN, TagKeys=["a"])
        assert await desk.ask("ListTags", Resource=ARN) == {"Tags": {"b": "3", "c": "4"}}

    at_desk(scene)


# A statement is added once, stands in the policy, and can be taken away.
def test_permissions(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(SOURCE)
        params = {"FunctionName": "f", "StatementId": "s", "Action": "lambda:InvokeFunction"}
        added = await desk.ask("AddPermission", **params, Principal="s3.amazonaws.com", SourceAccount=ACCOUNT)
        statement = orjson.loads(added["Statement"])
        assert statement == {
            "Sid": "s",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": ARN,
            "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT}},
        }
        assert (await desk.refused("AddPermission", **params, Principal="*")).code == "ResourceConflictException"
        url = await desk.refused("AddPermission", **params, Principal="*", FunctionUrlAuthType="NONE")
        assert url.message == "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"
        policy = await desk.ask("GetPolicy", FunctionName="f")
        assert orjson.loads(policy["Policy"])["Statement"] == [statement]
        await desk.ask("RemovePermission", FunctionName="f", StatementId="s")
        assert (await desk.refused("GetPolicy", FunctionName="f")).code == "ResourceNotFoundException"

    at_desk(scene)


# What policies must allow: IAM's own name for Invoke, the ARN as the caller means it, and the passing of a role.
def test_targets(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        def targets(action: str, **params: Any) -> list[tuple[str, str]]:
            return desk.service.targets("lambda", action, desk.call(), params)

        assert targets("Invoke", FunctionName="f", Qualifier="1") == [("lambda:InvokeFunction", ARN + ":1")]
        assert targets("CreateFunction", FunctionName="f", Role=ROLE) == [
            ("lambda:CreateFunction", ARN),
            ("iam:PassRole", ROLE),
        ]
        assert targets("ListFunctions") == [("lambda:ListFunctions", "*")]

    at_desk(scene)


# Policies may ask for the layers, the principal and the kind of URL that a request names.
def test_facts(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        with desk.store.view() as view:

            def fact(key: str, **params: Any) -> Any:
                return desk.service.facts(view, "lambda", "", desk.call(), params).value(0, key)

            assert fact("lambda:layer", FunctionName="f", Layers=["a", "b"]) == ["a", "b"]
            assert fact("lambda:principal", FunctionName="f", Principal="*") == "*"
            assert fact("lambda:functionurlauthtype", FunctionName="f", AuthType="NONE") == "NONE"
            assert fact("lambda:functionurlauthtype", FunctionName="f") is None

    at_desk(scene)


# What is not built says so, and another account's function is nobody's business.
def test_what_is_absent(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        error = await desk.refused("CreateCodeSigningConfig", AllowedPublishers={})
        assert error.code == "UnknownOperationException"
        foreign = ARN.replace(ACCOUNT, "111122223333")
        assert (await desk.refused("GetFunction", FunctionName=foreign)).code == "AccessDeniedException"

    at_desk(scene)


# What changes a function without its code or settings gives it another revision, and leaves its warm sandboxes alone.
def test_revisions_change_and_sandboxes_stay(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        async def revision() -> str:
            return str((await desk.ask("GetFunctionConfiguration", FunctionName="f"))["RevisionId"])

        source = "import uuid\nWHO = str(uuid.uuid4())\ndef handler(event, context):\n    return WHO\n"
        seen = [(await desk.create(source))["RevisionId"]]
        first = (await desk.invoke())["Payload"]
        await desk.ask("TagResource", Resource=ARN, Tags={"a": "b"})
        seen.append(await revision())
        permission = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}
        await desk.ask("AddPermission", FunctionName="f", RevisionId=seen[-1], **permission)
        seen.append(await revision())
        assert (await desk.ask("GetPolicy", FunctionName="f"))["RevisionId"] == seen[-1]
        stale = await desk.refused("RemovePermission", FunctionName="f", StatementId="s", RevisionId=seen[0])
        assert (stale.code, stale.status) == ("PreconditionFailedException", 412)
        assert str(stale.message).endswith("Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
        await desk.ask("RemovePermission", FunctionName="f", StatementId="s", RevisionId=seen[-1])
        seen.append(await revision())
        await desk.ask("PublishVersion", FunctionName="f")
        seen.append(await revision())
        assert len(set(seen)) == 5
        assert (await desk.invoke())["Payload"] == first
        updated = await desk.ask("UpdateFunctionConfiguration", FunctionName="f", RevisionId=seen[-1], Timeout=4)
        assert (updated["State"], updated["LastUpdateStatus"]) == ("Active", "InProgress")
        assert (await desk.invoke())["Payload"] != first

    at_desk(scene)


WORDS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "another region's ARN": (
        "GetFunction",
        {"FunctionName": ARN.replace("us-east-1", "eu-west-1")},
        "ResourceNotFoundException",
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    ),
    "an alias is no version": (
        "DeleteFunction",
        {"FunctionName": "f", "Qualifier": "live"},
        "InvalidParameterValueException",
        "Deletion of aliases is not currently supported.",
    ),
    "no tags": (
        "TagResource",
        {"Resource": ARN, "Tags": {}},
        "InvalidParameterValueException",
        "An error occurred and the request cannot be processed.",
    ),
    "no policy": (
        "RemovePermission",
        {"FunctionName": "f", "StatementId": "s"},
        "ResourceNotFoundException",
        "No policy is associated with the given resource.",
    ),
    "a policy of nobody": (
        "RemovePermission",
        {"FunctionName": "g", "StatementId": "s"},
        "ResourceNotFoundException",
        f"No policy found for: {ARN.removesuffix('f')}g",
    ),
    "levels of text": (
        "UpdateFunctionConfiguration",
        {"FunctionName": "f", "LoggingConfig": {"LogFormat": "Text", "SystemLogLevel": "WARN"}},
        "InvalidParameterValueException",
        'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the '
        'LogFormat to "JSON" and try again.',
    ),
    "an alias that is not there": (
        "GetAlias",
        {"FunctionName": "f", "Name": "dead"},
        "ResourceNotFoundException",
        f"Cannot find alias arn: {ARN}:dead",
    ),
}


# Refusals have Lambda's codes and words.
@pytest.mark.parametrize("case", WORDS)
def test_words_of_refusals(at_desk: Run, case: str) -> None:
    operation, params, code, words = WORDS[case]

    async def scene(desk: Desk) -> None:
        await desk.create(SOURCE, Publish=True)
        await desk.ask("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        error = await desk.refused(operation, **params)
        assert (error.code, str(error.message)) == (code, words)

    at_desk(scene)
