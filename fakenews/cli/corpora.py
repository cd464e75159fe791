"""`fakenews data add`, `list` and `remove`: corpora of one's own."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fakenews.cli.options import AsJson, Encoding
from fakenews.cli.output import note, print_json, rows_of, show_status
from fakenews.config import Settings

if TYPE_CHECKING:
    from fakenews.data.incoming import Choices, Incoming, Polarity
    from fakenews.training.corpora import Agreement

app = typer.Typer()

LARGE = 1_000_000_000  # bytes of a download that is asked about first


@app.command("add")
def data_add(
    name: Annotated[str, typer.Argument(help="Name for the corpus: lower-case letters, digits, hyphens, underscores.")],
    source: Annotated[
        str,
        typer.Option("--from", metavar="FILE|HUB_DATASET", help="A table, ISOT's folder, or OWNER/NAME on the Hub."),
    ],
    text: Annotated[str, typer.Option("--text", metavar="COLUMN", help="Column of the article.")] = "",
    title: Annotated[str, typer.Option("--title", metavar="COLUMN", help="Column of its title.")] = "",
    label: Annotated[str, typer.Option("--label", metavar="COLUMN", help="Column of its label.")] = "",
    fake: Annotated[
        list[str] | None, typer.Option("--fake", metavar="VALUE", help="Label that means fake; may be repeated.")
    ] = None,
    revision: Annotated[str | None, typer.Option("--revision", help="Commit, tag or branch on the Hub.")] = None,
    file: Annotated[str, typer.Option("--file", help="Which file of a data set on the Hub.")] = "",
    measure: Annotated[
        int, typer.Option("--measure", min=0, help="Articles that the models here are asked about.")
    ] = 500,
    encoding: Encoding = "",
) -> None:
    """Add labeled articles of your own as a corpus, for the Dataset tab, training and calibration.

    What the table does not say itself is asked: which column is what, and which label is fake.
    """
    from fakenews.data import own, registry
    from fakenews.data.incoming import Choices
    from fakenews.training.corpora import agreement, measure_models, store_corpus

    settings = Settings.from_environment()
    folder = settings.own_data
    registry.check_new_name(name, folder)
    own.check_writable(folder)
    chosen = Choices(text, title, label, encoding, tuple(fake or ()))
    work = folder / f".{name}.partial"
    try:
        table, origin = _read(source, revision, file, chosen, work)
        for line in table.notes:
            note(line)
        polarity = _settle(table, agreement(table, settings.models, settings.device, _progress))
        read = table.labeled(polarity)
        corpus, report = store_corpus(name, read, polarity, origin, folder, table.notes, _progress)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for line in corpus.notes[len(table.notes) :]:
        note(line)
    parts = ", ".join(f"{corpus.splits.get(part, 0):,} {part}" for part in ("train", "validation", "test"))
    typer.echo(f"{corpus.rows:,} articles, {corpus.fake:,} fake and {corpus.real:,} real: {parts}.")
    conflicts = f"; {report.near_conflicts:,} groups of them have both labels" if report.near_conflicts else ""
    typer.echo(f"{report.near_duplicates:,} are near duplicates of another, kept in one part{conflicts}.")
    if best := max((rule for rule in report.rules_raw if rule.predicts), key=lambda rule: rule.accuracy, default=None):
        typer.echo(f"One rule alone, {best.predicts} where an article {best.title}, is right on {best.accuracy:.0%}.")
    typer.echo(f"{name} is in {folder / f'{name}.parquet'}.")
    if settings.data is None:
        typer.echo("FAKENEWS_DATA is not set, so corpora lie beside the models.")
    if measure:
        from fakenews.training.run import figures

        for evidence in measure_models(corpus, folder, settings.models, settings.device, measure, note, _progress):
            typer.echo(f"{evidence.model}: {figures(evidence.corpora[f'{name}/all'])}")


@app.command("list")
def data_list(as_json: AsJson = False) -> None:
    """List the corpora that were added, and those of the registry whose text is here."""
    from fakenews.data import own, registry

    folder = Settings.from_environment().own_data
    added = own.corpora(folder)
    here = [n for n in registry.DATASETS if (folder / f"{n}.parquet").is_file()]
    if as_json:
        values = [{k: v for k, v in c.to_dict().items() if k != "audit"} for c in added.values()]
        return print_json({"folder": str(folder), "added": values, "known": here})
    rows = [(c.name, f"{c.rows:,}", f"{c.fake:,}", f"{c.real:,}", c.unit, c.date, c.origin) for c in added.values()]
    rows += [
        (n, f"{registry.get(n).n_rows:,}", "", "", registry.get(n).unit, "", registry.get(n).homepage) for n in here
    ]
    if not rows:
        return typer.echo(f'No corpus is in {folder}: "fakenews data add NAME --from FILE" adds one.')
    typer.echo("\n".join(rows_of((("corpus", "rows", "fake", "real", "unit", "added", "from"), *rows))))


@app.command("remove")
def data_remove(name: Annotated[str, typer.Argument(help="Name of a corpus that was added.")]) -> None:
    """Remove a corpus that was added, with what models answered to it."""
    from fakenews.data import own

    own.remove(name, Settings.from_environment().own_data)
    typer.echo(f"{name} is gone.")


def _read(source: str, revision: str | None, file: str, chosen: Choices, work: Path) -> tuple[Incoming, str]:
    """Read the table, asking on a terminal what it does not say; and where it is from."""
    from fakenews.data import hub
    from fakenews.data.formats import SUFFIXES
    from fakenews.data.incoming import Question, merged, read_incoming

    path = Path(source).expanduser()
    if path.exists() or path.name.lower().endswith(SUFFIXES) or not hub.HUB_ID.fullmatch(source):
        if revision or file:
            raise ValueError(f"{source} is no data set on the Hub: leave --revision and --file out.")
        paths, origin = [path], path.name
    else:
        while True:
            try:
                tables = hub.find_tables(source, revision, file)
                break
            except Question as question:
                file = _answer(question)
        note(f"{tables}{f', license {tables.license}' if tables.license else ''}.")
        if tables.size > LARGE and _is_terminal() and not typer.confirm("Download it?"):
            raise ValueError("Nothing was downloaded.")
        paths, origin = hub.download(tables, work), f"{tables.repo} at {tables.revision}"
    while True:
        try:
            return merged([read_incoming(path, chosen) for path in paths]), origin
        except Question as question:
            chosen = chosen.saying(question.option, _answer(question))


def _settle(table: Incoming, found: Agreement | None) -> Polarity:
    """Return what the labels mean, shown and, where it is not clear or a model speaks against it, asked.

    Raises
    ------
    Question
        If it has to be asked, and nobody is there.
    """
    from fakenews.data.incoming import FAKE_VALUES, Polarity

    polarity, suggestion = table.polarity, found.fakest if found else None
    seen = found.sentence(polarity.meaning) if found else ""
    if polarity.meaning:
        note(polarity.sentence)
        if seen:
            note(seen)
        doubt = found.doubts(polarity.meaning) if found else ""
        if not doubt:
            return polarity
        if polarity.is_users:
            note(f"Warning: {doubt}")
            return polarity
        question = replace(table, polarity=Polarity()).question(f"{polarity.sentence} {doubt}", suggestion)
    else:
        question = table.question(seen, suggestion)
    fake = _answer(question, suggestion)
    meaning = {value: "fake" if value == fake or value.lower() in FAKE_VALUES else "real" for value in table.values}
    return Polarity(meaning, "you said so", is_users=True)


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _answer(question: Exception, suggestion: str | None = None) -> str:
    """Ask on a terminal; without one raise the question, whose sentence names the option."""
    from fakenews.data.incoming import Question

    if not isinstance(question, Question) or not _is_terminal():
        raise question
    note(str(question))
    while True:
        answer = str(typer.prompt(f"--{question.option}", default=suggestion, err=True)).strip()
        if answer in question.choices:
            return answer
        note(f"{answer!r} is none of {', '.join(question.choices)}.")


def _progress(what: str, share: float) -> None:
    if sys.stderr.isatty():
        show_status(f"{what} {share:.0%}", share)
