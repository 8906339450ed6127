"""SELECT: what it answers, in which order, page by page, and how much it reads for that."""

from __future__ import annotations

from typing import Any

import pytest

INVALID = "ValidationException"
MALFORMED = "Statement wasn't well formed, can't be processed: "


def keys(items: list[Any]) -> list[str]:
    return [item["p"]["S"] + item["s"]["N"] for item in items]


CONDITIONS = [
    ("p = 'a' AND s = 2", "a2"),
    ("p = 'a' AND s > 3", "a4 a5"),
    ("s >= 4 AND p = 'a'", "a4 a5"),
    ("p = 'a' AND 2 > s", "a1"),
    ("p = 'a' AND s BETWEEN 2 AND 3", "a2 a3"),
    ("p = 'a' AND s > 1 AND s < 4", "a2 a3"),
    ("p = 'a' AND s > 4 AND s < 2", ""),
    ("p = 'a' AND (n = 20 OR n = 30)", "a2 a3"),
    ("p = 'a' AND NOT n > 20", "a1 a2"),
    ("p = 'a' AND n NOT BETWEEN 20 AND 40", "a1 a5"),
    ("p = 'a' AND n IN [10, 50]", "a1 a5"),
    ("p = 'a' AND n NOT IN (10, 20, 30)", "a4 a5"),
    ("p IN ['b', 'a'] AND s = 1", "b1 a1"),
    ("(p = 'a' OR p = 'b') AND s >= 3", "a3 a4 a5 b3"),
    ("p = 'a' AND g <> 'g1'", "a2 a4"),
    ("p = 'a' AND g != 'g1'", "a2 a4"),
    ("p = 'b' AND x IS MISSING AND s = 1", "b1"),
    ("p = 'b' AND m IS NOT MISSING AND s = 1", "b1"),
    ("p = 'b' AND n IS NULL", ""),
    ("p = 'b' AND n IS NOT NULL AND n IS NUMERIC AND g IS STRING AND m IS STRUCT", "b1 b2 b3"),
    ("p = 'b' AND m.items[0] = 7 AND s = 3", "b3"),
    ("p = 'b' AND m.deep.\"a b\" = true AND s = 3", "b3"),
    ("p = 'b' AND m['deep']['a b'] = TRUE AND s = 3", "b3"),
    ("p = 'b' AND begins_with(g, 'g0')", "b2"),
    ("p = 'b' AND Begins_With(\"g\", 'g0')", "b2"),
    ("p = 'b' AND contains(tags, 'two') AND size(tags) = 2 AND s < 2", "b1"),
    ("p = 'b' AND attribute_type(n, 'N') AND s < 2", "b1"),
    ("p = 'b' AND tags = <<'two', 'one'>> AND s < 2", "b1"),
    ("p = 'b' AND m.items = [7, 'x'] AND s < 2", "b1"),
    ("p = 'b' AND n = 1e1", "b1"),
    ("p = 'b' AND (n) = (10)", "b1"),
    ("p = 'b' AND s <> 2", "b1 b3"),
    ("p = 'b' AND attribute_exists(n) = true AND s < 2", "b1"),
    ("p = 'b' AND false = begins_with(g, 'g0')", "b1 b3"),
    ("p = 'b' AND contains(g, '0') = m.deep.\"a b\"", "b2"),
    ("p = 'b' AND attribute_exists(x) <> m.none AND s < 2", "b1"),
    ("p = 'b' AND true IN [attribute_exists(x), begins_with(g, 'g0')]", "b2"),
    ("p = 'b' AND attribute_not_exists(x) IN [false, attribute_exists(n)] AND s < 2", "b1"),
    ("p = 'b' AND size('\U0001f600') = 2 AND s < 2", "b1"),
]


# Every operator and function of a WHERE clause does what the same condition of a filter does.
@pytest.mark.parametrize(("where", "expected"), CONDITIONS)
def test_where(music: Any, where: str, expected: str) -> None:
    assert keys(music.items(f"SELECT * FROM music WHERE {where}")) == expected.split()


