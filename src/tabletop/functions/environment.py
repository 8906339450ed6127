"""The environment variables of a sandbox: AWS's, then the function's own, and nothing of the server's."""

from __future__ import annotations

from typing import Any

from tabletop.functions.enclosures import Place
from tabletop.functions.ports import RoleCredentials

RESERVED = frozenset(
    [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    ]
)
"""Names that a function's configuration may not set, from AWS's list of defined runtime environment variables."""


def sandbox_environment(
    record: dict[str, Any],
    *,
    initialization: str,
    credentials: RoleCredentials,
    runtime_api: str,
    endpoint_url: str,
    place: Place,
    program_folder: str,
    log_group: str,
    log_stream: str,
) -> dict[str, str]:
    """Everything a sandbox of this function version sees. ``record`` is the version's record (``registry``)."""
    task, layers, runtime = place.task_root, place.layers, record["runtime"]
    defaults = {
        "PATH": f"{program_folder}:/usr/local/bin:/usr/bin:/bin:{layers}/bin",
        "LD_LIBRARY_PATH": f"{task}:{task}/lib:{layers}/lib",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": place.temporary,
        "TMPDIR": place.temporary,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        # Nobody listens there: segments that a tracing library sends are lost, as they are without tracing on AWS.
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    }
    imports = ""
    if runtime.startswith("python"):
        imports = f"{layers}/python/lib/{runtime}/site-packages:{layers}/python:{place.sdk}"
        defaults["PYTHONPATH"] = imports
    elif runtime.startswith("nodejs"):
        major = runtime.removeprefix("nodejs").split(".")[0]
        defaults["NODE_PATH"] = f"{layers}/nodejs/node{major}/node_modules:{layers}/nodejs/node_modules"
    fixed = {
        "_HANDLER": record["handler"],
        "AWS_REGION": record["region"],
        "AWS_DEFAULT_REGION": record["region"],
        "AWS_EXECUTION_ENV": "AWS_Lambda_" + runtime,
        "AWS_LAMBDA_FUNCTION_NAME": record["name"],
        "AWS_LAMBDA_FUNCTION_VERSION": record["version"],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(record["memory"]),
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "LAMBDA_TASK_ROOT": task,
        "LAMBDA_RUNTIME_DIR": place.runtime,
    }
    if record["logging"]["LogFormat"] == "JSON":
        fixed["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        fixed["AWS_LAMBDA_LOG_LEVEL"] = record["logging"].get("ApplicationLogLevel", "INFO")
    own = dict(record["environment"] or {})
    if imports and "PYTHONPATH" in own:
        # As on AWS: the function's folders come first, and boto3 is still found.
        own["PYTHONPATH"] += f":{imports}"
    return {**defaults, **own, **fixed}
