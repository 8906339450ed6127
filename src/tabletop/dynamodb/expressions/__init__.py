"""Expressions: one lexer, parser, tree, binder and compiler for all five parameters that hold them.

    binder = Binder(names, values)                                ExpressionAttributeNames, ExpressionAttributeValues
    condition = compile_condition(text, kind="FilterExpression", binder=binder)
    binder.refuse_unused()                                        when everything is compiled
    condition.matches(item)                                       True or False; item None: there is no item
    compile_projection(text, binder).apply(item)                  what is kept of the item
    compile_update(text, binder).apply(item)                      (new item, UpdatedPaths)
    analyse_key_condition(text, binder)                           [KeyCondition, ...], fitted by match_key_schema
    analyse_search_condition(text, binder)                        {attribute: value that it must equal}

A *tree* (``tree``) is what was written; it depends on the text alone, and is kept. *Steps* are a path with its names
bound. A *test* is a compiled condition, a function of an item; compiled things live as long as the request whose names
and values they hold. Items and values are canonical (``tabletop.dynamodb.values``) and are never edited here.

Reading order: ``tree``, ``lexer``, ``cursor`` and ``grammar`` (text to tree), ``binder``, ``operands``, ``conditions``,
``paths`` and ``projections``, ``updates`` and ``assignments``, ``key_conditions`` and ``search_conditions``. Whatever text
arrives, the result is an ApiError or something that runs: no nesting takes more of the interpreter's stack than 300 levels
do.
"""

from tabletop.dynamodb.expressions.binder import VARIABLES_BYTES_MAX, Binder, check_named_value, refuse_large_variables
from tabletop.dynamodb.expressions.conditions import Condition, compile_condition, compile_tree
from tabletop.dynamodb.expressions.key_conditions import (
    KeyCondition,
    KeyMatch,
    analyse_key_condition,
    analyse_key_tree,
    match_key_schema,
)
from tabletop.dynamodb.expressions.projections import Projection, compile_projection
from tabletop.dynamodb.expressions.search_conditions import analyse_search_condition
from tabletop.dynamodb.expressions.updates import Update, UpdatedPaths, compile_update, compile_update_tree

__all__ = [
    "VARIABLES_BYTES_MAX",
    "Binder",
    "Condition",
    "KeyCondition",
    "KeyMatch",
    "Projection",
    "Update",
    "UpdatedPaths",
    "analyse_key_condition",
    "analyse_key_tree",
    "analyse_search_condition",
    "check_named_value",
    "compile_condition",
    "compile_projection",
    "compile_tree",
    "compile_update",
    "compile_update_tree",
    "match_key_schema",
    "refuse_large_variables",
]