READS = [
    ("SELECT * FROM music WHERE p = 'a' AND s = 1", 0.5),
    ("SELECT * FROM \"music\" WHERE p = 'none'", 0.5),
    ("SELECT * FROM music WHERE p IN ['a', 'b']", 1.0),
    ("SELECT * FROM music", 0.5),
]


# Consumption tells what was read: a partition for each that WHERE names, all of the table for none.
@pytest.mark.parametrize(("statement", "units"), READS)
def test_what_is_read(music: Any, statement: str, units: float) -> None:
    answer = music.run(statement, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == {"TableName": "music", "CapacityUnits": units}


# The limit counts items evaluated: with the partition fixed only its items are, though others come first in the table.
def test_a_fixed_partition_is_a_query(music: Any) -> None:
    for p in "ab":
        answer = music.run(f"SELECT * FROM music WHERE p = '{p}' AND n = 10", Limit=1)
        assert keys(answer["Items"]) == [f"{p}1"]


# Sort key conditions bound what is read, in both orders; a filter on another attribute does not.
def test_sort_key_conditions_bound_the_range(music: Any) -> None:
    answer = music.run("SELECT * FROM music WHERE p = 'a' AND s >= 4 AND s < 6 AND n > 0", Limit=2)
    assert keys(answer["Items"]) == ["a4", "a5"]
    assert keys(music.run("SELECT * FROM music WHERE p='a' AND s<=2 ORDER BY s DESC", Limit=1)["Items"]) == ["a2"]
    assert music.run("SELECT * FROM music WHERE p = 'a' AND n >= 40", Limit=2)["Items"] == []


# A page ends at the limit; the token continues it, and LastEvaluatedKey shows where it ended.
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT * FROM music WHERE p = 'a'", "a1 a2 a3 a4 a5"),
        ("SELECT * FROM music WHERE p = 'a' ORDER BY s DESC", "a5 a4 a3 a2 a1"),
        ("SELECT * FROM music WHERE p = 'a' ORDER BY p DESC, s ASC", "a1 a2 a3 a4 a5"),
        ("SELECT * FROM music WHERE p IN ['b', 'a'] ORDER BY p, s DESC", "a5 a4 a3 a2 a1 b3 b2 b1"),
        ("SELECT * FROM music WHERE p IN ['a', 'b'] ORDER BY p DESC", "b1 b2 b3 a1 a2 a3 a4 a5"),
        ("SELECT * FROM \"music\".\"by-g\" WHERE g = 'g0' AND p = 'a' ORDER BY s DESC", "a4 a2"),
        ("SELECT * FROM \"music\".\"by-t\" WHERE p = 'a' AND begins_with(t, 't')", "a5 a4 a3 a2 a1"),
    ],
)
def test_pages(music: Any, statement: str, expected: str) -> None:
    found: list[str] = []
    more: dict[str, Any] = {}
    for _ in range(20):
        answer = music.run(statement, Limit=2, **more)
        found += keys(answer["Items"])
        if "NextToken" not in answer:
            break
        assert {"p", "s"} <= answer["LastEvaluatedKey"].keys()
        more["NextToken"] = answer["NextToken"]
    assert found == expected.split()


# A whole scan in pages sees every item once.
def test_pages_of_a_scan(music: Any) -> None:
    answer, found = music.run("SELECT p, s FROM music", Limit=3), []
    for _ in range(10):
        found += keys(answer["Items"])
        if "NextToken" not in answer:
            break
        answer = music.run("SELECT p, s FROM music", Limit=3, NextToken=answer["NextToken"])
    assert sorted(found) == ["a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3"]


