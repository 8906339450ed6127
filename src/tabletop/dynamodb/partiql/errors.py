"""What is wrong with a statement. The words, and for each how well they are known.

Recorded: in October 2026, against AWS in Europe and in us-east-1. Observed: answers of AWS that its users quoted in public
threads, or what AWS's guide says. Recalled: such quotations are
remembered and were not found again when this was written. Inferred: the fault is AWS's, the wording is ours in its manner.
"""

from __future__ import annotations

from tabletop.base.errors import ApiError

# Observed.
UNEXPECTED_AFTER = "Unexpected token after expression"
EXPECTED_STATEMENT = "Expected data manipulation"
NO_KEY_EQUALITY = "Where clause does not contain a mandatory equality on all key attributes"
DUPLICATE_ITEM = "Duplicate primary key exists in table"
NO_INDEX = "The table does not have the specified index"
CONSISTENT_GLOBAL = "Strongly consistent read is not supported on Global Secondary Indexes"
TRANSACTION_INDEX = "Reads on indices are not supported within transactions."
TRANSACTION_READ_SIZE = "Collective size of all the requested items exceeds maximum transaction size"

ORDER_WITHOUT_PARTITION = (
    "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
)
# Recorded by the authors of dynoxide (its changelog of 1.0.0 to 1.4.0 and its sources tell when and where).
UNEXPECTED_TERM = "Unexpected term"
UNEXPECTED_OPERATOR = "Unexpected operator"
MISSING_RIGHT_SIDE = "Missing right-hand side expression of infix operator"
EXPECTED_IDENTIFIER = "Expected identifier for simple path"
EXPECTED_FROM = "Expected FROM after DELETE"
EXPECTED_AND = "Expected AND keyword"
EXPECTED_TYPE = "Expected type name"
INVALID_DOT = "Invalid path dot component"
EXPECTED_TOKEN = {
    "]": "Expected RIGHT_BRACKET",
    "}": "Expected RIGHT_CURLY",
    ">>": "Expected RIGHT_DOUBLE_ANGLE_BRACKET",
    ")": "Expected RIGHT_PAREN",
    ":": "Expected COLON",
}
SECOND_STATEMENT = "Unexpected token after semicolon. (Only one query is allowed.)"
UNSUPPORTED_OPERATION = "Unsupported operation: {kind}"
ONE_SOURCE = "Only select from a single table or index is supported."
ALIAS = "Aliasing is not supported"
UNEXPECTED_PATH = "Unexpected path component"
UNKNOWN_FUNCTION = "Unrecognized function: {function}"
OPERAND_COUNT = (
    "Incorrect number of operands for operator or function; "
    "operator or function: {function}, number of operands: {count}"
)
MISSING_COMPARED = "MISSING must be compared using IS operator"
UNSUPPORTED_TYPE = (
    "Unsupported data type for IS operator: {name}. Supported data types are "
    "[MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]"
)
TOO_MANY_OPTIONS = "The IN operator is provided with too many operands; number of operands: {count}"
TOO_MANY_OPERATORS = "The expression contains too many operators; operator count: {count}"
SET_EMPTY = "Empty bags are not supported"
SET_MIXED = "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"
CALLED = "Unsupported data type: {function} under key {path}"
EMPTY_NAME = "Path component cannot be an empty string"
ORDER_WITHOUT_WHERE = "Must have WHERE clause in the statement when using ORDER BY clause."
ORDER_BY_OTHER = "Attribute {name} in ORDER BY clause must be part of the primary key"
OVERLAPPING = "Overlapping conditions with range keys are not supported in where clause"
ORDER_BY_PATH = "Argument to ORDER BY must be of type VariableReference. Type: PATH"
ORDER_SEVERAL = "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause."
KEY_OF_NO_TYPE = "Key value must be of type S, N, or B. Key name: {name}, Key type: {kind}"
KEY_OF_OTHER_TYPE = "Key attribute's data type should match its data type in table's schema: Key {name}"
SEVERAL_EQUALITIES = "Multiple conditions on same key {name}. Only single item Update/Insert/Delete are supported"
SET_ELSEWHERE = "The first argument to {function} must equal the assignment value"
SET_ARGUMENTS = "{function} must have exactly two arguments"
SET_WANTED = "The second argument to {function} must be a value with type SET"
RETURNING_OF_DELETE = "Invalid returning clause: {clause}. Only RETURNING ALL OLD * is allowed in DELETE statements."
NO_BOOLEAN = "WHERE clause must contain an expression that resolves to a boolean"
SUBQUERY = "Unsupported token in expression: SELECT"
DUPLICATE_NUMBERS = (
    "One or more parameter values were invalid: Input collection [{members}] contains duplicates! under root"
)
INSERT_ON_INDEX = "FROM clause may only contain a single table name in data manipulation statements"
WRITE_ON_INDEX = "This operation is not supported on an index"
EXISTS_OUTSIDE = "EXISTS can only be used in ExecuteTransaction write requests."
BATCH_MIXED = "Read and write requests together in the same batch is not supported."
BATCH_DUPLICATES = "Provided list of item keys contains duplicates"
TRANSACTION_STATEMENT = "Validation failed in TransactStatements[{position}]: {message}"
TRANSACTION_SELECT_KEY = "Select statements within ExecuteTransaction must specify the primary key in the where clause."
TOKEN_MISMATCH = "NextToken does not match request"
PARAMETER_COUNT = "Number of parameters in request and statement don't match."
BATCH_SELECT_KEY = "Select statements within BatchExecuteStatement must specify the primary key in the where clause."

# Inferred.
UNEXPECTED_KEYWORD = "Unexpected keyword"
UNEXPECTED_TOKEN = "Unexpected token"
TOO_DEEP = "Statement is nested too deeply"
DUPLICATE_NAME = "Duplicate attribute name in a map"
TRANSACTION_MIXED = "ExecuteTransaction API does not support both read and write operations in the same request."
TRANSACTION_RETURNING = "RETURNING clause is not supported in ExecuteTransaction."
TOKEN_UNREADABLE = "Given NextToken is invalid"
TOO_MANY_KEYS = "IN on the partition key allows at most {most} values"


def malformed(reason: str) -> ApiError:
    """The statement does not follow the grammar."""
    return ApiError("ValidationException", f"Statement wasn't well formed, can't be processed: {reason}")


def unsupported(what: str) -> ApiError:
    """PartiQL has it, DynamoDB has not: joins, grouping, aliases ... (words inferred)."""
    return ApiError("ValidationException", f"Unsupported {what}")


def refused(message: str) -> ApiError:
    return ApiError("ValidationException", message)
