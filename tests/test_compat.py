"""What is private in other packages is touched in one file only, and is what that file takes it for."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from fakenews.compat import boosted_trees
from fakenews.config import REPOSITORY

COMPAT = REPOSITORY / "fakenews" / "compat.py"
FILES = sorted(path for folder in ("fakenews", "experiments") for path in (REPOSITORY / folder).rglob("*.py"))
NAMED_TUPLES = {"_replace", "_asdict", "_fields", "_make"}  # public, in spite of their names
OURS = ("fakenews", "experiments", "_typeshed")  # the last is for type checkers alone


def private_uses(source: str) -> list[str]:
    """Return uses of private names that the file neither defines nor has of its own class or of this project."""
    nodes = list(ast.walk(ast.parse(source)))
    own = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    own |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    attributes = [n for n in nodes if isinstance(n, ast.Attribute)]
    own |= {n.attr for n in attributes if ast.unparse(n.value) in ("self", "cls") and isinstance(n.ctx, ast.Store)}
    found = [
        ast.unparse(n)
        for n in attributes
        if _is_private(n.attr) and n.attr not in own and ast.unparse(n.value) not in ("self", "cls", "super()")
    ]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith(OURS):
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            found += [f"{node.module}: {name}" for name in names if _is_private(name)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr", "hasattr"):
            found += [ast.unparse(node) for arg in node.args[1:2] if _is_private(str(getattr(arg, "value", "")))]
    return found


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in NAMED_TUPLES


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(REPOSITORY)) for path in FILES])
def test_private_names_of_other_packages_are_touched_in_one_file(path: Path) -> None:
    assert bool(private_uses(path.read_text(encoding="utf-8"))) == (path == COMPAT)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("model._trees", ["model._trees"]),
        ("from scipy._lib import x", ["scipy._lib: _lib"]),
        ("from scipy.stats import _x", ["scipy.stats: _x"]),
        ("getattr(app, '_queue')", ["getattr(app, '_queue')"]),
        ("class A:\n def f(self): self._x = 1; return other._x, self._y, pair._replace(a=1)", []),
        ("from fakenews.text import _rules", []),
    ],
)
def test_a_private_name_is_found(source: str, found: list[str]) -> None:
    assert private_uses(source) == found


def test_boosted_trees_are_all_nodes_of_what_was_grown() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = (x[:, 0] > 0.5).astype(int)
    grown = HistGradientBoostingClassifier(max_iter=7, max_leaf_nodes=4).fit(x, y)
    trees, baseline = boosted_trees(grown)
    assert len(trees) == grown.n_iter_ == 7
    assert all(len(nodes) == 2 * nodes["is_leaf"].sum() - 1 for nodes in trees)
    assert baseline == pytest.approx(np.log(y.mean() / (1 - y.mean())))
