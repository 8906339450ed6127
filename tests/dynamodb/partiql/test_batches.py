"""Several statements in one request: batches, where each fares by itself, and transactions, where all do or none."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb.actions import OPERATIONS

INSERT_C = "INSERT INTO music VALUE {'p': 'c', 's': 1}"


def batch(database: Any, *statements: str, **more: Any) -> list[Any]:
    answer = database("BatchExecuteStatement", Statements=[{"Statement": text, **more} for text in statements])
    return answer["Responses"]


def transact(database: Any, *statements: str, **more: Any) -> Any:
    return database("ExecuteTransaction", TransactStatements=[{"Statement": text} for text in statements], **more)


def refusal(call: Any, *arguments: Any, **more: Any) -> ApiError:
    with pytest.raises(ApiError) as raised:
        call(*arguments, **more)
    return raised.value


# Reads answer in their order, with the table's name, and with an item where there is one.
def test_batch_reads(music: Any) -> None:
    assert batch(
        music,
        "SELECT n FROM music WHERE p = 'a' AND s = 1",
        "SELECT n FROM music WHERE p = 'none' AND s = 1",
    ) == [{"TableName": "music", "Item": {"n": {"N": "10"}}}, {"TableName": "music"}]


# Each statement that is refused has its own error, with the codes of the model; the others are done.
def test_batch_errors(music: Any) -> None:
    responses = batch(
        music,
        INSERT_C,
        "INSERT INTO music VALUE {'p': 'a', 's': 1}",
        "UPDATE music SET n = 1 WHERE p = 'a' AND s = 2 AND n = 2",
        "DELETE FROM none WHERE p = 'a'",
        "DELETE FROM music WHERE p = 'a'",
        "DELETE music",
    )
    assert responses[0] == {"TableName": "music"}
    errors = [response["Error"] for response in responses[1:]]
    assert [error["Code"] for error in errors] == [
        "DuplicateItem",
        "ConditionalCheckFailed",
        "ResourceNotFound",
        "ValidationError",
        "ValidationError",
    ]
    assert errors[0]["Message"] == "Duplicate primary key exists in table"
    assert [response.get("TableName") for response in responses[1:]] == ["music", "music", "none", None, None]
    assert music.item("c", 1) == {"p": {"S": "c"}, "s": {"N": "1"}}


# All writes of a batch count, in the table and its indexes.
def test_batch_writes(database: Any) -> None:
    database.run(INSERT_C)
    responses = batch(
        database,
        "UPDATE music SET n = 2, g = 'x' WHERE p = 'c' AND s = 1 RETURNING ALL NEW *",
        "INSERT INTO music VALUE {'p': 'd', 's': 1, 'g': 'y'}",
        "DELETE FROM music WHERE p = 'e' AND s = 1",
    )
    assert responses[0]["Item"]["n"] == {"N": "2"}
    assert len(database.items('SELECT * FROM "music"."by-g"')) == 2
    assert database("DescribeTable", TableName="music")["Table"]["ItemCount"] == 2


# Two statements on one item refuse the batch; one that fails by itself is none of them.
def test_batch_names_an_item_once(music: Any) -> None:
    read = "SELECT * FROM music WHERE p = 'a' AND s = 1"
    for statements in ([read, read], [read, "SELECT n FROM music WHERE s = 1 AND p IN ['a']"], [INSERT_C, INSERT_C]):
        error = refusal(batch, music, *statements)
        assert (error.code, error.message) == (
            "ValidationException",
            "Provided list of item keys contains duplicates",
        )
    assert music.item("c", 1) is None
    assert "Item" in batch(music, read, read + " AND n = 10")[0]


# The item of a failed condition is shown in its error on request.
def test_batch_shows_items(music: Any) -> None:
    more = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    (response,) = batch(music, "DELETE FROM music WHERE p = 'a' AND s = 1 AND n = 2", **more)
    assert response["Error"]["Item"]["n"] == {"N": "10"}


# A SELECT of a batch names one item of a table; reads and writes are not mixed; EXISTS is not for batches.
def test_batch_rules(music: Any) -> None:
    by_more = "SELECT * FROM music WHERE p = 'a' AND s = 1 AND n = 10"
    for text in (
        "SELECT * FROM music WHERE p = 'a'",
        by_more,
        'SELECT * FROM "music"."by-g" WHERE g = \'x\' AND s = 1',
    ):
        (response,) = batch(music, text)
        assert response["Error"]["Code"] == "ValidationError"
        assert "must specify the primary key in the where clause" in response["Error"]["Message"]
    mixed = refusal(batch, music, INSERT_C, "SELECT * FROM music WHERE p = 'a' AND s = 1")
    assert mixed.message == "Read and write requests together in the same batch is not supported."
    (response,) = batch(music, "EXISTS(SELECT * FROM music WHERE p = 'a' AND s = 1)")
    assert response["Error"]["Code"] == "ValidationError"
    assert refusal(batch, music, *[INSERT_C] * 26).code == "ValidationException"


# Consumption is summed up for each table.
def test_batch_consumed_capacity(music: Any) -> None:
    statements = [{"Statement": f"SELECT * FROM music WHERE p = 'a' AND s = {number}"} for number in (1, 2, 3)]
    answer = music("BatchExecuteStatement", Statements=statements, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == [{"TableName": "music", "CapacityUnits": 1.5}]


# A transaction of reads answers in its order, at twice the cost of consistent reads.
def test_transaction_reads(music: Any) -> None:
    answer = transact(
        music,
        "SELECT n FROM music WHERE p = 'a' AND s = 1",
        "SELECT n FROM music WHERE p = 'none' AND s = 1",
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == [{"Item": {"n": {"N": "10"}}}, {}]
    assert answer["ConsumedCapacity"] == [{"TableName": "music", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}]


# A transaction of writes does all; EXISTS stands among them as a condition check.
def test_transaction_writes(music: Any) -> None:
    transact(
        music,
        INSERT_C,
        "EXISTS(SELECT * FROM music WHERE p = 'a' AND s = 1 AND n = 10)",
        "UPDATE music SET n = 0 WHERE p = 'a' AND s = 2",
        "DELETE FROM music WHERE p = 'a' AND s = 3",
    )
    assert music.item("c", 1) is not None
    assert music.item("a", 2)["n"] == {"N": "0"}
    assert music.item("a", 3) is None


# One refusal cancels all, and the reasons tell which.
def test_transaction_cancelled(music: Any) -> None:
    error = refusal(
        transact,
        music,
        INSERT_C,
        "EXISTS(SELECT * FROM music WHERE p = 'a' AND s = 1 AND n = 11)",
        "INSERT INTO music VALUE {'p': 'a', 's': 5}",
    )
    assert error.code == "TransactionCanceledException"
    assert error.message == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, DuplicateItem]"
    )
    assert music.item("c", 1) is None


# A token makes the same transaction once; another one under it is refused; after ten minutes it is forgotten.
def test_transaction_tokens(database: Any) -> None:
    for _ in range(2):
        assert transact(database, INSERT_C, ClientRequestToken="t")["Responses"] == []
    other = refusal(transact, database, INSERT_C.replace("'c'", "'d'"), ClientRequestToken="t")
    assert other.code == "IdempotentParameterMismatchException"
    database.clock.advance(601)
    assert refusal(transact, database, INSERT_C, ClientRequestToken="t").code == "TransactionCanceledException"


# The rules that hold for all members of a transaction.
@pytest.mark.parametrize(
    ("statements", "code"),
    [
        ([INSERT_C, "SELECT * FROM music WHERE p = 'a' AND s = 1"], "ValidationException"),
        (["DELETE FROM music WHERE p = 'a' AND s = 1 RETURNING ALL OLD *"], "ValidationException"),
        ([INSERT_C, "DELETE FROM music WHERE p = 'c' AND s = 1"], "ValidationException"),
        (["SELECT * FROM music WHERE p = 'a' AND s = 1"] * 2, "ValidationException"),
        ([INSERT_C] * 101, "ValidationException"),
        (["SELECT * FROM none WHERE p = 'a'"], "TransactionCanceledException"),
        (["SELECT * FROM music WHERE p = 'a'"], "ValidationException"),
        (['SELECT * FROM "music"."by-g" WHERE g = \'x\''], "ValidationException"),
    ],
)
def test_transaction_rules(music: Any, statements: list[str], code: str) -> None:
    assert refusal(transact, music, *statements).code == code


# What is wrong with a statement itself is told with its position, and refuses the whole request.
def test_transaction_tells_the_statement(music: Any) -> None:
    for text, message in (
        ("nonsense", "Unsupported operation: Id"),
        ("SELECT * FROM music WHERE p = ? AND s = 1", "Number of parameters in request and statement don't match."),
        ("DELETE FROM music WHERE p = 'a' AND s = 1 RETURNING ALL OLD *", "RETURNING clause is not supported in"),
    ):
        error = refusal(transact, music, INSERT_C, text)
        assert error.code == "ValidationException"
        assert str(error.message).startswith(f"Validation failed in TransactStatements[1]: {message}")


# What policies must allow: an action for each kind of statement, on the table or the index.
def test_targets() -> None:
    statements = [
        'SELECT * FROM "music"."by-g"',
        INSERT_C,
        "UPDATE music SET a = 1",
        "DELETE FROM music",
        "EXISTS(SELECT * FROM music)",
        "nonsense",
    ]
    call = Call("id", "1", "r", None, 0.0)  # type: ignore[arg-type]
    body = {"Statements": [{"Statement": text} for text in statements]}
    arn = "arn:aws:dynamodb:r:1:table/music"
    assert OPERATIONS["BatchExecuteStatement"].targets(body, call) == [
        ("dynamodb:PartiQLSelect", f"{arn}/index/by-g"),
        ("dynamodb:PartiQLInsert", arn),
        ("dynamodb:PartiQLUpdate", arn),
        ("dynamodb:PartiQLDelete", arn),
        ("dynamodb:PartiQLSelect", arn),
    ]


# All that is found when the statements are tried is told, each in its place; a key of a wrong type is told alone, before that.
def test_reasons_of_every_statement(music: Any) -> None:
    condition = "UPDATE music SET n = 1 WHERE p = 'a' AND s = 1 AND n = 99"
    value = "UPDATE music SET n = g + 1 WHERE p = 'b' AND s = 1"
    error = refusal(transact, music, condition, INSERT_C, value, "DELETE FROM none WHERE p = 'a'")
    codes = [reason["Code"] for reason in error.fields["CancellationReasons"]]
    assert codes == ["ConditionalCheckFailed", "None", "ValidationError", "ResourceNotFound"]
    error = refusal(transact, music, condition, "DELETE FROM music WHERE p = 1 AND s = 1")
    assert [reason["Code"] for reason in error.fields["CancellationReasons"]] == ["None", "ValidationError"]
