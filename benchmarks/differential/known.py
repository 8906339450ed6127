"""The differences that are explained: which server is right, and how that is known."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.differential.answers import Difference

Right = Literal["Tabletop", "dynalite", "either", "open"]
"""Either: the API leaves it open. Open: no source that we may use decides it."""


@dataclass(frozen=True, slots=True)
class Known:
    """Patterns are searched in the two lines and in the JSON of the request; the first entry that fits explains."""

    title: str
    right: Right
    why: str
    ours: str = ""
    theirs: str = ""
    operation: str = ""
    request: str = ""

    def explains(self, difference: Difference) -> bool:
        return (
            re.search(self.ours, difference.ours) is not None
            and re.search(self.theirs, difference.theirs) is not None
            and re.search(self.operation, difference.operation) is not None
            and (not self.request or re.search(self.request, difference.example()) is not None)
        )


ENVELOPE = Known(
    'PutItem and UpdateItem: "1 validation error detected: " before the message',
    "Tabletop",
    "AWS's words since the middle of 2026; dynalite has those of before",
    operation="PutItem|UpdateItem",
)

KNOWN: tuple[Known, ...] = (
    ENVELOPE,
    # Results.
    Known(
        "Units of writes include the indexes",
        "Tabletop",
        "AWS documents a unit more for each index that is written (read/write capacity for secondary indexes)",
        r"200 \.ConsumedCapacity",
        r"200 \.ConsumedCapacity",
        "PutItem|UpdateItem|DeleteItem|BatchWriteItem",
    ),
    Known(
        "A read that finds nothing consumes its minimum",
        "Tabletop",
        "AWS: a Query or GetItem of nothing still consumes the minimum of 0.5 or 1 unit",
        r"200 \.ConsumedCapacity",
        r"200 \.ConsumedCapacity",
        "Query|BatchGetItem|GetItem",
    ),
    Known(
        "A scan pays for each of four partitions",
        "open",
        "Tabletop counts a new table's four partitions, dynalite one; AWS documents only the size that is read",
        r"200 \.ConsumedCapacity",
        r"200 \.ConsumedCapacity",
        "Scan",
    ),
    Known(
        "An update that only removes makes no item",
        "Tabletop",
        "Alternator's tests, recorded against AWS: REMOVE of a missing item leaves it missing",
        r"200 (stored|\.Attributes): null",
        r"200 (stored|\.Attributes): \{",
        "UpdateItem",
    ),
    Known(
        "REMOVE of a path in a missing item",
        "Tabletop",
        "Alternator's test_nested_attribute_remove_from_missing_item, recorded against AWS: no error",
        r"^200",
        "document path provided in the update expression is invalid",
        "UpdateItem",
        "REMOVE",
    ),
    Known(
        "UPDATED_OLD and UPDATED_NEW without anything to tell",
        "Tabletop",
        "Alternator's tests of ReturnValues, recorded against AWS: there is no Attributes then",
        r"200 \.Attributes: null",
        r"200 \.Attributes: \{\}",
        "UpdateItem",
    ),
    Known(
        "A local index reads other attributes from the table",
        "Tabletop",
        "AWS's guide to local secondary indexes: attributes that are not projected are fetched",
        r"^200 \.Items",
        r"^200 \.Items",
        "Query|Scan",
        "local",
    ),
    Known(
        "The last page of a partition with one item",
        "open",
        "Query of a table without sort key: dynalite answers LastEvaluatedKey when Limit is 1, Tabletop does not and refuses start keys",
        r"^200 \.LastEvaluatedKey: null",
        "",
        "Query",
    ),
    Known(
        "ExclusiveStartKey of a table without sort key",
        "open",
        "as above: the words are Tabletop's",
        "exclusive start key is invalid",
        "",
        "Query",
    ),
    # Comparisons with what is missing.
    Known(
        "A comparison with a missing attribute",
        "Tabletop",
        "Alternator's tests of condition expressions, recorded against AWS: only <> of something missing is true; dynalite compares undefined with undefined",
        "^200|ConditionalCheckFailed",
        "^200|ConditionalCheckFailed",
        "",
        r"#?\w+(\.\w+|\[\d\])? (=|<>|<|<=|>|>=) #?[a-z]|IN \(|BETWEEN|NOT |size",
    ),
    Known(
        "NOT_CONTAINS and NE of a missing attribute",
        "Tabletop",
        "Alternator's test_expected.py, recorded against AWS",
        "^200|ConditionalCheckFailed",
        "^200|ConditionalCheckFailed",
        "",
        "NOT_CONTAINS|NE",
    ),
    # Words.
    Known(
        "Syntax errors name the token and what is near",
        "Tabletop",
        "AWS's words, recorded in Alternator's and other clients' tests; dynalite shows what its parser generator expected",
        "Syntax error; token|Syntax error; ",
        "Syntax error; Expected",
    ),
    Known(
        "NOT NOT",
        "Tabletop",
        "AWS's grammar: condition ::= NOT condition; dynalite's wants a parenthesis after the second",
        "",
        r'Expected "\(" but "N" found',
        "",
        "NOT NOT",
    ),
    Known(
        "A syntax error that dynalite's grammar does not see, or sees later",
        "Tabletop",
        "AWS's grammar in the developer guide",
        "Syntax error; token",
        "",
    ),
    Known(
        "Operands of a wrong type are found before the read",
        "Tabletop",
        "Alternator's tests, recorded against AWS: Incorrect operand type, whatever the item",
        "Incorrect operand type for operator or function",
        "",
    ),
    Known(
        "Functions where they are not allowed",
        "open",
        "Tabletop: the function is not allowed in ... expression; dynalite: invalid function name",
        "function is not allowed",
        "Invalid function name|function is not allowed",
    ),
    Known(
        "IN with its first operand among the others",
        "Tabletop",
        "AWS's rule that operands be distinct, as for comparisons",
        "first operand must be distinct",
        "",
    ),
    Known(
        "Enum errors of ReturnValues no longer name the field",
        "Tabletop",
        "AWS's words since the middle of 2026",
        "failed to satisfy constraint: Member must satisfy enum",
        "at 'returnValues' failed",
    ),
    Known(
        "Empty TableName",
        "Tabletop",
        "AWS's words since the middle of 2026",
        "Value at 'TableName' failed",
        "at 'tableName' failed",
    ),
    Known(
        "TableName of item operations that is too short",
        "Tabletop",
        "today's model allows one character and ARNs, so the name's form is told by the service itself",
        "Invalid table/index name",
        "at 'tableName' failed",
    ),
    Known(
        "TableName that is too long or has other characters",
        "Tabletop",
        "today's model takes ARNs of up to 1,024 characters; dynalite has the pattern of before",
        "TableName|tableName|table/index name|Requested resource|ARN",
        "at 'tableName' failed",
    ),
    Known(
        "ReturnValues that PutItem and DeleteItem do not take",
        "open",
        "Tabletop: Return values set to invalid value; dynalite: ReturnValues can only be ALL_OLD or NONE",
        "Return values set to invalid value",
        "",
    ),
    Known(
        "Empty key values",
        "Tabletop",
        'AWS since 2020: "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ... value"',
        "are not valid. The AttributeValue for a",
        "",
    ),
    Known(
        "Java objects in constraint errors",
        "Tabletop",
        "AWS prints its Java objects, with addresses that are never the same; dynalite prints JSON",
        "validation errors? detected: Value '.*(AttributeValue@|WriteRequest|\\{h=|=)",
        "validation errors? detected: Value '",
    ),
    Known(
        "Which expression attribute value holds a bad set",
        "Tabletop",
        "AWS's words since the middle of 2026 do not say it for PutItem and UpdateItem",
        "One or more parameter values were invalid: ",
        "ExpressionAttributeValues contains invalid value",
        "PutItem|UpdateItem",
    ),
    Known(
        "Text of base64 errors",
        "either",
        "both are refused as AWS's parser refuses them; the words for the content are those of its Java version",
        "Invalid Base64",
        "Base64",
    ),
    # Checks that dynalite has not.
    Known(
        "Consistent reads of a global index by Scan",
        "Tabletop",
        "AWS's API reference of Scan: not supported on global secondary indexes",
        "Consistent reads are not supported",
        "",
        "Scan|Query",
    ),
    Known(
        "Select that does not fit the other parameters",
        "Tabletop",
        "AWS's API reference of Select: only SPECIFIC_ATTRIBUTES with a projection, ALL_PROJECTED_ATTRIBUTES only with an index",
        "Cannot specify the|Must specify the AttributesToGet|can be used only when (Querying|Scanning)",
        "",
    ),
    Known(
        "Attributes that a global index does not project",
        "Tabletop",
        "AWS's guide: a query of a global index can only ask for projected attributes",
        "does not project",
        "",
    ),
    Known(
        "Operator and value types of legacy conditions",
        "Tabletop",
        "AWS's API reference of Condition; dynalite checks them in filters and not in Expected",
        "ComparisonOperator .* is not valid for|Number overflow|numeric value|are not valid|were invalid: ",
        "^200|ConditionalCheckFailed",
        "PutItem|UpdateItem|DeleteItem",
    ),
    Known(
        "ConditionalOperator without anything to combine",
        "Tabletop",
        "AWS's words, which dynalite has for empty conditions only",
        "ConditionalOperator cannot be used without",
        "",
    ),
    Known(
        "Segment 0 without TotalSegments",
        "Tabletop",
        "dynalite takes 0 for absent; the parameters belong together",
        "TotalSegments parameter is required",
        "",
        "Scan",
    ),
    Known(
        "Bounds of Segment and TotalSegments",
        "Tabletop",
        "today's model: Segment up to 999,999, TotalSegments up to 1,000,000",
        "at '(segment|totalSegments)'",
        "",
        "Scan",
    ),
    Known(
        "Type errors of members that dynalite does not check",
        "Tabletop",
        "the service model gives the type",
        "SerializationException",
        "",
    ),
    Known(
        "Constraints that dynalite does not check",
        "Tabletop",
        "the service model gives the constraint",
        "failed to satisfy constraint",
        "^200|ValidationException|ConditionalCheck|ResourceNotFound",
    ),
    # Order of checks.
    Known(
        "An attribute of an index and a set or number that it cannot hold: found before or after the condition",
        "open",
        "dynalite looks at the update's text, Tabletop at the item that results, as AWS describes index key errors",
        "",
        "Type mismatch for Index Key",
    ),
    Known(
        "Which of several errors of an update comes first",
        "open",
        "Tabletop applies SET, REMOVE, ADD, DELETE; dynalite the order of the text",
        "update expression|data type|refers to an attribute|400",
        "document path|refers to an attribute|data type",
        "UpdateItem",
    ),
    Known(
        "Which start key error comes first",
        "open",
        "partition outside the query, sort key outside its condition, or more than one row",
        "outside query boundaries|starting key",
        "outside query boundaries|starting key|at most one row|match the schema",
        "Query|Scan",
    ),
    Known(
        "A query without key condition and with unused values",
        "open",
        "two errors: dynalite tells the values first",
        "Either the KeyConditions",
        "",
        "Query",
    ),
    Known(
        "Undefined or unused names and values: which first",
        "open",
        "two errors, both true",
        "is not defined|unused|invalid key|invalid value|can only be specified",
        "is not defined|unused|invalid key|invalid value|can only be specified",
    ),
)


def explanations(difference: Difference) -> list[Known]:
    """All that is needed to explain it; empty if it is not explained. The envelope is taken off before the rest is judged."""
    bare = difference
    found: list[Known] = []
    if re.search(ENVELOPE.operation, difference.operation) and difference.ours.count(
        _ENVELOPE
    ) > difference.theirs.count(_ENVELOPE):
        bare = replace(difference, ours=difference.ours.replace(_ENVELOPE, "", 1))
        found.append(ENVELOPE)
        if bare.ours == bare.theirs:
            return found
    known = next((known for known in KNOWN if known is not ENVELOPE and known.explains(bare)), None)
    return [*found, known] if known is not None else []


_ENVELOPE = "1 validation error detected: "
