"""PartiQL's keywords: SQL-92's reserved words and PartiQL's own. Bare, none of them names an attribute or a table.

Source: ISO 9075:1992 and PartiQL's specification, which AWS's parser follows. In double quotes any word is a name.
"""

from __future__ import annotations

_SQL = """
absolute action add all allocate alter and any are as asc assertion at authorization avg begin between bit bit_length by
cascade cascaded case cast catalog char character character_length char_length check close coalesce collate collation column
commit connect connection constraint constraints continue convert corresponding count create cross current current_date
current_time current_timestamp current_user cursor date deallocate dec decimal declare default deferrable deferred delete desc
describe descriptor diagnostics disconnect distinct domain double drop else end escape except exception exec execute exists
external extract false fetch first float for foreign found from full get global go goto grant group having identity immediate in
indicator initially inner input insensitive insert int integer intersect interval into is isolation join key language last left
level like local lower match max min module names national natural nchar next no not null nullif numeric octet_length of on only
open option or order outer output overlaps pad partial position precision prepare preserve primary prior privileges procedure
public read real references relative restrict revoke right rollback rows schema scroll section select session session_user set
size smallint some space sql sqlcode sqlerror sqlstate substring sum system_user table temporary then time timestamp to
transaction translate translation trim true union unique unknown update upper usage user using value values varchar varying view
when whenever where with work write zone
"""
_PARTIQL = (
    "missing pivot unpivot limit tuple remove index bool boolean string symbol clob blob struct list sexp bag returning"
)

KEYWORDS = frozenset((_SQL + _PARTIQL).split())

OPERATORS = frozenset(("=", "<>", "!=", "<", "<=", ">", ">=", "like", "in", "is", "between", "and", "or"))

FUNCTIONS = {
    "begins_with": 2,
    "contains": 2,
    "attribute_type": 2,
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "size": 1,
}
"""Functions of a WHERE clause, and how many arguments each takes."""

CHANGES = frozenset(("list_append", "set_add", "set_delete"))
"""Functions of SET."""

TYPES = {
    "null": "NULL",
    "boolean": "BOOL",
    "numeric": "N",
    "string": "S",
    "blob": "B",
    "list": "L",
    "struct": "M",
    "tuple": "M",
}
"""What may stand behind IS, besides MISSING -> the attribute type."""

UNSUPPORTED_TYPES = {
    "bool": "BooleanType",
    "smallint": "SmallintType",
    "int": "IntegerType",
    "integer": "IntegerType",
    "int4": "Integer4Type",
    "int8": "Integer8Type",
    "bigint": "Integer8Type",
    "float": "FloatType",
    "double precision": "DoublePrecisionType",
    "real": "RealType",
    "decimal": "DecimalType",
    "timestamp": "TimestampType",
    "date": "DateType",
    "time": "TimeType",
    "char": "CharacterType",
    "character": "CharacterType",
    "varchar": "CharacterVaryingType",
    "character varying": "CharacterVaryingType",
    "symbol": "SymbolType",
    "clob": "ClobType",
    "sexp": "SexpType",
    "bag": "BagType",
    "any": "AnyType",
}
"""Types of PartiQL that DynamoDB has not, and what its messages call them (that of BOOL inferred)."""

LONG_TYPES = {
    ("double", "precision"): "double precision",
    ("character", "varying"): "character varying",
}
"""Types whose names are two words."""

UNSUPPORTED_CLAUSES = frozenset(("group", "having", "limit", "offset", "join", "union", "intersect", "except", "let"))
