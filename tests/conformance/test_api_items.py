"""Items and expressions: what is stored, what is answered, and what is refused in which words."""

from __future__ import annotations

from typing import Any

import pytest

INVALID = "One or more parameter values were invalid: "
ENVELOPE = "1 validation error detected: "
"""Before most of what PutItem and UpdateItem find without looking at the table."""
EVERYTHING = {
    "text": {"S": "é\U0001f600\0"},
    "empty": {"S": ""},
    "number": {"N": "-12345678901234567890.123456789012345678"},
    "binary": {"B": b"\0\xff"},
    "yes": {"BOOL": True},
    "none": {"NULL": True},
    "texts": {"SS": ["a", "b"]},
    "binaries": {"BS": [b"\0", b"b"]},
    "list": {"L": [{"S": "x"}, {"L": []}, {"M": {"deep": {"N": "1"}}}]},
    "map": {"M": {"a b": {"S": "c"}, "none": {"M": {}}}},
}


# Every type comes back as it went; a put replaces all of the item, and gives the old one if asked.
def test_put_and_get(dynamodb: Any, simple: str, key: str) -> None:
    item = {"p": {"S": key}} | EVERYTHING
    assert "Attributes" not in dynamodb.put_item(TableName=simple, Item=item, ReturnValues="ALL_OLD")
    assert dynamodb.get_item(TableName=simple, Key={"p": {"S": key}}, ConsistentRead=True)["Item"] == item
    small = {"p": {"S": key}, "x": {"N": "1"}}
    assert dynamodb.put_item(TableName=simple, Item=small, ReturnValues="ALL_OLD")["Attributes"] == item
    assert dynamodb.delete_item(TableName=simple, Key={"p": {"S": key}}, ReturnValues="ALL_OLD")["Attributes"] == small
    assert "Item" not in dynamodb.get_item(TableName=simple, Key={"p": {"S": key}})
    assert "Attributes" not in dynamodb.delete_item(TableName=simple, Key={"p": {"S": key}}, ReturnValues="ALL_OLD")


# Numbers are stored without their spelling.
@pytest.mark.parametrize(
    ("given", "kept"),
    [("1.0", "1"), ("0100", "100"), ("1e2", "100"), ("-0", "0"), ("+5", "5"), ("0.000001", "0.000001"),
     (".5", "0.5"), ("1E-7", "0.0000001"), ("99999999999999999999999999999999999999", "9" * 38)],
)  # fmt: skip
def test_number_forms(dynamodb: Any, simple: str, key: str, given: str, kept: str) -> None:
    dynamodb.put_item(TableName=simple, Item={"p": {"S": key}, "n": {"N": given}})
    assert dynamodb.get_item(TableName=simple, Key={"p": {"S": key}})["Item"]["n"] == {"N": kept}


# Values that no item may hold.
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"N": "x"}, ENVELOPE + "The parameter cannot be converted to a numeric value: x"),
        ({"N": ""}, ENVELOPE + "The parameter cannot be converted to a numeric value: "),
        (
            {"N": "1e126"},
            ENVELOPE + "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (
            {"N": "1e-131"},
            ENVELOPE + "Number underflow. Attempting to store a number with magnitude smaller than supported range",
        ),
        ({"N": "1" * 39}, ENVELOPE + "Attempting to store more than 38 significant digits in a Number"),
        ({"SS": []}, ENVELOPE + INVALID + "An string set  may not be empty"),
        ({"SS": ["a", "a"]}, ENVELOPE + INVALID + 'Input collection ["a", "a"] contains duplicates.'),
        ({"NS": ["1", "1.0"]}, ENVELOPE + INVALID + "Input collection contains duplicates."),
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (
            {"S": "a", "N": "1"},
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes",
        ),
    ],
)
def test_bad_values(dynamodb: Any, simple: str, key: str, refusal: Any, value: dict[str, Any], message: str) -> None:
    found = refusal(dynamodb.put_item, TableName=simple, Item={"p": {"S": key}, "x": value})
    assert found == ("ValidationException", message)


