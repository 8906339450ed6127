"""Where functions get boto3 from: the server's own, one that was installed for a runtime, or the interpreter's own.

    server       links to the packages that the server itself uses
    installed    RUNTIMES/python3.9, made by ``tabletop lambda runtimes --install python3.9``
    own          links to what an interpreter has in its own site-packages

A folder of links offers boto3 and what it needs and nothing else: as on AWS, the function brings all else.
"""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path

PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
_DISTRIBUTIONS = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "urllib3", "six")


def link(folder: Path, sources: list[Path]) -> None:
    """Make ``folder`` hold a link to each of these. Blocking."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        name = folder / source.name
        if name.is_symlink() and name.readlink() == source:
            continue
        name.unlink(missing_ok=True)
        name.symlink_to(source)


def contents(folder: Path) -> tuple[tuple[str, str], ...]:
    """(name, where it really is) of everything in such a folder."""
    return tuple((path.name, str(path.resolve())) for path in sorted(folder.iterdir()) if path.exists())


def version(folder: Path) -> str:
    """The version of the boto3 in this folder, or ""."""
    for described in folder.glob("boto3-*.dist-info"):
        return described.name.removeprefix("boto3-").removesuffix(".dist-info")
    return ""


def server_sources() -> list[Path]:
    sources = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            sources.append(origin.parent if origin.name == "__init__.py" else origin)
    for name in _DISTRIBUTIONS:
        try:
            description = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        sources.extend(_described(Path(str(description.locate_file(""))), name))
    return sources


def sources_from(origins: dict[str, str]) -> list[Path]:
    """The same for packages of another interpreter: ``origins`` are the files of PACKAGES, as it finds them."""
    sources = []
    for name, origin in origins.items():
        path = Path(origin)
        source = path.parent if path.name == "__init__.py" else path
        sources.append(source)
        if name == "boto3":
            sources.extend(_described(source.parent, name))
    return sources


def _described(folder: Path, name: str) -> list[Path]:
    return list(folder.glob(f"{name.replace('-', '_')}-*.dist-info"))