# Columns make a flat item; each is named from its path's last name on, and one that an item lacks is left out.
def test_columns(music: Any) -> None:
    statement = "SELECT s, m.items[1], m.deep.\"a b\", nothing, m.items FROM music WHERE p = 'a' AND s = 1"
    assert music.items(statement) == [
        {
            "s": {"N": "1"},
            "items[1]": {"S": "x"},
            "a b": {"BOOL": True},
            "items": {"L": [{"N": "7"}, {"S": "x"}]},
        }
    ]


# An index gives what it holds; a local one looks up what a column asks for beyond that.
def test_indexes(music: Any) -> None:
    by_g = "SELECT * FROM \"music\".\"by-g\" WHERE g = 'g0' AND p = 'b'"
    assert music.items(by_g) == [{"g": {"S": "g0"}, "s": {"N": "2"}, "p": {"S": "b"}}]
    assert music.items("SELECT n FROM \"music\".\"by-t\" WHERE p = 'b' AND t = 't7'") == [{"n": {"N": "20"}}]
    answer = music.run('SELECT * FROM "music"."by-g"', ReturnConsumedCapacity="INDEXES")
    assert len(answer["Items"]) == 8
    assert answer["ConsumedCapacity"]["GlobalSecondaryIndexes"] == {"by-g": {"CapacityUnits": 0.5}}


