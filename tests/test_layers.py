"""Imports point downwards only: the order of the packages is what keeps the whole readable, so a test holds it.

Every import counts: at the top of a module, inside a function, and those for the type checker alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "tabletop"

RANKS = {
    "base": 0,
    "storage": 1,
    "wire": 1,
    "dynamodb": 2,
    "iam": 2,
    "logs": 2,
    "metrics": 2,
    "functions": 3,
    "gateway": 4,
    "server": 5,
    "console": 6,
    "cli": 7,
    "testing": 7,
    "__main__": 8,
}

Imports = dict[str, set[str]]


def module_name(path: Path) -> str:
    parts = ("tabletop", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, Path]:
    return {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imported(name: str, source: str, *, known: Iterable[str], is_package: bool = False) -> set[str]:
    """The modules of ``known`` that the module ``name`` imports, wherever in its text.

    ``from tabletop.wire import http`` imports ``tabletop.wire.http``, and ``from tabletop.wire import X`` the package.
    """
    known = set(known)
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = node.module or ""
            if node.level:
                base = name.split(".")
                base = base[: len(base) - node.level + is_package]
                package = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{package}.{alias.name}"
                found.add(inner if inner in known else package)
    return {module for module in found if module == "tabletop" or module.startswith("tabletop.")} - {name}


def all_imports() -> Imports:
    known = modules()
    return {
        name: imported(name, path.read_text(), known=known, is_package=path.name == "__init__.py")
        for name, path in known.items()
    }


def package_of(module: str) -> str:
    """The layer a module belongs to; "" for ``tabletop`` itself, which anyone may import for its version."""
    return [*module.split("."), ""][1]


def wrong_directions(imports: Imports) -> list[str]:
    wrong = []
    for importer, targets in sorted(imports.items()):
        for target in sorted(targets):
            above, below = package_of(importer), package_of(target)
            if below in ("", above):
                continue
            if above == "" or RANKS[below] >= RANKS[above]:
                wrong.append(f"{importer} imports {target}")
    return wrong


def circle(imports: Imports) -> list[str]:
    """Some circle of modules that import each other, or an empty list."""
    done: set[str] = set()

    def search(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for target in sorted(imports.get(module, ())):
            found = search(target, [*path, module])
            if found:
                return found
        done.add(module)
        return []

    return next((found for module in sorted(imports) if (found := search(module, []))), [])


# A package that nobody has ranked could import anything.
def test_every_package_has_a_rank() -> None:
    packages = {package_of(name) for name in modules()} - {""}
    assert packages <= RANKS.keys()


# The rule itself.
def test_imports_point_downwards_only() -> None:
    assert wrong_directions(all_imports()) == []


# Two modules that import each other are one module in two files; neither can be read first.
def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(all_imports()) == []


# The test must see what it forbids: deferred, relative and type-only imports, upwards and sideways.
@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("import tabletop.gateway", True),
        ("from tabletop import gateway", True),
        ("from tabletop.iam import policies", True),
        ("def f():\n    from tabletop.functions import workers", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tabletop.iam.policies", True),
        ("from ..iam import policies", True),
        ("from tabletop.storage.store import View", False),
        ("from . import keys", False),
        ("from tabletop import __version__", False),
        ("import json", False),
    ],
)
def test_a_wrong_import_is_seen(source: str, wrong: bool) -> None:
    known = ["tabletop", *(f"tabletop.{package}" for package in RANKS)]
    found = imported("tabletop.dynamodb.write", source, known=known)
    assert bool(wrong_directions({"tabletop.dynamodb.write": found})) is wrong


# A circle through three modules is one too.
def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c", "a"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
