"""A history: operations with the times at which they were sent and answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Operation:
    """``answer`` is None where none came: then it may have taken effect at any time after ``sent``, or not at all."""

    client: int
    action: str
    arguments: tuple[Any, ...]
    sent: float
    answered: float
    answer: Any

    @property
    def is_open(self) -> bool:
        return self.answered == NEVER

    def __str__(self) -> str:
        took = "never answered" if self.is_open else f"{self.answered - self.sent:.4f} s"
        return f"{self.sent:.4f} client {self.client}: {self.action}{self.arguments} -> {self.answer} ({took})"
