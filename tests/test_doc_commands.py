"""Every command that the documentation shows is one that there is; those about an article or a table are run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from experiments.__main__ import _parser
from fakenews.cli import app
from fakenews.config import REPOSITORY
from fakenews.data.registry import load

PAGES = (*(REPOSITORY / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")), *REPOSITORY.glob("docs/*.md"))
# What needs no network, no corpus but the demo's, and no more than some seconds.
RUN = ("predict", "explain", "compare", "flip", "what-if", "share", "export", "score", "words", "models")
_SHELL = re.compile(r"```(?:sh|bash)\n(.*?)```", re.S)


def commands(program: str) -> list[list[str]]:
    """Return the arguments of every call of a program in the shell blocks of all pages, each once."""
    lines = [line for page in PAGES for block in _SHELL.findall(page.read_text("utf-8")) for line in block.splitlines()]
    calls = [call.strip() for line in lines for call in line.split("&&")]
    found = dict.fromkeys(tuple(shlex.split(c, comments=True)) for c in calls if c.startswith(f"{program} "))
    return [list(call[len(program.split()) :]) for call in found]


@pytest.mark.parametrize("arguments", commands("fakenews"), ids=" ".join)
def test_a_command_of_the_docs_is_one_that_there_is(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command: click.Command = get_command(app)
    context = click.Context(command)
    rest = arguments
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, name
        command, context = found, click.Context(found, parent=context)
    try:
        command.make_context(command.name, list(rest), parent=context.parent)
    except click.BadParameter as error:
        assert "does not exist" in str(error), error  # a file that the reader has


@pytest.mark.parametrize("arguments", commands("python -m experiments"), ids=" ".join)
def test_a_command_of_the_laboratory_is_one_that_there_is(arguments: list[str]) -> None:
    _parser().parse_args(arguments)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [c for c in commands("fakenews") if c[0] in RUN and "my-bert" not in c], ids=" ".join
)
def test_a_command_of_the_docs_does_what_it_says(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = load("demo")
    monkeypatch.chdir(tmp_path)
    Path("article.txt").write_text(demo["text"].iloc[0], encoding="utf-8")
    demo.head(6).to_csv("articles.csv", index=False)
    demo.head(12).to_parquet("corpus.parquet")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    done = CliRunner().invoke(app, arguments, env={"FAKENEWS_DEVICE": "cpu", "FAKENEWS_DATA": ""})
    assert done.exit_code == 0, done.output
    assert done.output.strip() or list(tmp_path.glob("scored.csv*")) or (tmp_path / "report.html").exists()