# Keys that do not fit the table.
@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"c": {"S": "x"}}, INVALID + "Missing the key p in the item"),
        ({"p": {"N": "1"}, "c": {"S": "x"}}, INVALID + "Type mismatch for key p expected: S actual: N"),
        ({"p": {"S": "x" * 2049}, "c": {"S": "x"}},
         INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        ({"p": {"S": "x"}, "c": {"S": "x" * 1025}},
         INVALID + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"),
        ({"p": {"S": "x"}, "c": {"S": ""}},
         "One or more parameter values are not valid. "
         "The AttributeValue for a key attribute cannot contain an empty string value. Key: c"),
    ],
)  # fmt: skip
def test_bad_item_keys(dynamodb: Any, ranged: str, refusal: Any, item: dict[str, Any], message: str) -> None:
    assert refusal(dynamodb.put_item, TableName=ranged, Item=item) == ("ValidationException", message)


# A key parameter must be the key, whole and nothing else.
@pytest.mark.parametrize(
    "given",
    [
        {"p": {"S": "x"}},
        {"p": {"S": "x"}, "c": {"S": "x"}, "d": {"S": "x"}},
        {"p": {"S": "x"}, "d": {"S": "x"}},
        {"p": {"S": "x"}, "c": {"N": "1"}},
    ],
)
@pytest.mark.parametrize("action", ["get_item", "delete_item", "update_item"])
def test_bad_keys(dynamodb: Any, ranged: str, refusal: Any, action: str, given: dict[str, Any]) -> None:
    found = refusal(getattr(dynamodb, action), TableName=ranged, Key=given)
    assert found == ("ValidationException", "The provided key element does not match the schema")


# The longest keys are kept apart and found: 2,048 and 1,024 bytes.
def test_longest_keys(dynamodb: Any, ranged: str, key: str) -> None:
    for end in "ab":
        longest = {"p": {"S": key + "x" * (2047 - len(key)) + end}, "c": {"S": "y" * 1023 + end}}
        dynamodb.put_item(TableName=ranged, Item=longest | {"end": {"S": end}})
    for end in "ab":
        longest = {"p": {"S": key + "x" * (2047 - len(key)) + end}, "c": {"S": "y" * 1023 + end}}
        assert dynamodb.get_item(TableName=ranged, Key=longest)["Item"]["end"] == {"S": end}


# 400 KB is the bound, to the byte, for a put and for what an update makes.
def test_item_size(dynamodb: Any, simple: str, key: str, refusal: Any) -> None:
    room = 400 * 1024 - len("p") - len(key) - len("x")
    dynamodb.put_item(TableName=simple, Item={"p": {"S": key}, "x": {"S": "a" * room}})
    assert refusal(dynamodb.put_item, TableName=simple, Item={"p": {"S": key}, "x": {"S": "a" * (room + 1)}}) == (
        "ValidationException",
        "Item size has exceeded the maximum allowed size",
    )
    assert refusal(
        dynamodb.update_item,
        TableName=simple,
        Key={"p": {"S": key}},
        UpdateExpression="SET y = :y",
        ExpressionAttributeValues={":y": {"S": "b"}},
    ) == ("ValidationException", "Item size to update has exceeded the maximum allowed size")


def prepared(dynamodb: Any, table: str, key: str) -> dict[str, Any]:
    """An item to be edited; its key parameter's arguments."""
    item = {
        "n": {"N": "5"},
        "s": {"S": "text"},
        "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]},
        "m": {"M": {"a": {"N": "1"}, "b": {"M": {"c": {"S": "deep"}}}}},
        "ss": {"SS": ["a", "b"]},
        "name": {"S": "reserved"},
    }
    dynamodb.put_item(TableName=table, Item={"p": {"S": key}} | item)
    return {"TableName": table, "Key": {"p": {"S": key}}}


