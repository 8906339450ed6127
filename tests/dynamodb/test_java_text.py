"""Values as AWS's Java classes print themselves."""

from __future__ import annotations

from tabletop.dynamodb.java_text import hash_order, java_text


# A value is shown before it is checked, so its type may have any name, and none.
def test_a_type_without_name() -> None:
    shown = java_text({"AttributeValue": {"type": "structure"}}, "AttributeValue", {"": True, "S": "a"})
    assert shown.startswith("AttributeValue(s=a, n=null, ")


# Maps are shown in the order of Java's hash map: "a" is 97, "b" 98, "h" 104, "Aa" and "BB" both 2112; 4 names have 8 buckets.
def test_order_of_maps() -> None:
    assert hash_order({}) == []
    assert hash_order(["b", "a"]) == ["a", "b"]
    assert hash_order(["b", "h"]) == ["h", "b"]
    assert hash_order(["BB", "Aa", "b"]) == ["BB", "Aa", "b"]
    assert hash_order(["a", "b", "c", "h"]) == ["h", "a", "b", "c"]


# The members of batches and transactions print one member that no service model has, after all others.
def test_unpublished_member() -> None:
    shapes = {
        "Get": {"type": "structure", "members": {"TableName": {"shape": "TableName"}}},
        "TableName": {"type": "string"},
    }
    assert java_text(shapes, "Get", {"TableName": "t"}) == "Get(tableName=t, workloadProfileName=null)"
