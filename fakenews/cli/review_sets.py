"""Commands on review sets: make, list, results, close, reopen, extend, forget, delete."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fakenews.cli.inputs import open_engine
from fakenews.cli.options import AsJson, Encoding, Fake
from fakenews.cli.output import note, print_json, progress, rows_of
from fakenews.config import Settings

if TYPE_CHECKING:
    from fakenews.engine import Engine
    from fakenews.review_sets.store import SetStore
    from fakenews.review_sets.values import NewItem

Owner = Annotated[str, typer.Argument(help='Key that "make" gave.')]
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the set.")]

app = typer.Typer(help="Many articles under one link, judged by many reviewers.", no_args_is_help=True)


@app.command()
def make(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Table of articles: CSV, TSV, JSON or parquet.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Title, which reviewers see first.")] = "",
    corpus: Annotated[str, typer.Option("--corpus", help="Corpus to take articles of, instead of a table.")] = "",
    ids: Annotated[list[str] | None, typer.Option("--id", help="Id of an article of the corpus; repeat it.")] = None,
    sample: Annotated[str, typer.Option("--sample", help="errors, random, labels or cells.")] = "",
    n: Annotated[int, typer.Option("--n", help="Articles of the sample.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="Of the sample.")] = 42,
    model: Annotated[str, typer.Option("--model", help="Model whose stored answers the sample is of.")] = "",
    split: Annotated[str, typer.Option("--split", help="Split of these answers, such as test.")] = "",
    ask: Annotated[list[str] | None, typer.Option("--ask", help="Model to ask; may be repeated.")] = None,
    instructions: Annotated[str, typer.Option("--instructions", help="What reviewers should know.")] = "",
    blind: Annotated[bool, typer.Option("--blind/--open", help="Whether reviewers judge before the models.")] = True,
    days: Annotated[int, typer.Option("--days", help="How long the set lives: 7, 30 or 90.")] = 90,
    owner: Annotated[str, typer.Option("--owner", help="Key of an earlier set or share, to keep them together.")] = "",
    ids_only: Annotated[bool, typer.Option("--ids-only", help="Store no words, only ids of a corpus.")] = False,
    label: Annotated[str, typer.Option("--label", metavar="COLUMN", help="Column of the table's labels.")] = "",
    fake: Fake = "",
    text_column: Annotated[str, typer.Option("--text-column", help="Column of the text; guessed if left out.")] = "",
    title_column: Annotated[str, typer.Option("--title-column", help="Column of the title, guessed too.")] = "",
    encoding: Encoding = "",
    as_json: AsJson = False,
) -> None:
    """Make a review set of a table or a corpus, analyze its articles, and print the links."""
    from fakenews.review_sets.picking import SAMPLES, Sample, pick

    if (file is None) == (not corpus):
        raise ValueError("Give either a table or --corpus.")
    if sample and sample not in SAMPLES:
        raise ValueError(f"Unknown sample {sample!r}. Known: {', '.join(SAMPLES)}.")
    engine = open_engine()
    if file is not None:
        if ids_only or ids or model or split or sample in ("errors", "cells"):
            raise ValueError("A table is taken as it is, or as --sample random or labels; the rest is for --corpus.")
        items, sentence = _of_table(engine, file, (text_column, title_column, label, fake, encoding), sample, n, seed)
    else:
        if bool(ids) == bool(sample):
            raise ValueError("Say which articles of the corpus: either --id or --sample.")
        wanted: Sequence[str] | Sample = ids or Sample(sample, n, seed, model, split)
        items, sentence = pick(engine, corpus, wanted, False if ids_only else None)
    if sentence:
        note(sentence)
    fields = _made(engine, items, title, instructions, blind, days, owner, ask or ())
    if as_json:
        return print_json(fields)
    typer.echo(f"For reviewers: {fields['link']}\nYour own:      {fields['owner_link']}")


@app.command("list")
def list_(owner: Owner, as_json: AsJson = False) -> None:
    """List the review sets under an owner's key."""
    found = _sets().owned(owner)
    if as_json:
        return print_json({"sets": [{**each.to_dict(), "n_reviewers": n} for each, n in found]})
    if not found:
        return note("There is no review set under this key.")
    table = [("ID", "ARTICLES", "REVIEWERS", "STATE", "TITLE")]
    for each, n in found:
        state = "closed" if each.closed else "open" if each.is_ready else "being prepared"
        table.append((each.id, str(each.n_articles), str(n), state, each.title))
    typer.echo("\n".join(rows_of(table)))