# Every clause of an update, and what the item is afterwards.
@pytest.mark.parametrize(
    ("expression", "values", "changed"),
    [
        ("SET n = n + :1", {":1": {"N": "2"}}, {"n": {"N": "7"}}),
        ("SET n = :1 - n", {":1": {"N": "2"}}, {"n": {"N": "-3"}}),
        ("SET x = if_not_exists(n, :1), n = if_not_exists(x, :1)", {":1": {"N": "9"}},
         {"x": {"N": "5"}, "n": {"N": "9"}}),
        ("SET l = list_append(l, :1)", {":1": {"L": [{"S": "z"}]}},
         {"l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"S": "z"}]}}),
        ("SET l[1] = :1, l[9] = :1", {":1": {"S": "z"}},
         {"l": {"L": [{"N": "0"}, {"S": "z"}, {"N": "2"}, {"S": "z"}]}}),
        ("SET m.b.c = :1, m.d = s", {":1": {"N": "1"}},
         {"m": {"M": {"a": {"N": "1"}, "b": {"M": {"c": {"N": "1"}}}, "d": {"S": "text"}}}}),
        ("REMOVE l[0], l[2], m.b", {}, {"l": {"L": [{"N": "1"}]}, "m": {"M": {"a": {"N": "1"}}}}),
        ("REMOVE nobody, l[7]", {}, {}),
        ("ADD n :1, ss :2, fresh :1", {":1": {"N": "1"}, ":2": {"SS": ["b", "c"]}},
         {"n": {"N": "6"}, "ss": {"SS": ["a", "b", "c"]}, "fresh": {"N": "1"}}),
        ("DELETE ss :1", {":1": {"SS": ["a", "q"]}}, {"ss": {"SS": ["b"]}}),
        ("DELETE ss :1", {":1": {"SS": ["a", "b"]}}, {"ss": None}),
        ("SET n = s, s = n", {}, {"n": {"S": "text"}, "s": {"N": "5"}}),
    ],
)  # fmt: skip
def test_update(
    dynamodb: Any, simple: str, key: str, expression: str, values: dict[str, Any], changed: dict[str, Any]
) -> None:
    target = prepared(dynamodb, simple, key)
    before = dynamodb.get_item(**target)["Item"]
    given = {"ExpressionAttributeValues": values} if values else {}
    answer = dynamodb.update_item(**target, UpdateExpression=expression, ReturnValues="ALL_NEW", **given)
    expected = {name: value for name, value in (before | changed).items() if value is not None}
    for attributes in (answer["Attributes"], dynamodb.get_item(**target, ConsistentRead=True)["Item"]):
        attributes["ss"] = {"SS": sorted(attributes["ss"]["SS"])} if "ss" in attributes else None
        assert {name: value for name, value in attributes.items() if value is not None} == expected


# The five kinds of ReturnValues of one update.
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("NONE", None),
        ("UPDATED_OLD", {"n": {"N": "5"}, "m": {"M": {"a": {"N": "1"}}}}),
        ("UPDATED_NEW", {"n": {"N": "6"}, "m": {"M": {"a": {"S": "new"}}}, "x": {"N": "1"}}),
    ],
)
def test_return_values(dynamodb: Any, simple: str, key: str, kind: str, expected: dict[str, Any] | None) -> None:
    target = prepared(dynamodb, simple, key)
    answer = dynamodb.update_item(
        **target,
        UpdateExpression="SET n = n + :1, m.a = :2, x = :1",
        ExpressionAttributeValues={":1": {"N": "1"}, ":2": {"S": "new"}},
        ReturnValues=kind,
    )
    assert answer.get("Attributes") == expected