# A consistent read costs twice as much.
def test_consistent_read(music: Any) -> None:
    answer = music.run("SELECT * FROM music", ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"]["CapacityUnits"] == 1.0


# Parameters stand where values do, alone and inside of lists.
def test_parameters(music: Any) -> None:
    assert keys(music.items("SELECT * FROM music WHERE p=? AND s=?", {"S": "a"}, {"N": "2.0"})) == ["a2"]
    statement = "SELECT * FROM music WHERE p = ? AND m.items = [?, ?] AND n IN [?]"
    assert keys(music.items(statement, {"S": "a"}, {"N": "7"}, {"S": "x"}, {"N": "30"})) == ["a3"]


BAG = "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"
DISTINCT = "The first operand must be distinct from the remaining operands for this operator or function; operator: "
REFUSALS = [
    ("FETCH * FROM music", MALFORMED + "Unexpected token after expression"),
    ("SELECT * FROM music WHERE", MALFORMED + "Unexpected term"),
    ("SELECT FROM music", MALFORMED + "Unexpected keyword"),
    ("SELECT * music", MALFORMED + "Unexpected token"),
    ("SELECT * FROM music WHERE value = 1", MALFORMED + "Unexpected keyword"),
    ("SELECT * FROM music WHERE m.value = 1", MALFORMED + "Invalid path dot component"),
    ("SELECT * FROM music WHERE p = 'a", MALFORMED + "Unexpected token"),
    ("SELECT * FROM 'music'", MALFORMED + "Expected identifier for simple path"),
    ("SELECT * FROM music LIMIT 5", "Unsupported clause: LIMIT"),
    ("SELECT COUNT(*) FROM music", "Unexpected path component at 1:8:5"),
    ("SELECT * FROM music WHERE lower(p) = 'a'", MALFORMED + "Unexpected keyword"),
    ("SELECT * FROM music WHERE reverse(p) = 'a'", "Unrecognized function: reverse at 1:27:7"),
    ("SELECT * FROM music WHERE p = ?", "Number of parameters in request and statement don't match."),
    ('SELECT * FROM "music"."none"', "The table does not have the specified index"),
    (
        "SELECT * FROM music ORDER BY s",
        "Must have WHERE clause in the statement when using ORDER BY clause.",
    ),
    (
        "SELECT * FROM music WHERE n = 1 ORDER BY s",
        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
    ),
    (
        "SELECT * FROM music WHERE p = 'a' ORDER BY n",
        "Attribute n in ORDER BY clause must be part of the primary key",
    ),
    (
        "SELECT * FROM music WHERE p = 1",
        "Key attribute's data type should match its data type in table's schema: Key p",
    ),
    (
        'SELECT n FROM "music"."by-g"',
        "One or more parameter values were invalid: Global secondary index by-g does not project [n]",
    ),
    ("SELECT * FROM music WHERE s = <<>>", "Empty bags are not supported"),
    ("SELECT * FROM music WHERE s = <<1, 'a'>>", BAG),
    ("SELECT * FROM music WHERE s = <<'a', 1>>", f"{BAG} at 1:38:1"),
    ("SELECT * FROM music WHERE s = <<true>>", f"{BAG} at 1:33:4"),
    (
        "SELECT * FROM music WHERE s = <<1, 1.0>>",
        "One or more parameter values were invalid: Input collection [1, 1] contains duplicates! under root",
    ),
    (
        "SELECT * FROM music WHERE s = [1, {'x': 1e126}]",
        "Number overflow. Attempting to store a number with magnitude larger than supported range under root[1].x",
    ),
    ("SELECT * FROM music WHERE n = {'': 1}", "Path component cannot be an empty string"),
    ("SELECT * FROM music WHERE n = [1 2]", MALFORMED + "Expected RIGHT_BRACKET"),
    ("SELECT * FROM music WHERE (n = 1", MALFORMED + "Expected RIGHT_PAREN"),
    ("SELECT * FROM music WHERE n =", MALFORMED + "Missing right-hand side expression of infix operator"),
    ("SELECT * FROM music WHERE n = 1 AND", MALFORMED + "Missing right-hand side expression of infix operator"),
    ("SELECT * FROM music WHERE n = LIKE", MALFORMED + "Unexpected operator"),
    ("SELECT * FROM music WHERE n BETWEEN 1", MALFORMED + "Expected AND keyword"),
    ("SELECT * FROM music WHERE n = 1 foo", MALFORMED + "Unexpected token after expression"),
    ("SELECT * FROM music; SELECT", MALFORMED + "Unexpected token after semicolon. (Only one query is allowed.)"),
    ("SELECT * FROM music m", "Aliasing is not supported"),
    ("SELECT * FROM music AS m", "Aliasing is not supported"),
    ("foo", "Unsupported operation: Id"),
    ("foo.bar", "Unsupported operation: Path"),
    ("1", "Unsupported operation: Lit"),
    ("[1]", "Unsupported operation: List"),
    ("REMOVE a", "Only select from a single table or index is supported."),
    ("SELECT * FROM music WHERE n = MISSING", "MISSING must be compared using IS operator"),
    (
        "SELECT * FROM music WHERE n IS INT",
        "Unsupported data type for IS operator: IntegerType. Supported data types are "
        "[MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST] at 1:27:1",
    ),
    (
        "SELECT * FROM music WHERE n IS DOUBLE PRECISION",
        "Unsupported data type for IS operator: DoublePrecisionType. Supported data types are "
        "[MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST] at 1:27:1",
    ),
    ("SELECT * FROM music WHERE EXISTS(n)", "Unrecognized function: exists at 1:27:6"),
    (
        "SELECT * FROM music WHERE attribute_exists(n) < true",
        "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
    ),
    (
        "INSERT INTO music VALUE {'p': 'a', 's': 9, 'x': size(n)}",
        "Unsupported data type: size under key root at 1:49:4",
    ),
    ("INSERT INTO music VALUE {'p': 'a', 's': 9, '': 1}", "Path component cannot be an empty string"),
    ("SELECT * FROM music WHERE n = n", f"{DISTINCT}=, first operand: [n]"),
    (
        "SELECT * FROM music WHERE begins_with(n)",
        "Incorrect number of operands for operator or function; "
        "operator or function: begins_with, number of operands: 1",
    ),
    (
        f"SELECT * FROM music WHERE n IN [{', '.join(map(str, range(101)))}]",
        "The IN operator is provided with too many operands; number of operands: 101",
    ),
    (
        f"SELECT * FROM music WHERE {' AND '.join(['n = 1'] * 151)}",
        "The expression contains too many operators; operator count: 301",
    ),
    ("SELECT * FROM music WHERE p = {'a': 1}", "Key value must be of type S, N, or B. Key name: p, Key type: M"),
    (
        "SELECT * FROM music WHERE p IN ['a', 'b'] ORDER BY s",
        "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.",
    ),
    (
        "SELECT * FROM music WHERE p = 'a' ORDER BY m.x",
        "Argument to ORDER BY must be of type VariableReference. Type: PATH at 1:44:1",
    ),
]


# Each fault is refused with the message that AWS has for it (as far as known).
@pytest.mark.parametrize(("statement", "message"), REFUSALS)
def test_refusals(music: Any, statement: str, message: str) -> None:
    assert music.refusal(statement) == (INVALID, message)


# Faults of the parameters beside the statement.
def test_refused_parameters(music: Any) -> None:
    read = "SELECT * FROM music"
    assert len(music.items(read, {"S": "ignored"})) == len(music.items(read))
    assert "may not be empty" in music.refusal("nonsense", {"SS": []})[1]
    assert music.refusal(read, NextToken="!")[1] == "Given NextToken is invalid"
    token = music.run(read, Limit=1)["NextToken"]
    assert music.refusal(read + " WHERE n = 1", NextToken=token)[1] == "NextToken does not match request"
    consistent = music.refusal('SELECT * FROM "music"."by-g"', ConsistentRead=True)
    assert consistent[1] == "Strongly consistent read is not supported on Global Secondary Indexes"
    assert music.refusal("SELECT * FROM none") == ("ResourceNotFoundException", "Requested resource not found")
    assert music.refusal("EXISTS(SELECT * FROM music WHERE p='a' AND s=1)")[0] == INVALID


OVERLAPPING = "Overlapping conditions with range keys are not supported in where clause"


# Alternatives that would read a key twice are refused; what AWS does not look at is run.
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("p = 'a' OR p = 'a'", OVERLAPPING),
        ("p IN ['a', 'b', 'a']", OVERLAPPING),
        ("p = 'a' AND s <= 2 OR p = 'a' AND s >= 2", OVERLAPPING),
        ("p = 'a' AND (s = 1 OR s BETWEEN 1 AND 3)", OVERLAPPING),
        ("p = 'a' AND s IN [2, 2.0]", OVERLAPPING),
        ("p = 'a' OR p = 'a' AND s = 2", OVERLAPPING),
        ("p = 'a' AND s < 2 OR p = 'a' AND s >= 2", "a1 a2 a3 a4 a5"),
        ("p = 'a' AND s = 1 OR p = 'b' AND s = 1", "a1 b1"),
        ("p = 'a' AND (n = 10 OR n = 10)", "a1"),
        ("p = 'a' AND NOT s BETWEEN 1 AND 4 OR p = 'a' AND s = 3", "a3 a5"),
        ("p = 'a' AND s > 1 AND s < 3 OR p = 'a' AND s = 2", "a2"),
        ("p = 'a' OR p = 'a' AND s <> 2", "a1 a2 a3 a4 a5"),
        ("p = 'a' AND s = 1 OR n = 10", "a1 b1"),
    ],
)
def test_overlapping_alternatives(music: Any, where: str, found: str) -> None:
    statement = f"SELECT * FROM music WHERE {where}"
    if found == OVERLAPPING:
        assert music.refusal(statement) == (INVALID, OVERLAPPING)
    else:
        assert sorted(keys(music.items(statement))) == found.split()


# A key that none can have is refused where one partition is named, and finds nothing where several are.
def test_keys_that_are_too_long(music: Any) -> None:
    long = {"S": "x" * 2049}
    words = (
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
    )
    assert music.refusal("SELECT * FROM music WHERE p = ?", long) == (INVALID, words)
    assert music.refusal("SELECT * FROM music WHERE p = ? AND (n = 1 OR n = 2)", long) == (INVALID, words)
    assert music.items("SELECT * FROM music WHERE p = ? OR p = 'zz'", long) == []
