"""What is wrong with an expression, in AWS's words: most messages begin with the parameter that holds it."""

from __future__ import annotations

from tabletop.base.errors import ApiError


def invalid(kind: str, message: str) -> ApiError:
    """``kind`` is the parameter's name: ConditionExpression, FilterExpression ...; empty for PartiQL, which tells none."""
    return ApiError("ValidationException", f"Invalid {kind}: {message}" if kind else message)


def refused(message: str) -> ApiError:
    """A ValidationException whose message AWS does not begin with the parameter."""
    return ApiError("ValidationException", message)


def wrong_operand_type(kind: str, operator: str, operand_type: str) -> ApiError:
    return invalid(
        kind,
        "Incorrect operand type for operator or function; "
        f"operator or function: {operator}, operand type: {operand_type}",
    )


def wrong_operand_count(kind: str, operator: str, count: int) -> ApiError:
    return invalid(
        kind,
        "Incorrect number of operands for operator or function; "
        f"operator or function: {operator}, number of operands: {count}",
    )


def wrong_function_use(kind: str, function: str) -> ApiError:
    return invalid(kind, f"The function is not allowed to be used this way in an expression; function: {function}")


def path_required(kind: str, function: str) -> ApiError:
    return invalid(kind, f"Operator or function requires a document path; operator or function: {function}")
