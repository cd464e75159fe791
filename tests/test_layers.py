"""Who may import whom: the arrows of the house point downwards only."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from fakenews.config import REPOSITORY
from fakenews.space.spacefile import read_spacefile

PACKAGE = REPOSITORY / "fakenews"

BOTTOM = {"compat", "schema", "text", "config", "formatting", "hub", "language", "verdict"}
# Floor or top-level module: what it may import of the project, besides itself.
ALLOWED: dict[str, set[str]] = {
    "compat": set(),
    "schema": set(),
    "text": {"schema"},
    "config": set(),
    "formatting": {"schema"},
    "hub": set(),
    "language": {"text"},
    "verdict": {"schema"},
    "data": BOTTOM,
    "classifiers": BOTTOM,
    "explain": BOTTOM | {"classifiers"},
    "metrics": BOTTOM | {"classifiers"},
    "evidence": BOTTOM | {"data", "classifiers", "metrics"},
    "reporting": BOTTOM | {"data", "classifiers", "metrics", "evidence"},
    "similar": BOTTOM | {"data", "classifiers", "metrics"},
    "training": BOTTOM | {"data", "classifiers", "metrics", "evidence", "reporting"},
    "engine": BOTTOM | {"data", "classifiers", "explain", "metrics", "evidence", "reporting", "similar"},
    "web": {"schema", "engine"},
    "share": BOTTOM | {"classifiers", "explain", "engine"},
    "review_sets": BOTTOM | {"data", "classifiers", "explain", "metrics", "engine", "share", "batch"},
    "batch": BOTTOM | {"data", "classifiers", "explain", "engine"},
    "ui": BOTTOM
    | {"data", "classifiers", "explain", "metrics", "evidence", "reporting", "similar"}
    | {"engine", "share", "review_sets", "batch", "web"},
    "space": BOTTOM | {"classifiers"},
}
ENTRANCES = {"server", "serving", "api", "cli", "__main__"}  # these may import anything
FILES = sorted(PACKAGE.rglob("*.py"))


def floor(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


BOUND = [path for path in FILES if floor(path) not in ENTRANCES]


def imported(path: Path) -> set[str]:
    """Floors that a file imports, wherever in it the import stands; "fakenews" is the package's own __init__."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "fakenews":
                found.add(rest.partition(".")[0] or "fakenews")
    return found - {"__version__"}


def packages(path: Path) -> set[str]:
    """Top-level packages that a file imports, wherever in it the import stands."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.partition(".")[0] for name in plain | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}}


def test_every_floor_has_its_place():
    floors = {floor(path) for path in FILES} - {"__init__"}
    assert floors <= set(ALLOWED) | ENTRANCES, "a new floor needs a line in ALLOWED"
    assert {"schema", "data", "classifiers", "explain", "metrics", "evidence", "training", "engine", "ui"} <= floors


@pytest.mark.parametrize("path", BOUND, ids=[str(path.relative_to(PACKAGE)) for path in BOUND])
def test_imports_point_downwards(path):
    here = floor(path)
    too_high = imported(path) - ALLOWED.get(here, set()) - {here}
    assert not too_high, f"{here} may not import {', '.join(sorted(too_high))}"


def test_the_order_has_no_ring():
    seen: set[str] = set()
    waiting = dict(ALLOWED)
    while waiting:
        ready = {name for name, below in waiting.items() if below <= seen}
        assert ready, f"these import one another: {', '.join(waiting)}"
        seen |= ready
        waiting = {name: below for name, below in waiting.items() if name not in ready}


def test_only_the_entrances_import_the_page():
    importers = {floor(path) for path in FILES if "ui" in imported(path)} - {"ui"}
    assert importers <= ENTRANCES


LABORATORY = sorted((REPOSITORY / "experiments").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_the_package_does_not_know_the_laboratory(path):
    assert "experiments" not in packages(path)


def test_the_laboratory_may_import_anything_of_the_package_but_no_tests():
    assert len(LABORATORY) > 5
    assert set().union(*map(packages, LABORATORY)) & {"fakenews", "tests", "benchmarks"} == {"fakenews"}


def test_the_laboratory_is_neither_packaged_nor_deployed():
    pyproject = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert pyproject["tool"]["setuptools"]["packages"]["find"]["include"] == ["fakenews*"]
    included = read_spacefile(REPOSITORY / "Spacefile").bundle.include
    assert not [pattern for pattern in included if pattern.startswith(("experiments", "*"))]


def test_an_upward_import_is_found(tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text(
        "def f():\n    from fakenews.ui.app import build_app\n    import fakenews.training\n", encoding="utf-8"
    )
    assert imported(file) == {"ui", "training"}


def modules_imported(path: Path) -> set[str]:
    """Modules of the project that a file imports when it runs, wherever the import stands."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = [
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    ]
    found = set()
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & set(MODULES)


MODULES = {".".join(path.relative_to(REPOSITORY).with_suffix("").parts): path for path in (*FILES, *LABORATORY)}


def test_no_modules_import_one_another():
    below = {name: modules_imported(path) - {name} for name, path in MODULES.items()}
    while ready := [name for name, imports in below.items() if not imports & set(below)]:
        for name in ready:
            del below[name]
    assert not below, "a ring, or above one"


LONGEST_FILE, LONGEST_FUNCTION = 450, 80  # lines
LONG_FILES = {}
LONG_FUNCTIONS = {
    "batch/score.py:score": "one run from its lock to its result, whose order matters",
    "training/finetune.py:train": "one training from its batches to its checkpoint, whose order matters",
    "ui/analyse.py:build": "draws a tab and wires it, which share its components",
    "ui/batch.py:build": "draws a tab and wires it, which share its components",
}


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else REPOSITORY))


def test_files_are_short():
    lengths = {_name(path): len(path.read_text("utf-8").splitlines()) for path in (*FILES, *LABORATORY)}
    too_long = {name for name, n in lengths.items() if n > LONGEST_FILE}
    assert too_long <= set(LONG_FILES), f"over {LONGEST_FILE} lines: split it, or give a reason in LONG_FILES"
    assert set(LONG_FILES) <= set(lengths), "LONG_FILES names a file that is not there"


def test_functions_are_short():
    lengths = {
        f"{_name(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in (*FILES, *LABORATORY)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    too_long = {name for name, n in lengths.items() if n > LONGEST_FUNCTION}
    assert too_long <= set(LONG_FUNCTIONS), f"over {LONGEST_FUNCTION} lines: split it, or give a reason"
    assert set(LONG_FUNCTIONS) <= set(lengths), "LONG_FUNCTIONS names a function that is not there"
