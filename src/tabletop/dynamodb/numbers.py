"""DynamoDB's numbers: up to 38 digits, exact. (placeholder: being written)"""
from __future__ import annotations
def sortable(text: str) -> bytes:
    raise NotImplementedError
def canonical(text: str) -> str:
    raise NotImplementedError
