"""What the two transactional operations share: reasons of a cancellation, and their bounds."""

from __future__ import annotations

from typing import Any

from tabletop.base.errors import ApiError

MEMBERS_MAX = 100
TOTAL_BYTES_MAX = 4 * 1024 * 1024

_REASONS = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ItemCollectionSizeLimitExceededException": "ItemCollectionSizeLimitExceeded",
    "ValidationException": "ValidationError",
}
"""Error of a single write -> code of a cancellation reason. Other errors refuse the whole request as they are."""


class Reasons:
    """One entry for each member of a transaction, in its order: why it was refused, or nothing."""

    def __init__(self, members: int) -> None:
        self._rows: list[dict[str, Any]] = [{"Code": "None"} for _ in range(members)]
        self._refused = False

    def refuse(self, position: int, error: ApiError) -> None:
        """Note why the member was refused; raises the error itself where it is no reason of a cancellation."""
        code = _REASONS.get(error.code)
        if code is None:
            raise error
        self._refused = True
        self._rows[position] = {"Code": code, "Message": error.message, **error.fields}

    def raise_if_refused(self) -> None:
        if self._refused:
            codes = ", ".join(row["Code"] for row in self._rows)
            raise ApiError(
                "TransactionCanceledException",
                f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
                fields={"CancellationReasons": self._rows},
            )