@app.command()
def results(
    owner: Owner,
    id_: Id,
    form: Annotated[str, typer.Option("--format", help="json, csv, jsonl or html.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="File to write; its ending says which format.")] = None,
) -> None:
    """Print or write all answers to a set, and what they come to."""
    from fakenews.review_sets.exports import read
    from fakenews.ui.set_report import FORMATS, written

    form = form or (out.suffix.lower().removeprefix(".") if out is not None else "json")
    if form not in FORMATS:
        raise ValueError(f"Unknown format {form!r}. Known: {', '.join(FORMATS)}.")
    content = written(*read(_sets(), owner, id_), form)
    if out is None:
        return typer.echo(content, nl=False)
    out.write_text(content, encoding="utf-8")
    typer.echo(f"{out}: {out.stat().st_size / 1000:.0f} kB.")


@app.command()
def close(owner: Owner, id_: Id) -> None:
    """Take no more answers."""
    _sets().close(owner, id_)
    typer.echo("Closed: it takes no more answers; what was sent is stored.")


@app.command()
def reopen(owner: Owner, id_: Id) -> None:
    """Take answers again."""
    _sets().close(owner, id_, closed=False)
    typer.echo("Open again: it takes answers.")


@app.command()
def extend(
    owner: Owner,
    id_: Id,
    days: Annotated[int, typer.Option("--days", help="Days from now: 7, 30 or 90.")] = 90,
) -> None:
    """Let a set live longer or shorter."""
    _sets().expire(owner, id_, days)
    typer.echo(f"The set and its answers are kept for {days} days from now.")


@app.command()
def forget(
    owner: Owner, id_: Id, reviewer: Annotated[int, typer.Argument(metavar="NUMBER", help="Of the reviewer.")]
) -> None:
    """Delete a reviewer with all answers."""
    _sets().forget(owner, id_, reviewer)
    typer.echo(f"Reviewer {reviewer} is deleted, with all answers.")


@app.command()
def delete(owner: Owner, id_: Id) -> None:
    """Delete a set with everything in it."""
    _sets().delete(owner, id_)
    typer.echo("Deleted; its links lead nowhere now.")


def _sets(engine: Engine | None = None) -> SetStore:
    """Return the sets in the storage that the settings name."""
    from fakenews.engine import Engine
    from fakenews.review_sets.preparing import CorpusTexts
    from fakenews.review_sets.store import SetStore
    from fakenews.share.store import ShareStore

    engine = engine or Engine.open(Settings.from_environment())
    return SetStore(ShareStore.of(engine.settings), CorpusTexts(engine))


def _made(
    engine: Engine,
    items: Sequence[NewItem],
    title: str,
    instructions: str,
    blind: bool,
    days: int,
    owner: str,
    models: Sequence[str],
) -> dict[str, object]:
    """Store a set and analyze its articles; whoever interrupts it deletes it."""
    from fakenews.review_sets.preparing import Preparer

    names = [engine.pool.name(model) for model in models]
    sets = _sets(engine)
    try:
        link = sets.create(
            items, title=title, instructions=instructions, blind=blind, days=days, owner=owner, models=names
        )
        try:
            found = Preparer(engine, sets).prepare(link.id, progress("analyzing"))
        except KeyboardInterrupt:
            sets.delete(link.owner, link.id)
            note("Stopped; the set is deleted.")
            raise typer.Exit(130) from None
        bad = sum(bool(item.problem) for item in sets.results(link.owner, link.id).items)
    finally:
        sets.storage.close()
    note(f"{found.n_articles} articles analyzed." if not bad else f"{bad} of {found.n_articles} were not analyzed.")
    base = engine.settings.public_url or f"http://{engine.settings.host}:{engine.settings.port}"
    return link.to_dict(base)


def _of_table(
    engine: Engine, file: Path, reading: tuple[str, str, str, str, str], sample: str, n: int, seed: int
) -> tuple[tuple[NewItem, ...], str]:
    """Return the rows of a table as articles of a set, and a sentence on those that are left out."""
    import pandas as pd

    from fakenews.batch.rows import Row, Table
    from fakenews.data.delimited import listed_names
    from fakenews.data.table import read_labels
    from fakenews.review_sets.sampling import choose, new_items
    from fakenews.review_sets.values import MAX_ARTICLES

    text_column, title_column, label, fake, encoding = reading
    table = Table(file, encoding)
    columns = table.guess(text_column, title_column)
    if not columns.text or (label and label not in table.columns):
        what = f"no column {label!r}" if columns.text else "no column with a usual name for the text"
        raise ValueError(f"{file.name} has {what}: it has {listed_names(table.columns)}.")
    table.check(columns)
    rows = [item for item, _ in table.items(columns)]
    good = [row for row in rows if isinstance(row, Row)]
    frame = pd.DataFrame({"id": [str(r.line) for r in good], "title": "", "text": [r.text for r in good]})
    if label:
        values = pd.Series([row.values.get(label) for row in good], index=[row.line for row in good], dtype=object)
        frame["label"], spelled = read_labels(values, file.name, fake)
        note(f"Labels: {', '.join(f'{value} is read as {name}' for value, name in spelled.items())}.")
    if not sample and len(good) > MAX_ARTICLES:
        raise ValueError(f"{file.name} has {len(good):,} articles; up to {MAX_ARTICLES} fit: draw some with --sample.")
    chosen = choose(frame, sample or "random", n if sample else None, seed)
    items, left_out = new_items(engine, chosen.frame)
    bad = len(rows) - len(good)
    unread = f"{bad:,} row{'s are' if bad > 1 else ' is'} left out, without a text that can be read." if bad else ""
    return items, " ".join(filter(None, (chosen.sentence, left_out, unread)))
