"""Every bound of the functions service. AWS's quotas first, then our own choices."""

from __future__ import annotations

from dataclasses import dataclass

ZIP_BYTES_MAX = 50 * 1024 * 1024
UNZIPPED_BYTES_MAX = 250 * 1024 * 1024
LAYERS_MAX = 5
ZIP_ENTRIES_MAX = 65_535
CODE_STORAGE_BYTES_MAX = 75 * 1024**3
ENVIRONMENT_BYTES_MAX = 4096
TAGS_MAX = 50
POLICY_BYTES_MAX = 20_480
TIMEOUT_S_MAX = 900
MEMORY_MB_MAX = 10_240
EPHEMERAL_MB_MAX = 10_240
SYNC_PAYLOAD_BYTES_MAX = 6 * 1024 * 1024
RESPONSE_BYTES_MAX = 6_291_556
"""As AWS's own error text has it."""
STREAMED_RESPONSE_BYTES_MAX = 200 * 1024 * 1024
EVENT_PAYLOAD_BYTES_MAX = 1024 * 1024
INVOKE_ASYNC_PAYLOAD_BYTES_MAX = 256 * 1024
CLIENT_CONTEXT_BYTES_MAX = 3583
ACCOUNT_CONCURRENCY = 1000
"""Of an account in a region, as AWS gives it at first. The machine's own bound is ``Settings.concurrency_max``."""
UNRESERVED_CONCURRENCY_MIN = 100
LOG_TAIL_BYTES = 4096
LIST_ITEMS_MAX = 50
INIT_TIMEOUT_S = 10.0
EXTENSIONS_MAX = 10
EXTENSION_ERROR_BYTES_MAX = 256 * 1024
SHUTDOWN_S = 2.0
"""For external extensions, from being told of the end to the end."""
PROCESSES_MAX = 1024

RECURSION_HOPS_MAX = 16
"""Destinations in a row before a chain of them counts as a recursive loop: AWS stops at about 16 invocations."""

CODE_CHUNK_BYTES = 1024 * 1024
"""Code is stored in pieces of this size: one huge value would need one huge run of free pages."""
LOG_LINE_BYTES_MAX = 256 * 1024
LOG_PENDING_BYTES_MAX = 1024 * 1024
"""Log output that waits for the store; beyond it the function waits to write."""
LOG_INVOCATION_BYTES_MAX = 16 * 1024 * 1024
"""Log output of one invocation that is kept; the rest is dropped, and the log says so."""
STREAM_PENDING_BYTES_MAX = 1024 * 1024
"""Of a streamed response that waits for its reader; beyond it the function waits to write."""
DOWNLOAD_URL_LIFE_S = 600


@dataclass(frozen=True, slots=True)
class Settings:
    """What the owner may choose. Times in seconds."""

    concurrency_max: int = 50
    """Sandboxes in all, idle ones among them. AWS's 1,000 would need more memory than a desk has."""
    idle_life_s: float = 300.0
    credentials_life_s: int = 3600
    events_max: int = 10_000
    """Asynchronous invocations that wait."""
    events_at_once: int = 10
    event_age_s_max: float = 6 * 3600.0
    event_retry_delays_s: tuple[float, ...] = (60.0, 120.0)
    """Waits before each retry after a function error, as AWS has them; as many retries as delays."""
    event_throttle_delay_s: float = 1.0
    event_throttle_delay_s_max: float = 300.0
    memory_check_s: float = 0.05
    memory_slack_bytes: int = 1024**3
    """Above the memory limit, for the kernel's own bound on data: catches what outruns the regular look."""
