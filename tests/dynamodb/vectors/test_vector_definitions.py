"""Which vector indexes can be made, what is told of them, and how they come and go."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import Dynamo, attributes, index, key_schema
from vector_tables import described, found, put, search_schema, table, vector_index

from tabletop.dynamodb.lifecycle import Delays
from tabletop.dynamodb.vectors.definitions import DIMENSIONS_MAX, FILTERS_MAX, INDEXES_MAX, PROJECTED_MAX

INVALID = "One or more parameter values were invalid: "
ONE_AT_A_TIME = (
    "LimitExceededException",
    "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
)
ALL = {"ProjectionType": "ALL"}
DELAY_S = 10.0


def update(*updates: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"TableName": "users", "VectorIndexUpdates": list(updates)} | changes


# What was asked for is told back, in the members of VectorIndexDescription, and ACTIVE at once as the table is.
def test_description(dynamo: Dynamo) -> None:
    given = vector_index(SearchSchema=search_schema("part", "flag"), DistanceFunction="COSINE", Projection=ALL)
    made = dynamo("CreateTable", **table(given, types={"part": "S", "flag": "N"}))["TableDescription"]
    arn = made["TableArn"] + "/index/vix"
    empty = {"IndexSizeBytes": 0, "ItemCount": 0, "IndexArn": arn}
    assert made["VectorIndexes"] == [given | empty | {"IndexStatus": "CREATING"}]
    assert described(dynamo) == {"vix": given | empty | {"IndexStatus": "ACTIVE"}}


# A vector counts four bytes for each dimension, beside its name and what is projected.
def test_counts_and_sizes(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index(), vector_index("all", Projection=ALL)))
    put(dynamo, "a", 1, 2, more={"S": "x" * 10})
    put(dynamo, "b")
    sizes = {name: (one["ItemCount"], one["IndexSizeBytes"]) for name, one in described(dynamo).items()}
    keys_only = len("p") + len("a") + len("v") + 2 * 4
    assert sizes == {"vix": (1, keys_only), "all": (1, keys_only + len("more") + 10)}
    dynamo("DeleteItem", TableName="users", Key={"p": {"S": "a"}})
    assert [(one["ItemCount"], one["IndexSizeBytes"]) for one in described(dynamo).values()] == [(0, 0), (0, 0)]


MANY = [vector_index(f"vix{number}") for number in range(INDEXES_MAX + 1)]
FILTERS = [f"f{number}" for number in range(FILTERS_MAX + 1)]
NUMERIC = dict.fromkeys(FILTERS, "N")


def including(count: int) -> dict[str, Any]:
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": [f"n{number}" for number in range(count)]}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "too many": (table(*MANY), f"VectorIndex count exceeds the per-table limit of {INDEXES_MAX}"),
    "none": (table(), "List of VectorIndexes is empty"),
    "provisioned": (
        table(
            vector_index(),
            BillingMode="PROVISIONED",
            ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        ),
        "VectorIndexes are only supported when BillingMode is PAY_PER_REQUEST",
    ),
    "dimensions": (
        table(vector_index(Dimensions=DIMENSIONS_MAX + 1)),
        f"Dimensions of {DIMENSIONS_MAX + 1} exceeds the limit of {DIMENSIONS_MAX}. IndexName: vix",
    ),
    "other dimensions": (
        table(vector_index(), vector_index("vix2", Dimensions=3)),
        "Vector indexes on the same attribute must have the same Dimensions. VectorAttribute: v, Expected: 2, Actual: 3",
    ),
    "undefined": (
        table(vector_index(SearchSchema=search_schema("part"))),
        "One element in SearchSchema is not defined in attribute definitions",
    ),
    "unused": (
        table(vector_index(), types={"part": "S"}),
        "Some AttributeDefinitions are not used. AttributeDefinitions: [p, part], keys used: [p]",
    ),
    "two partitions": (
        table(vector_index(SearchSchema=search_schema("a") + search_schema("b")), types={"a": "S", "b": "S"}),
        "Number of HASH elements in SearchSchema exceeds the limit of 1",
    ),
    "twice": (
        table(vector_index(SearchSchema=search_schema("a", "a")), types={"a": "S"}),
        "Duplicate AttributeName in SearchSchema",
    ),
    "filters": (
        table(vector_index(SearchSchema=search_schema(None, *FILTERS)), types=NUMERIC),
        f"Number of INLINE_FILTER elements in SearchSchema exceeds the limit of {FILTERS_MAX}",
    ),
    "projected": (
        table(vector_index(Projection=including(PROJECTED_MAX))),
        f"Number of projected attributes exceeds the limit of {PROJECTED_MAX}. IndexName: vix",
    ),
    "projection": (
        table(vector_index(Projection={"ProjectionType": "INCLUDE"})),
        "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
    ),
    "same name": (table(vector_index(), vector_index()), "Duplicate index name: vix"),
    "name of a global index": (
        table(vector_index(), GlobalSecondaryIndexes=[index("vix", "p")]),
        "Duplicate index name: vix",
    ),
    "vector as key": (
        table(vector_index(VectorAttribute={"AttributeName": "p"})),
        "VectorAttribute cannot be defined in AttributeDefinitions: p",
    ),
}


# Definitions that AWS documents as wrong are refused before there is a table.
@pytest.mark.parametrize("case", REFUSED)
def test_refused_definitions(dynamo: Dynamo, case: str) -> None:
    body, words = REFUSED[case]
    assert dynamo.refusal("CreateTable", **body) == ("ValidationException", INVALID + words)
    assert dynamo("ListTables")["TableNames"] == []


# What the model itself bounds is refused in the words of all such bounds.
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"Dimensions": 0},
            "dimensions' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        ({"DistanceFunction": "NEAR"}, "Member must satisfy enum value set: "),
        ({"SearchSchema": []}, "Member must have length greater than or equal to 1"),
    ],
)
def test_bounds_of_the_model(dynamo: Dynamo, change: dict[str, Any], words: str) -> None:
    code, message = dynamo.refusal("CreateTable", **table(vector_index(**change)))
    assert code == "ValidationException"
    assert words in message


# As much as is allowed is allowed.
def test_largest_definitions(dynamo: Dynamo) -> None:
    schema = search_schema("part", *FILTERS[:-1])
    largest = vector_index(
        "largest",
        SearchSchema=schema,
        Dimensions=DIMENSIONS_MAX,
        VectorAttribute={"AttributeName": "w"},
        Projection=including(PROJECTED_MAX - FILTERS_MAX - 1),
    )
    types = dict.fromkeys(FILTERS[:-1], "N") | {"part": "B"}
    dynamo("CreateTable", **table(*MANY[: INDEXES_MAX - 1], largest, types=types))
    assert len(described(dynamo)) == INDEXES_MAX
    put(dynamo, "a", w={"L": [{"N": "1"}] * DIMENSIONS_MAX}, part={"B": "AA=="})
    assert described(dynamo)["largest"]["ItemCount"] == 1


# An index that is added holds what was there before, what is written while it is filled, and nothing that does not fit it.
def test_index_added_to_a_table_with_items(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(VectorIndexes=None))
    put(dynamo, "near", 1, 1)
    put(dynamo, "far", 9, 9)
    put(dynamo, "other size", 1, 2, 3)
    put(dynamo, "no list", v={"S": "x"})
    put(dynamo, "no numbers", v={"L": [{"S": "x"}, {"S": "y"}]})
    put(dynamo, "too large", "1e39", 0)
    put(dynamo, "goes", 2, 2)
    answer = dynamo("UpdateTable", **update({"Create": vector_index()}))["TableDescription"]["VectorIndexes"]
    assert [(one["IndexStatus"], one["Backfilling"]) for one in answer] == [("CREATING", False)]
    put(dynamo, "while filled", 3, 3)
    dynamo("DeleteItem", TableName="users", Key={"p": {"S": "goes"}})
    refusal = ("ValidationException", "Cannot search backfilling vector index: vix")
    search = {"TableName": "users", "IndexName": "vix", "SearchVector": [{"N": "0"}, {"N": "0"}], "TopK": 1}
    assert dynamo.refusal("SearchVectors", **search) == refusal
    dynamo.settle()
    assert (described(dynamo)["vix"]["IndexStatus"], described(dynamo)["vix"].get("Backfilling")) == ("ACTIVE", None)
    assert found(dynamo, 0, 0) == ["near", "while filled", "far"]


# A removed index is DELETING until it is cleared, and its attributes may hold anything again; the items stay.
def test_index_removed(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index(SearchSchema=search_schema("part")), types={"part": "S"}))
    put(dynamo, "a", 1, 1, part={"S": "x"})
    dynamo("UpdateTable", **update({"Delete": {"IndexName": "vix"}}))
    assert described(dynamo)["vix"]["IndexStatus"] == "DELETING"
    put(dynamo, "b", 1, 2, 3, part={"N": "1"})
    dynamo.settle()
    shown = dynamo("DescribeTable", TableName="users")["Table"]
    assert ("VectorIndexes" in shown, shown["AttributeDefinitions"]) == (False, attributes(p="S"))
    missing = ("ResourceNotFoundException", "Requested resource not found")
    assert dynamo.refusal("UpdateTable", **update({"Delete": {"IndexName": "vix"}})) == missing
    assert dynamo("Scan", TableName="users")["Count"] == 2


# One index at a time, of either kind; a name that is taken, other dimensions and other types are refused.
def test_refused_updates(dynamo: Dynamo) -> None:
    first = vector_index(SearchSchema=search_schema("part"))
    dynamo("CreateTable", **table(first, types={"part": "S"}))
    second = {"Create": vector_index("second")}
    assert dynamo.refusal("UpdateTable", **update(second, {"Create": vector_index("third")})) == ONE_AT_A_TIME
    global_ = {
        "GlobalSecondaryIndexUpdates": [{"Create": index("byp", "p")}],
        "AttributeDefinitions": attributes(p="S"),
    }
    assert dynamo.refusal("UpdateTable", **update(second, **global_)) == ONE_AT_A_TIME
    refused = {
        INVALID + "Attempting to create an index which already exists: vix": update({"Create": vector_index()}),
        INVALID
        + "Vector indexes on the same attribute must have the same Dimensions. VectorAttribute: v, Expected: 2, "
        "Actual: 3": update({"Create": vector_index("third", Dimensions=3)}),
        INVALID + "One of VectorIndexUpdate.Create, VectorIndexUpdate.Delete must not be null": update({}),
        INVALID + "Attributes cannot be redefined. Please check that your attribute has the same type as previously "
        "defined. Existing schema: Schema:[SchemaElement: key{part:S:HASH}] New schema: "
        "Schema:[SchemaElement: key{part:N:HASH}]": update(
            {"Create": vector_index("third", SearchSchema=search_schema("part"))},
            AttributeDefinitions=attributes(part="N"),
        ),
    }
    keyed = {"GlobalSecondaryIndexUpdates": [{"Create": index("byv", "v")}], "AttributeDefinitions": attributes(v="S")}
    words = INVALID + "VectorAttribute cannot be defined in AttributeDefinitions: v"
    assert dynamo.refusal("UpdateTable", TableName="users", **keyed) == ("ValidationException", words)
    same = {"GlobalSecondaryIndexUpdates": [{"Create": index("vix", "p")}], "AttributeDefinitions": attributes(p="S")}
    words = INVALID + "Attempting to create an index which already exists: vix"
    assert dynamo.refusal("UpdateTable", TableName="users", **same) == ("ValidationException", words)
    for words, body in refused.items():
        assert dynamo.refusal("UpdateTable", **body) == ("ValidationException", words)
    dynamo("UpdateTable", **update(second))
    assert dynamo.refusal("UpdateTable", **update({"Create": vector_index("third")})) == ONE_AT_A_TIME
    dynamo.settle()
    provisioned = {
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    }
    words = INVALID + "VectorIndexes are only supported when BillingMode is PAY_PER_REQUEST"
    assert dynamo.refusal("UpdateTable", TableName="users", **provisioned) == ("ValidationException", words)


# A sixth index cannot be added; once one of five is gone, another can.
def test_index_too_many(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(*MANY[:-1]))
    words = f"VectorIndex count exceeds the per-table limit of {INDEXES_MAX}"
    assert dynamo.refusal("UpdateTable", **update({"Create": MANY[-1]})) == ("LimitExceededException", words)
    dynamo("UpdateTable", **update({"Delete": {"IndexName": "vix0"}}))
    dynamo.settle()
    dynamo("UpdateTable", **update({"Create": MANY[-1]}))
    dynamo.settle()
    assert list(described(dynamo)) == [one["IndexName"] for one in MANY[1:]]


# An attribute that the table knows already need not be defined again for a new index.
def test_known_attributes(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(VectorIndexes=None))
    dynamo("UpdateTable", **update({"Create": vector_index(SearchSchema=search_schema("p"))}))
    dynamo.settle()
    put(dynamo, "a", 1, 1)
    only = {"SearchConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    assert found(dynamo, 0, 0, **only) == ["a"]


# Where changes take time a new vector index goes through the phases of a global index: resources, filling, ACTIVE.
def test_phases_with_a_delay(dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Delays, "table_delay_s", DELAY_S)
    dynamo("CreateTable", **table(vector_index("first")))
    assert described(dynamo)["first"]["IndexStatus"] == "CREATING"
    dynamo.clock.advance(DELAY_S)
    put(dynamo, "a", 1, 1)
    dynamo("UpdateTable", **update({"Create": vector_index()}))

    def state() -> tuple[str, str, bool | None]:
        shown = dynamo("DescribeTable", TableName="users")["Table"]
        last = shown["VectorIndexes"][-1]
        return shown["TableStatus"], last["IndexStatus"], last.get("Backfilling")

    dynamo.settle()
    assert state() == ("UPDATING", "CREATING", False)
    assert dynamo.refusal("UpdateTable", **update({"Delete": {"IndexName": "vix"}}))[0] == "ResourceInUseException"
    dynamo.clock.advance(DELAY_S)
    dynamo.settle()
    assert state() == ("ACTIVE", "CREATING", True)
    dynamo.clock.advance(DELAY_S)
    dynamo.settle()
    assert state() == ("ACTIVE", "ACTIVE", None)
    assert found(dynamo, 0, 0) == ["a"]
    dynamo("UpdateTable", **update({"Delete": {"IndexName": "vix"}}))
    dynamo.settle()
    assert state()[1] == "DELETING"
    dynamo.clock.advance(DELAY_S)
    dynamo.settle()
    assert list(described(dynamo)) == ["first"]


# A table's rows go with it, and an index of the next table of that name is empty.
def test_table_removed(dynamo: Dynamo) -> None:
    for _ in range(2):
        dynamo("CreateTable", **table(vector_index(), KeySchema=key_schema("p")))
        assert described(dynamo)["vix"]["ItemCount"] == 0
        put(dynamo, "a", 1, 1)
        dynamo("DeleteTable", TableName="users")
        dynamo.settle()
