"""The command that scores every row of a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fakenews.cli.inputs import open_engine
from fakenews.cli.options import AsJson, Encoding
from fakenews.cli.output import note, print_json, show_status

if TYPE_CHECKING:
    from fakenews.batch.score import Done

VERDICTS = {"fake": "like the fake class", "real": "like the real class", "cannot_judge": "cannot be judged"}

app = typer.Typer()


@app.command()
def score(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Table: CSV, TSV, JSON or parquet.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .csv, .jsonl or .parquet.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Model to ask; may be repeated. tinybert and tfidf.")
    ] = None,
    explain: Annotated[str, typer.Option("--explain", metavar="METHOD", help="Add the ten strongest words.")] = "",
    text_column: Annotated[str, typer.Option("--text-column", help="Column of the text; guessed if left out.")] = "",
    title_column: Annotated[str, typer.Option("--title-column", help="Column of the title, guessed too.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run ended, however it did.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    runner: Annotated[str, typer.Option("--engine", help="local, or ray for a cluster.")] = "local",
    encoding: Encoding = "",
    as_json: AsJson = False,
) -> None:
    """Score every row of a table: p_fake, verdict and reasons of each model beside the columns it has."""
    from fakenews.batch.rows import Table
    from fakenews.batch.score import Task, check_task, local
    from fakenews.batch.score import score as run
    from fakenews.data.delimited import listed_names

    engine = open_engine()
    models = tuple(dict.fromkeys(model or engine.pool.side_by_side))
    table = Table(source, encoding)
    columns = table.guess(text_column, title_column)
    if not columns.text:
        raise ValueError(
            f"{source.name} has no column with a usual name for the text: it has {listed_names(table.columns)}; say "
            "which with --text-column, and let the first line of a CSV file name the columns."
        )
    task = Task(models, columns, explain, encoding)
    check_task(engine, task)
    if runner == "ray":
        from fakenews.batch.ray_engine import ray as chosen
    elif runner == "local":
        chosen = local
    else:
        raise ValueError(f"Unknown engine {runner!r}. Known: local, ray.")
    show = _show_rows if sys.stderr.isatty() else None
    try:
        done = run(source, out, engine, task, resume=resume, overwrite=overwrite, runner=chosen, progress=show)
    except KeyboardInterrupt:
        note(f'Stopped; nothing is lost: "fakenews score {source} {out} … --resume" goes on.')
        raise typer.Exit(130) from None
    if done.before:
        note(f"{out} is there already, by an earlier run of the same task: nothing was scored again.")
    if as_json:
        rows = {"rows": done.rows, "bad_rows": done.bad, "rows_without_text": done.without_text}
        return print_json({**rows, "verdicts": done.verdicts, "out": str(out)})
    for name, verdicts in done.verdicts.items():
        tallies = ", ".join(f"{verdicts.get(v, 0):,} {words}" for v, words in VERDICTS.items())
        typer.echo(f"{engine.pool.title(name)}: {tallies}")
    empty = f" ({done.without_text:,} without text)" if done.without_text else ""
    bad = f"; {done.bad:,} could not be scored{empty}, see {out}.errors.jsonl" if done.bad else ""
    rate = "" if done.before else f", {done.rate:,.1f} a second"
    typer.echo(f'{out}: {done.rows:,} row{"" if done.rows == 1 else "s"} of "{columns.text}"{rate}{bad}.')
    if not done.rows:
        raise typer.Exit(1)


def _show_rows(done: Done) -> None:
    left = "" if done.seconds_left is None else f", {done.seconds_left:,.0f} s left"
    show_status(f"{done.share:.0%}, {done.rows:,} rows, {done.rate:,.1f} a second{left}", done.share)