# Updates that are refused, with the whole sentence.
@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        ("SET p = :1", {":1": {"S": "x"}}, INVALID + "Cannot update attribute p. This attribute is part of the key"),
        ("SET name = :1", {":1": {"S": "x"}},
         ENVELOPE + "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name"),
        ("SET n = nobody", {}, "The provided expression refers to an attribute that does not exist in the item"),
        ("SET nobody.x = :1", {":1": {"S": "x"}},
         "The document path provided in the update expression is invalid for update"),
        ("SET n = n + :1", {":1": {"S": "x"}},
         ENVELOPE + "Invalid UpdateExpression: Incorrect operand type for operator or function; "
         "operator or function: +, operand type: S"),
        ("SET n = s + :1", {":1": {"N": "1"}}, "An operand in the update expression has an incorrect data type"),
        ("ADD s :1", {":1": {"N": "1"}}, "An operand in the update expression has an incorrect data type"),
        ("SET n = :1, n = :1", {":1": {"N": "1"}},
         ENVELOPE + "Invalid UpdateExpression: Two document paths overlap with each other; "
         "must remove or rewrite one of these paths; path one: [n], path two: [n]"),
        ("SET m = :1, m.a = :1", {":1": {"N": "1"}},
         ENVELOPE + "Invalid UpdateExpression: Two document paths overlap with each other; "
         "must remove or rewrite one of these paths; path one: [m], path two: [m, a]"),
        ("SET n = :1", {":1": {"N": "1"}, ":2": {"N": "1"}},
         ENVELOPE + "Value provided in ExpressionAttributeValues unused in expressions: keys: {:2}"),
        ("SET n = :2", {":1": {"N": "1"}},
         ENVELOPE + "Invalid UpdateExpression: An expression attribute value used in expression is not defined; "
         "attribute value: :2"),
        ("SET #n = :1", {":1": {"N": "1"}},
         ENVELOPE + "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; "
         "attribute name: #n"),
        ("SET n", {}, ENVELOPE + 'Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "n"'),
        ("", {}, ENVELOPE + "Invalid UpdateExpression: The expression can not be empty;"),
        ("SET n = :1 SET s = :1", {":1": {"N": "1"}},
         ENVELOPE + 'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;'),
    ],
)  # fmt: skip
def test_refused_updates(
    dynamodb: Any, simple: str, key: str, refusal: Any, expression: str, values: dict[str, Any], message: str
) -> None:
    target = prepared(dynamodb, simple, key)
    before = dynamodb.get_item(**target)["Item"]
    given = {"ExpressionAttributeValues": values} if values else {}
    found = refusal(dynamodb.update_item, **target, UpdateExpression=expression, **given)
    assert found == ("ValidationException", message)
    after = dynamodb.get_item(**target, ConsistentRead=True)["Item"]
    for item in (before, after):
        item["ss"]["SS"].sort()
    assert before == after


# Conditions that hold for the prepared item, and their opposites, which are refused and change nothing.
@pytest.mark.parametrize(
    "condition",
    [
        "attribute_exists(p) AND attribute_not_exists(nobody)",
        "n = :5 AND n <> :6 AND n < :6 AND n <= :5 AND n >= :5 AND NOT n > :5",
        "n BETWEEN :5 AND :6",
        "n IN (:6, :5)",
        "contains(s, :ex) AND begins_with(s, :te)",
        "contains(ss, :a)",
        "contains(l, :zero)",
        "size(s) = :four AND size(l) = :three AND size(ss) = :two",
        "attribute_type(m, :map)",
        "m.b.c = :deep AND l[2] = :two",
        "(n = :6 OR n = :5) AND NOT (n = :6)",
        "#name = :reserved",
    ],
)
def test_conditions(dynamodb: Any, simple: str, key: str, refusal: Any, condition: str) -> None:
    target = prepared(dynamodb, simple, key)
    every = {
        ":5": {"N": "5"}, ":6": {"N": "6"}, ":ex": {"S": "ex"}, ":te": {"S": "te"}, ":a": {"S": "a"},
        ":zero": {"N": "0"}, ":two": {"N": "2"}, ":three": {"N": "3"}, ":four": {"N": "4"}, ":map": {"S": "M"},
        ":deep": {"S": "deep"}, ":reserved": {"S": "reserved"},
    }  # fmt: skip
    words = set(condition.replace("(", " ").replace(")", " ").replace(",", " ").split())
    given: dict[str, Any] = {}
    if values := {name: value for name, value in every.items() if name in words}:
        given["ExpressionAttributeValues"] = values
    if "#name" in words:
        given["ExpressionAttributeNames"] = {"#name": "name"}
    dynamodb.update_item(**target, ConditionExpression=condition, **given)
    failed = ("ConditionalCheckFailedException", "The conditional request failed")
    assert refusal(dynamodb.delete_item, **target, ConditionExpression=f"NOT ({condition})", **given) == failed
    assert dynamodb.get_item(**target)["Item"]["n"] == {"N": "5"}


