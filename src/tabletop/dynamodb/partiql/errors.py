"""What is wrong with a statement. The words, and for each how well they are known.

Observed: answers of AWS that its users quoted in public threads, or what AWS's guide says. Recalled: such quotations are
remembered and were not found again when this was written. Inferred: the fault is AWS's, the wording is ours in its manner.
"""

from __future__ import annotations

from tabletop.base.errors import ApiError

# Observed.
EXPECTED_STATEMENT = "Expected data manipulation"
UNEXPECTED_KEYWORD = "Unexpected keyword"
NO_KEY_EQUALITY = "Where clause does not contain a mandatory equality on all key attributes"
DUPLICATE_ITEM = "Duplicate primary key exists in table"
NO_INDEX = "The table does not have the specified index"
CONSISTENT_GLOBAL = "Strongly consistent read is not supported on Global Secondary Indexes"
TRANSACTION_INDEX = "Reads on indices are not supported within transactions."
TRANSACTION_READ_SIZE = "Collective size of all the requested items exceeds maximum transaction size"

# Recalled.
UNEXPECTED_TERM = "Unexpected term"
UNEXPECTED_PATH = "Unexpected path component"
EXPECTED_IDENTIFIER = "Expected identifier for simple path"
ORDER_WITHOUT_PARTITION = (
    "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
)
ORDER_BY_OTHER = "Variable reference {name} in ORDER BY clause must be part of the primary key"
PARAMETER_COUNT = "Number of parameters in request and statement don't match."
BATCH_SELECT_KEY = "Select statements within BatchExecuteStatement must specify the primary key in the where clause."

# Inferred.
UNEXPECTED_TOKEN = "Unexpected token"
TOO_DEEP = "Statement is nested too deeply"
ARGUMENT_COUNT = "Incorrect number of arguments for function {function}"
DUPLICATE_NAME = "Duplicate attribute name in a map"
TRANSACTION_SELECT_KEY = "Select statements within ExecuteTransaction must specify the primary key in the where clause."
BATCH_MIXED = "BatchExecuteStatement API does not support both read and write operations in the same request."
TRANSACTION_MIXED = "ExecuteTransaction API does not support both read and write operations in the same request."
TRANSACTION_RETURNING = "RETURNING clause is not supported in ExecuteTransaction."
EXISTS_OUTSIDE = "EXISTS() is only supported in ExecuteTransaction."
WRITE_ON_INDEX = "Write operations are not supported on indices."
TOKEN_UNREADABLE = "Given NextToken is invalid"
TOKEN_MISMATCH = "NextToken does not match request"
SET_EMPTY = "Sets cannot be empty"
SET_MIXED = "Set elements must all be strings, all numbers or all binary values"
ORDER_SEVERAL = "ORDER BY on a sort key requires an equality condition on the partition key"
CHANGE_ELSEWHERE = "{function} must be assigned to the attribute that is its first argument"
TOO_MANY_KEYS = "IN on the partition key allows at most {most} values"
TOO_MANY_OPTIONS = "IN allows at most {most} values"


def malformed(reason: str) -> ApiError:
    """The statement does not follow the grammar."""
    return ApiError("ValidationException", f"Statement wasn't well formed, can't be processed: {reason}")


def unsupported(what: str) -> ApiError:
    """PartiQL has it, DynamoDB has not: joins, grouping, aliases ... (words inferred)."""
    return ApiError("ValidationException", f"Unsupported {what}")


def refused(message: str) -> ApiError:
    return ApiError("ValidationException", message)
