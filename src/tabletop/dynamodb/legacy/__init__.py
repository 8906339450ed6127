"""The parameters from before expressions: AttributesToGet, AttributeUpdates, Expected, ConditionalOperator,
KeyConditions, QueryFilter and ScanFilter.

They become the trees that expressions become, with plain names and literal values, and are compiled and run as those
are: nothing here looks at an item. What is here are their own checks, in their own words, since AWS words them
otherwise than the errors of expressions. A name is always a whole attribute's: dots and brackets mean nothing.

    uses_legacy("PutItem", body)                   whether any is given; refused beside expressions
    compile_expected(expected, operator)           a Condition
    compile_filter(conditions, operator)           a Condition, for QueryFilter and ScanFilter
    analyse_key_conditions(conditions)             as analyse_key_condition gives them
    compile_attribute_updates(updates)             an Update
    compile_attributes_to_get(names)               a Projection

Source of the words: answers of AWS as independent clients recorded them.
"""

from tabletop.dynamodb.legacy.attribute_updates import compile_attribute_updates
from tabletop.dynamodb.legacy.attributes_to_get import compile_attributes_to_get
from tabletop.dynamodb.legacy.conditions import analyse_key_conditions, compile_filter
from tabletop.dynamodb.legacy.expected import compile_expected
from tabletop.dynamodb.legacy.parameters import uses_legacy

__all__ = [
    "analyse_key_conditions",
    "compile_attribute_updates",
    "compile_attributes_to_get",
    "compile_expected",
    "compile_filter",
    "uses_legacy",
]