# A refused write gives the item back if asked to, so that the caller need not read it.
def test_item_of_a_failed_condition(dynamodb: Any, simple: str, key: str) -> None:
    item = {"p": {"S": key}, "v": {"N": "1"}}
    dynamodb.put_item(TableName=simple, Item=item)
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as caught:
        dynamodb.put_item(
            TableName=simple,
            Item=item,
            ConditionExpression="attribute_not_exists(p)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Item"] == item


# Projections keep the structure; list elements close up.
def test_projection(dynamodb: Any, simple: str, key: str, refusal: Any) -> None:
    target = prepared(dynamodb, simple, key)
    answer = dynamodb.get_item(
        **target,
        ProjectionExpression="#name, l[2], l[0], m.b.c, nobody",
        ExpressionAttributeNames={"#name": "name"},
    )
    assert answer["Item"] == {
        "name": {"S": "reserved"},
        "l": {"L": [{"N": "0"}, {"N": "2"}]},
        "m": {"M": {"b": {"M": {"c": {"S": "deep"}}}}},
    }
    assert refusal(dynamodb.get_item, **target, ExpressionAttributeNames={"#a": "a"}) == (
        "ValidationException",
        "ExpressionAttributeNames can only be specified when using expressions",
    )
    assert refusal(dynamodb.get_item, **target, ProjectionExpression="n", ExpressionAttributeNames={"#a": "a"}) == (
        "ValidationException",
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}",
    )


