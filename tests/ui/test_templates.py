"""Markup and scripts stand in files of their own, all of which are used and travel with the package."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from fakenews.config import REPOSITORY
from fakenews.ui.scripts import ASSETS, on_load, script
from fakenews.ui.style import PAGE_CSS, sheet
from fakenews.ui.templates import draw

PACKAGE = REPOSITORY / "fakenews"
TEMPLATES = PACKAGE / "ui" / "templates"
PYTHON = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
ELSEWHERE = {  # files whose strings may look like markup, and why
    "reporting/plots.py": "plotly writes its labels in tags of its own",
    "text.py": "patterns that find markup in pasted texts",
}
MARKUP = re.compile(
    r"<(?:/|!)?(?:a|b|br|button|d[dlt]|details|div|h\d|i|li|meta|ol|p|span|su[bp]|t[dhr]|table|ul)\b[^<]*>"
)
CODE = re.compile(r"\bdocument\.|\bwindow\.|querySelector")


def strings(source: str) -> list[str]:
    """Strings of a file that are no docstrings."""
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs)
    return [node.value for node in found if isinstance(node.value, str)]


def test_no_markup_and_no_script_stands_in_python() -> None:
    found = {
        f"{name}: {text[:60]}"
        for path, source in PYTHON.items()
        if (name := str(path.relative_to(PACKAGE))) not in ELSEWHERE
        for text in strings(source)
        if MARKUP.search(text) or (name.startswith("ui/") and CODE.search(text))
    }
    assert not found


def test_every_macro_that_is_drawn_is_there_and_every_one_there_is_drawn() -> None:
    sources = {path.stem: path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir()}
    defined = {(file, name) for file, source in sources.items() for name in re.findall(r"{% macro (\w+)", source)}
    drawn = set(re.findall(r'draw\(\s*"(\w+)",\s*"(\w+)"', "".join(PYTHON.values())))
    assert drawn <= defined
    for file, source in sources.items():
        calls = re.sub(r"{% macro \w+", "", source)
        drawn |= {("parts", name) for name in re.findall(r"\bparts\.(\w+)\(", calls)}
        drawn |= {(file, name) for name in re.findall(r"(?<![\w.])(\w+)\(", calls)}
    assert defined <= drawn


def test_every_script_that_is_loaded_is_there_and_every_one_there_is_loaded() -> None:
    loaded = set(re.findall(r'(?:script|on_load)\("(\w+)"', "".join(PYTHON.values())))
    assert loaded == {path.stem for path in ASSETS.glob("*.js")}


def test_templates_scripts_and_styles_are_part_of_the_package() -> None:
    setuptools = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    patterns = setuptools["package-data"]["fakenews.ui"]
    carried = {path for pattern in patterns for path in (PACKAGE / "ui").glob(pattern)}
    assert {*TEMPLATES.iterdir(), *ASSETS.iterdir()} <= carried


def test_what_is_given_is_escaped_once_and_what_was_drawn_is_not_escaped_again() -> None:
    caption = draw("parts", "caption", sentence="<b> & 'co'")
    assert caption == '<p class="fn-meta">&lt;b&gt; &amp; &#39;co&#39;</p>'
    page = draw("page", "facts_page", title="a", meta="b", content=[caption, "<i>"])
    assert caption in page and "&lt;i&gt;" in page and isinstance(page, Markup)


def test_a_value_that_was_forgotten_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="sentence"):
        draw("parts", "caption")


def test_data_reaches_a_script_as_json() -> None:
    hostile = "'); alert(1) //"
    given = script("keep", focus=hostile)
    assert given.startswith("(...values) => (") and given.endswith('({"focus": "\'); alert(1) //"}, ...values)')
    assert on_load("upload", file="fn-x", most=1).endswith(
        '({"file": "fn-x", "most": 1}, ...values))(element, trigger);'
    )


def test_scripts_and_styles_travel_without_their_comments() -> None:
    comment, code = (ASSETS / "held.js").read_text(encoding="utf-8").strip().split("\n", 1)
    assert comment.startswith("// ") and script("held") == code
    sources = [script(path.stem) for path in ASSETS.glob("*.js")]
    assert not any(re.search(r"(^|\s)// ", source) for source in sources)
    assert "/*" not in sheet(PAGE_CSS) and sheet(PAGE_CSS).count("{") == sheet(PAGE_CSS).count("}") > 100


def test_no_rule_for_some_screens_names_the_container_which_gradio_puts_before_it_once_more() -> None:
    rules = re.findall(r"@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)[^{}]*\}", sheet(PAGE_CSS))
    assert len(rules) > 10 and "min-height: 4lh" in "".join(rules)
    assert ".gradio-container" not in "".join(rules)
