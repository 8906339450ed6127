"""The runtime client for Python functions: imports the handler, then asks for an event, runs it and answers, for ever.

It runs in the function's own process, under whatever Python that is (3.8 and later), and may import nothing but the
standard library. A raw socket instead of http.client saves 15 ms of every cold start. Error names and texts are those
that AWS's Python runtime answers with.

Standard output is the function's log. One line is one log event; a message of several lines (a traceback, a logged
text) is sent with its inner line ends as carriage returns, which the other side turns back.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
from typing import Any

API = "/2018-06-01/runtime/"

MINOR = os.environ.get("AWS_EXECUTION_ENV", "").rpartition("python3.")[2]
ESCAPE_NON_ASCII = not MINOR.isdigit() or int(MINOR) < 12
"""From python3.12 on, Lambda answers with the characters themselves."""
current_request_id = ""


class Connection:
    """A kept-alive HTTP/1.1 connection to the Runtime API, good for one request at a time."""

    def __init__(self, address: str) -> None:
        self.host = address
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: list[tuple[str, str]] | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Send one request; returns (headers with lower-case names, body). Raises OSError when nobody is there."""
        lines = [f"{method} {API + path} HTTP/1.1", "Host: " + self.host, f"Content-Length: {len(body)}"]
        lines.extend(f"{name}: {value}" for name, value in headers or ())
        self.socket.sendall("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body)
        while b"\r\n\r\n" not in self.received:
            self._receive()
        head, _, rest = self.received.partition(b"\r\n\r\n")
        fields = head.decode("latin-1").split("\r\n")[1:]
        answer_headers = {}
        for field in fields:
            name, _, value = field.partition(":")
            answer_headers[name.strip().lower()] = value.strip()
        length = int(answer_headers.get("content-length", "0"))
        chunks, have = [rest], len(rest)
        while have < length:
            chunk = self.socket.recv(262144)
            if not chunk:
                raise OSError("the Runtime API closed the connection")
            chunks.append(chunk)
            have += len(chunk)
        everything = b"".join(chunks)
        self.received = everything[length:]
        return answer_headers, everything[:length]

    def _receive(self) -> None:
        chunk = self.socket.recv(262144)
        if not chunk:
            raise OSError("the Runtime API closed the connection")
        self.received += chunk


class Fault(Exception):
    """An error that the runtime itself finds, with AWS's name for it."""

    def __init__(self, error_type: str, message: str, stack: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.stack = stack or []


class CognitoIdentity:
    def __init__(self, fields: dict[str, Any] | None = None) -> None:
        fields = fields or {}
        self.cognito_identity_id = fields.get("cognitoIdentityId")
        self.cognito_identity_pool_id = fields.get("cognitoIdentityPoolId")


class Client:
    def __init__(self, fields: dict[str, Any]) -> None:
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"):
            setattr(self, name, fields.get(name))


class ClientContext:
    def __init__(self, fields: dict[str, Any]) -> None:
        self.custom = fields.get("custom")
        self.env = fields.get("env")
        self.client = Client(fields["client"]) if fields.get("client") else None


class LambdaContext:
    """What a handler gets as its second argument, with the members that AWS documents."""

    function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
    memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
    log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")

    def __init__(self, headers: dict[str, str]) -> None:
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self._deadline_ms = int(headers.get("lambda-runtime-deadline-ms", "0"))
        identity = headers.get("lambda-runtime-cognito-identity")
        self.identity = CognitoIdentity(json.loads(identity) if identity else None)
        client_context = headers.get("lambda-runtime-client-context")
        self.client_context = ClientContext(json.loads(client_context)) if client_context else None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        return "LambdaContext({})".format(
            ",".join("{}={!r}".format(*pair) for pair in sorted(vars(self).items()) if pair[0][0] != "_")
        )


class TextFormatter(logging.Formatter):
    """``[INFO]\\t2026-01-31T12:00:00.000Z\\trequest id\\tmessage``"""

    converter = time.gmtime  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
        )


class JsonFormatter(logging.Formatter):
    """One JSON object a record, for functions whose log format is JSON."""

    converter = time.gmtime  # type: ignore[assignment]

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": current_request_id,
        }
        if record.exc_info and record.exc_info[0]:
            entry["errorType"] = record.exc_info[0].__name__
            entry["errorMessage"] = str(record.exc_info[1])
            entry["stackTrace"] = self.formatException(record.exc_info).split("\n")
        return json.dumps(entry, default=str)


class LogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            record.aws_request_id = current_request_id
            write_message(self.format(record))
        except Exception:
            self.handleError(record)


