"""What a request must be beyond the service model's own constraints (which the gateway checks): Lambda's further rules.

They answer in Lambda's words where those are known. What Tabletop does not do is refused plainly instead of being
accepted and ignored.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from tabletop.base.errors import ApiError
from tabletop.functions import limits
from tabletop.functions.environment import RESERVED
from tabletop.functions.interpreters import CURRENT
from tabletop.wire.models import service_model

_ROLE = re.compile(r"arn:aws[a-zA-Z-]*:iam::(\d{12}):role/?[a-zA-Z_0-9+=,.@\-_/]+")
_RUNTIMES_NAMED = (
    "nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, "
    "python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, "
    "dotnet6, nodejs18.x, provided.al2, java8.al2"
)
"""In the order of AWS's answer, as it was observed in March 2026."""
_SNAP_START = re.compile(r"python3\.1[2-9]|java(11|17|21|25)|dotnet(8|10)")
ABSENT = {
    "CodeSigningConfigArn": "Code signing is not available in Tabletop.",
    "ImageConfig": "Container images are not available in Tabletop. Use a zip package.",
    "FileSystemConfigs": "File systems are not available in Tabletop.",
    "KMSKeyArn": "Customer managed keys are not available in Tabletop.",
    "TenancyConfig": "Tenant isolation is not available in Tabletop.",
    "CapacityProviderConfig": "Capacity providers are not available in Tabletop.",
    "DurableConfig": "Durable functions are not available in Tabletop.",
    "RuntimeConfig": "Runtime configurations are not available in Tabletop.",
    "AcceleratorConfig": "Accelerators are not available in Tabletop.",
    "PublishTo": "Publishing to another target than a version is not available in Tabletop.",
    "S3Bucket": "Code in S3 is not available in Tabletop yet. Use ZipFile.",
    "S3Key": "Code in S3 is not available in Tabletop yet. Use ZipFile.",
    "ImageUri": "Container images are not available in Tabletop. Use a zip package.",
    "SourceKMSKeyArn": "Customer managed keys are not available in Tabletop.",
    "MasterRegion": "Lambda@Edge is not available in Tabletop.",
    "DurableExecutionName": "Durable functions are not available in Tabletop.",
    "TenantId": "Tenant isolation is not available in Tabletop.",
}
"""Parameters that are refused unless they are empty."""


def complete_error(error: ApiError) -> None:
    """Give the error the member Type, which most of Lambda's errors have besides their message."""
    shape = service_model("lambda").error_shape(error.code)
    if shape is not None and "Type" in shape.members and "Type" not in error.fields:
        error.fields = {**error.fields, "Type": "User"}


def check_absent(params: dict[str, Any]) -> None:
    """Raises InvalidParameterValueException for what Tabletop does not do."""
    for name, reason in ABSENT.items():
        value = params.get(name)
        if isinstance(value, dict):
            value = any(value.values())
        if value:
            raise invalid(reason)
    vpc = params.get("VpcConfig") or {}
    if vpc.get("SubnetIds") or vpc.get("SecurityGroupIds"):
        raise invalid("VPC settings are not available in Tabletop: functions run on this machine's own network.")
    if params.get("PackageType", "Zip") != "Zip":
        raise invalid(ABSENT["ImageUri"])


def check_runtime(runtime: str) -> None:
    if runtime not in service_model("lambda").shape_for("Runtime").enum:
        raise invalid(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{_RUNTIMES_NAMED}] or be a valid ARN"
        )
    if runtime in CURRENT:
        return
    if runtime.startswith(("python", "nodejs")):
        raise invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    raise invalid(
        f"The runtime {runtime} is not available in Tabletop, which runs python, nodejs and provided runtimes."
    )


def check_snap_start(runtime: str) -> None:
    if not _SNAP_START.fullmatch(runtime):
        raise invalid(f"{runtime} is not supported for SnapStart enabled functions.")


def check_role(role: str, account: str) -> None:
    match = _ROLE.fullmatch(role)
    if match is not None and match[1] != account:
        raise ApiError("AccessDeniedException", "Cross-account pass role is not allowed.", status=403)


def check_bounds(timeout: int, memory: int, ephemeral: int) -> None:
    """The quotas of ordinary functions; the model's own bounds are wider, for kinds that are not available here."""
    if timeout > limits.TIMEOUT_S_MAX:
        raise _over(timeout, "timeout", limits.TIMEOUT_S_MAX)
    if memory > limits.MEMORY_MB_MAX:
        raise _over(memory, "memorySize", limits.MEMORY_MB_MAX)
    if ephemeral > limits.EPHEMERAL_MB_MAX:
        raise _over(ephemeral, "ephemeralStorage.size", limits.EPHEMERAL_MB_MAX)


def check_environment(variables: dict[str, str]) -> None:
    reserved = sorted(RESERVED & variables.keys())
    if reserved:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    if any("\0" in value for value in variables.values()):
        raise invalid("Environment variables must not contain null characters.")
    measured = orjson.dumps(variables)
    if len(measured) > limits.ENVIRONMENT_BYTES_MAX:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {measured.decode()}"
        )


def check_tags(tags: dict[str, str]) -> None:
    if len(tags) > limits.TAGS_MAX:
        raise invalid("Number of tags exceeds resource tag limit.")
    for name, value in tags.items():
        if not name or len(name) > 128 or len(value) > 256 or name.lower().startswith("aws:"):
            raise invalid("Tag keys have 1 to 128 characters and do not begin with aws:, tag values have at most 256.")


def check_revision(expected: str | None, revision: str) -> None:
    """Raises PreconditionFailedException where the request expects another revision."""
    if expected and expected != revision:
        raise ApiError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
            "retrieve the latest Revision Id",
            status=412,
        )


def invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterValueException", message)


def _over(value: int, path: str, bound: int) -> ApiError:
    return ApiError(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{path}' failed to satisfy constraint: "
        f"Member must have value less than or equal to {bound}",
    )