# What PutItem and DeleteItem cannot return.
@pytest.mark.parametrize("kind", ["ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
def test_return_values_of_puts(dynamodb: Any, simple: str, key: str, refusal: Any, kind: str) -> None:
    found = refusal(dynamodb.put_item, TableName=simple, Item={"p": {"S": key}}, ReturnValues=kind)
    assert found == ("ValidationException", ENVELOPE + "ReturnValues can only be ALL_OLD or NONE")


# UPDATED_OLD and UPDATED_NEW tell the attributes that an update names, changed or not (recorded by a user in July 2026).
def test_updated_values_that_stay_the_same(dynamodb: Any, simple: str, key: str) -> None:
    dynamodb.put_item(TableName=simple, Item={"p": {"S": key}, "a": {"S": "same"}})
    for values in ("UPDATED_OLD", "UPDATED_NEW"):
        answer = dynamodb.update_item(
            TableName=simple,
            Key={"p": {"S": key}},
            UpdateExpression="SET a = :a",
            ExpressionAttributeValues={":a": {"S": "same"}},
            ReturnValues=values,
        )
        assert answer["Attributes"] == {"a": {"S": "same"}}


# A set may hold an empty string or binary, though it may not be empty (developer guide; recorded by a user in July 2026).
def test_empty_members_of_sets(dynamodb: Any, simple: str, key: str) -> None:
    item = {"p": {"S": key}, "s": {"SS": [""]}, "b": {"BS": [b""]}}
    dynamodb.put_item(TableName=simple, Item=item)
    assert dynamodb.get_item(TableName=simple, Key={"p": {"S": key}})["Item"] == item


# An UpdateItem is held to the bound by what it asks for, too: by its paths, operands and values, whatever is stored already.
@pytest.mark.parametrize(
    ("expression", "charge"),
    [
        ("SET x = :x", 19 + len("x")),
        ("SET #long = :x REMOVE y, m.z DELETE s :s", 19 + 9 + (1 + 1) + (1 + 1 + 4 + 1) + (1 + 1)),
        ("SET x = :x, l[10] = :o", 19 + 1 + (19 + 1 + 4 + 2 + 2)),
        ("SET x = :x, n = n + :o", 19 + 1 + (19 + 1 + 34 + (1 + 14 + 1) + 2)),
        ("SET x = :x, n = :o - m.k", 19 + 1 + (19 + 1 + 37 + 2 + (1 + 14 + 1 + 14 + 1))),
        ("SET x = if_not_exists(#long, :x)", 19 + 1 + 39 + (1 + 14 + 9)),
        ("SET x = :x, l = list_append(l, :l)", 19 + 1 + (19 + 1 + 37 + (1 + 14 + 1) + (3 + 1 + 2))),
        ("SET x = :x ADD n :o", 19 + 1 + (19 + 1 + 2)),
    ],
)
def test_size_of_an_update(dynamodb: Any, simple: str, refusal: Any, expression: str, charge: int) -> None:
    key = {"p": {"S": "k"}}
    given = {":o": {"N": "1"}, ":l": {"L": [{"N": "1"}]}, ":s": {"SS": ["s" * 1000]}}

    def update(size: int) -> dict[str, Any]:
        values = {name: value for name, value in given.items() if name in expression}
        names = {"ExpressionAttributeNames": {"#long": "long name"}} if "#long" in expression else {}
        return {
            "TableName": simple,
            "Key": key,
            "UpdateExpression": expression,
            "ExpressionAttributeValues": values | {":x": {"S": "a" * size}},
        } | names

    stored = key | {
        "x": {"S": "a"},
        "n": {"N": "1"},
        "l": {"L": [{"N": "1"}]},
        "m": {"M": {"k": {"N": "1"}}},
        "s": {"SS": ["s"]},
        "long name": {"S": "b"},
    }
    dynamodb.put_item(TableName=simple, Item=stored)
    largest = 400 * 1024 - 3 - charge
    wrong = ("ValidationException", "Item size to update has exceeded the maximum allowed size")
    # Before the item is looked at: a condition that fails is not told.
    false = {"ConditionExpression": "attribute_not_exists(p)"}
    assert refusal(dynamodb.update_item, **update(largest + 1), **false) == wrong
    assert refusal(dynamodb.update_item, **update(largest), **false)[0] == "ConditionalCheckFailedException"


# Sets come back in order: texts by their bytes, numbers by value.
def test_order_of_sets(dynamodb: Any, simple: str, key: str) -> None:
    sets = {
        "t": {"SS": ["b", "é", "a", "B"]},
        "n": {"NS": ["10", "9", "-1", "1.50"]},
        "b": {"BS": [b"\xff", b"a", b"\x00"]},
    }
    ordered = {
        "t": {"SS": ["B", "a", "b", "é"]},
        "n": {"NS": ["-1", "1.5", "9", "10"]},
        "b": {"BS": [b"\x00", b"a", b"\xff"]},
    }
    where = {"TableName": simple, "Key": {"p": {"S": key}}}
    dynamodb.put_item(TableName=simple, Item={"p": {"S": key}} | sets)
    assert dynamodb.get_item(**where)["Item"] == {"p": {"S": key}} | ordered
    grown = dynamodb.update_item(
        **where,
        UpdateExpression="ADD t :t, n :n SET m = :m",
        ExpressionAttributeValues={":t": {"SS": ["aa"]}, ":n": {"NS": ["2"]}, ":m": {"SS": ["z", "y"]}},
        ReturnValues="UPDATED_NEW",
    )["Attributes"]
    assert grown == {
        "t": {"SS": ["B", "a", "aa", "b", "é"]},
        "n": {"NS": ["-1", "1.5", "2", "9", "10"]},
        "m": {"SS": ["y", "z"]},
    }