def write_message(text: str) -> None:
    """One log event, however many lines it has."""
    sys.stdout.write(text.rstrip("\n").replace("\n", "\r") + "\n")
    sys.stdout.flush()


def set_up_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(  # type: ignore[union-attr]
            encoding="utf-8", errors="backslashreplace", line_buffering=True
        )
    handler = LogHandler()
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    logging.root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL")
    if level:
        logging.root.setLevel({"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}.get(level, level))


def set_up_path() -> None:
    """The function's own code comes first; this file's folder is none of its business."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [os.getcwd()] + [
        folder for folder in sys.path if os.path.abspath(folder or ".") not in (here, os.getcwd())
    ]


def listen_for_debugger() -> None:
    """What ``tabletop lambda watch --debug`` asks for."""
    port = os.environ.pop("TABLETOP_DEBUG_PORT", "")
    wait = os.environ.pop("TABLETOP_DEBUG_WAIT", "")
    if not port:
        return
    try:
        import debugpy  # type: ignore[import-not-found, unused-ignore]

        debugpy.listen(("127.0.0.1", int(port)))
    except ImportError:
        write_message("TABLETOP no debugger: debugpy is not in the folder (pip install debugpy --target FOLDER)")
    except (OSError, RuntimeError) as error:
        # Another sandbox of the function has the port.
        write_message(f"TABLETOP no debugger at port {port}: {error}")
    else:
        write_message(f"TABLETOP a debugger can attach to 127.0.0.1:{port}")
        if wait:
            debugpy.wait_for_client()


def import_handler(name: str) -> Any:
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Fault(
            "Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        )
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
    try:
        from importlib import import_module

        module = import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        where = '  File "{}" Line {}\n    {}'.format(error.filename, error.lineno, (error.text or "").strip())
        raise Fault(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", [where]
        ) from error
    handler = getattr(module, function_name, None)
    if handler is None:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")
    return handler


def describe(error: Exception, request_id: str) -> dict[str, Any]:
    """AWS's error payload. Frames of this file and of the import machinery are left out of the trace."""
    if isinstance(error, Fault):
        error_type, stack = error.error_type, error.stack
    else:
        import traceback

        error_type = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if not _is_machinery(frame.filename)]
        stack = traceback.format_list(own)
    return {"errorMessage": str(error), "errorType": error_type, "requestId": request_id, "stackTrace": stack}


def _is_machinery(filename: str) -> bool:
    return (
        filename == __file__ or filename.startswith("<frozen importlib") or filename.endswith("importlib/__init__.py")
    )


def log_error(payload: dict[str, Any]) -> None:
    lines = ["[ERROR] {}: {}".format(payload["errorType"], payload["errorMessage"])]
    if payload["stackTrace"]:
        lines.append("Traceback (most recent call last):")
        lines.extend(entry.rstrip("\n") for entry in payload["stackTrace"])
    write_message("\n".join(lines))


def encode_other(value: Any) -> Any:
    if type(value).__name__ == "Decimal":
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def run_handler(handler: Any, event_bytes: bytes, context: LambdaContext) -> bytes:
    """The response's JSON, or raises what the handler raised."""
    try:
        event = json.loads(event_bytes)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error
    answer = handler(event, context)
    try:
        return json.dumps(answer, default=encode_other, ensure_ascii=ESCAPE_NON_ASCII).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def report(connection: Connection, path: str, payload: dict[str, Any]) -> None:
    log_error(payload)
    body = json.dumps(payload).encode()
    connection.ask("POST", path, body, [("Lambda-Runtime-Function-Error-Type", payload["errorType"])])


def main() -> None:
    global current_request_id
    connection = Connection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    set_up_path()
    set_up_output()
    listen_for_debugger()
    try:
        handler = import_handler(os.environ["_HANDLER"])
    except Exception as error:
        report(connection, "init/error", describe(error, ""))
        sys.exit(1)
    while True:
        headers, event = connection.ask("GET", "invocation/next")
        context = LambdaContext(headers)
        current_request_id = context.aws_request_id
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
        path = f"invocation/{context.aws_request_id}/"
        try:
            answer = run_handler(handler, event, context)
        except Exception as error:
            report(connection, path + "error", describe(error, context.aws_request_id))
            continue
        sys.stdout.flush()
        sys.stderr.flush()
        connection.ask("POST", path + "response", answer, [("Content-Type", "application/json")])


if __name__ == "__main__":
    try:
        main()
    except OSError:
        # The server is gone: nobody is left to answer to.
        sys.exit(0)
