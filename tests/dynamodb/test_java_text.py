"""Values as AWS's Java classes print themselves."""

from __future__ import annotations

from tabletop.dynamodb.java_text import java_text


# A value is shown before it is checked, so its type may have any name, and none.
def test_a_type_without_name() -> None:
    shown = java_text({"AttributeValue": {"type": "structure"}}, "AttributeValue", {"": True, "S": "a"})
    assert shown.startswith("AttributeValue(s=a, n=null, ")
