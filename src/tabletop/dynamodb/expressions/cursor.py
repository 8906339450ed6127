"""A place among the tokens, and what all expressions are made of: paths and operands.

Faults that are not of syntax (a reserved word, a redundant pair of parentheses) are noted while reading and raised when
the whole text has proven to be well formed, as AWS does.
"""

from __future__ import annotations

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions.errors import invalid
from tabletop.dynamodb.expressions.lexer import Token, tokens_of
from tabletop.dynamodb.expressions.reserved_words import RESERVED_WORDS
from tabletop.dynamodb.expressions.tree import FunctionCall, NameReference, Operand, Path, ValueReference

PATH_ELEMENTS_MAX = 32
OPERATORS_MAX = 300
FUNCTION_LEVELS_MAX = 100
"""Functions within functions: more is refused, since reading them takes the interpreter's stack (our choice)."""
LIST_INDEX_MAX = 2**31 - 1

REDUNDANT_PARENTHESES = "The expression has redundant parentheses;"


class Cursor:
    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        self.tokens = tokens_of(text)
        self.at = 0
        self.faults: list[ApiError] = []
        self._operators = 0
        self._level = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def next(self) -> Token:
        """The token here; go on to the one behind it."""
        token = self.tokens[self.at]
        if token.kind == "end":
            raise self.syntax_error()
        self.at += 1
        return token

    def take(self, kind: str) -> Token:
        """The token here, which must be of this kind; go on to the one behind it."""
        if self.tokens[self.at].kind != kind:
            raise self.syntax_error()
        return self.next()

    def keyword(self) -> str:
        """The word here in capitals; empty where there is no word."""
        token = self.tokens[self.at]
        return token.text.upper() if token.kind in ("name", "section") else ""

    def finish(self) -> None:
        """Require the end of the text, and raise the first fault that was noted on the way."""
        if self.token.kind != "end":
            raise self.syntax_error()
        if self.faults:
            raise self.faults[0]

    def syntax_error(self) -> ApiError:
        """The token here is in the wrong place. AWS shows it with its neighbours, as they are written."""
        token = self.token
        start = self.tokens[self.at - 1].start if self.at else token.start
        stop = self.tokens[min(self.at + 1, len(self.tokens) - 1)].stop
        shown = "<EOF>" if token.kind == "end" else token.text
        near = self.text[start:stop].strip() if len(self.tokens) > 1 else self.text
        return invalid(self.kind, f'Syntax error; token: "{shown}", near: "{near}"')

    def note(self, message: str) -> None:
        self.faults.append(invalid(self.kind, message))

    def count_operator(self) -> None:
        self._operators += 1
        if self._operators > OPERATORS_MAX:
            message = f"The expression contains too many operators; operator count: {self._operators}"
            raise invalid(self.kind, message)

    def path(self) -> Path:
        elements: list[str | NameReference | int] = [self._name()]
        while True:
            kind = self.token.kind
            if kind == ".":
                self.at += 1
                elements.append(self._name())
            elif kind == "[":
                self.at += 1
                elements.append(self._index())
                self.take("]")
            else:
                break
        if len(elements) > PATH_ELEMENTS_MAX:
            self.note(f"The document path has too many nesting levels; nesting levels: {len(elements)}")
        return Path(tuple(elements))

    def operand(self) -> Operand:
        """A path, a value, or a function of operands; any of them may be in parentheses."""
        kind = self.token.kind
        if kind == "value_reference":
            return ValueReference(self.next().text)
        if kind == "name" and self.tokens[self.at + 1].kind == "(":
            return self._function()
        if kind == "(":
            return self._parenthesised()
        return self.path()

    def operands(self) -> tuple[Operand, ...]:
        """One or more operands between parentheses."""
        self.take("(")
        operands = [self.operand()]
        while self.token.kind == ",":
            self.at += 1
            operands.append(self.operand())
        self.take(")")
        return tuple(operands)

    def token_behind_operand(self, at: int) -> Token | None:
        """What stands behind the operand that begins at this token; None where none does. The cursor stays."""
        before, faults, level = self.at, len(self.faults), self._level
        self.at = at
        try:
            self.operand()
        except ApiError:
            return None
        else:
            return self.token
        finally:
            self.at, self._level = before, level
            del self.faults[faults:]

    def _function(self) -> FunctionCall:
        name = self.next().text
        self._descend()
        operands = self.operands()
        self._level -= 1
        return FunctionCall(name, operands)

    def _parenthesised(self) -> Operand:
        self.take("(")
        if self.token.kind == "(":
            self.note(REDUNDANT_PARENTHESES)
        self._descend()
        operand = self.operand()
        self._level -= 1
        self.take(")")
        return operand

    def _descend(self) -> None:
        self._level += 1
        if self._level > FUNCTION_LEVELS_MAX:
            raise invalid(self.kind, "The expression has too many nesting levels")

    def _name(self) -> str | NameReference:
        token = self.token
        if token.kind == "name_reference":
            return NameReference(self.next().text)
        word = self.take("name").text
        if word.upper() in RESERVED_WORDS:
            self.note(f"Attribute name is a reserved keyword; reserved keyword: {word}")
        return word

    def _index(self) -> int:
        text = self.take("index").text
        index = int(text)
        if index > LIST_INDEX_MAX:
            self.note(f"List index is not within the allowable range; index: [{text}]")
        return index
