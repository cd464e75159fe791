"""Commands that train and measure models: train, evaluate, novelty."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fakenews.cli.inputs import open_engine
from fakenews.cli.options import AsJson, Encoding, Fake, Model
from fakenews.cli.output import note, print_json, progress
from fakenews.config import Settings

if TYPE_CHECKING:
    from fakenews.metrics.verdicts import TableResult


app = typer.Typer()


@app.command()
def train(
    recipe: Annotated[
        str, typer.Argument(help="tfidf, word2vec, cnn, features, tinybert, …: any recipe of the README.")
    ],
    data: Annotated[list[str] | None, typer.Option("--data", metavar="TABLE|CORPUS", help="isot if left out.")] = None,
    name: Annotated[
        str, typer.Option("--name", help="Of a model of your own, to stand beside the others; it is added.")
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Folder; models/MODEL if left out.")] = None,
    base: Annotated[str | None, typer.Option("--base", help="Hub id or folder instead of the recipe's base.")] = None,
    epochs: Annotated[float | None, typer.Option("--epochs", help="Instead of the recipe's.")] = None,
    max_steps: Annotated[int | None, typer.Option("--max-steps", help="Cut every stage short.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Take up the last checkpoint.")] = False,
    encoding: Encoding = "",
    fake: Fake = "",
) -> None:
    """Train a model, calibrate it, and measure it on held-out articles and every other corpus here."""
    from fakenews.classifiers.store import check_new
    from fakenews.training.job import Job
    from fakenews.training.recipes import get
    from fakenews.training.run import run, summary

    settings = Settings.from_environment()
    chosen = get(recipe)
    table, *more = [_training_table(value, settings) for value in data or (None,)]
    if more:
        raise ValueError(
            f'One table at a time, got {len(more) + 1} with --data: "python -m experiments train" takes several.'
        )
    if name and out:
        raise ValueError("--name and --out exclude each other: a model with a name goes to the folder of models.")
    out = out or settings.models / (name or chosen.model)
    if name:
        check_new(name, out)
    note(f"{chosen.title}: from {table} into {out}")
    job = Job(
        recipe, table, out, base, epochs, max_steps, resume, settings.data,
        encoding=encoding, fake=fake, name=name,
    )  # fmt: skip
    evidence = run(job, note)
    typer.echo("\n".join(summary(evidence, fake)))
    typer.echo(f"{evidence.model} is in {out}.")


@app.command()
def evaluate(
    model: Model,
    data: Annotated[
        list[str] | None, typer.Option("--data", metavar="TABLE|CORPUS", help="Labeled table, or corpus by name.")
    ] = None,
    encoding: Encoding = "",
    fake: Fake = "",
    as_json: AsJson = False,
) -> None:
    """Measure a model on a labeled table."""
    if not data:
        raise ValueError("Nothing to measure on: give --data.")
    if len(data) > 1:
        raise ValueError(f"One table at a time, got {len(data)} with --data.")
    from fakenews.data.registry import find_table
    from fakenews.data.table import read_labeled
    from fakenews.metrics.verdicts import labels_warning, table_result
    from fakenews.reporting.digits import counted

    engine = open_engine()
    table = find_table(data[0], engine.settings.data)
    name = engine.pool.classifier(model).name
    read = read_labeled(table, encoding, fake)
    rows = read.frame
    result = engine.tables.measure(rows, model, progress("scoring"))
    is_known = engine.tables.is_trained_on(rows, [model])
    others = None  # the result on articles it was not trained on, where there are both kinds
    if is_known.any() and not is_known.all():
        unknown = [p for p, known in zip(result.predictions, is_known, strict=True) if not known]
        others = table_result(unknown, rows["label"][~is_known].tolist())
    warning = labels_warning((others or result).evaluation, read.labels)
    if as_json:
        training = {"trained_on": engine.pool.trained_on(model), "known_articles": int(is_known.sum())}
        fields = {"model": name, "data": str(table), **read.to_dict(), **training, **result.to_dict()}
        return print_json({**fields, "unknown_articles": others and others.to_dict(), "warning": warning or None})
    typer.echo(_evaluation_text(name, table.name, result))
    if others:
        typer.echo(f"\n{name} was trained on {counted(int(is_known.sum()), 'article')} of these. On the others:\n")
        typer.echo(_evaluation_text(name, table.name, others))
    elif is_known.any():
        typer.echo(f"{name} was trained on all of these, so the figures say nothing of articles that it does not know.")
    if corpora := engine.pool.trained_on(model):
        typer.echo(
            f"It was trained on {', '.join(corpora)}; articles of these are recognized by their exact text, not all."
        )
    for line in filter(None, (*read.notes(), warning)):
        typer.echo(line)


@app.command()
def novelty(
    model: Model,
    data: Annotated[
        str | None, typer.Option("--data", metavar="TABLE|CORPUS", help="What it was trained on; isot if left out.")
    ] = None,
) -> None:
    """Teach a trained model again where its training data ends; its weights stay as they are."""
    from fakenews.classifiers import model_folder, store
    from fakenews.classifiers.ood import Centroids
    from fakenews.data.mix import with_split
    from fakenews.data.table import joined_texts, read_table
    from fakenews.training.ood import fit_ood

    settings = Settings.from_environment()
    stored = store.find(model, settings.models)
    classifier = store.load(stored, settings.device)
    table = _training_table(data, settings)
    frame = with_split(read_table(table))
    train, held_out = (joined_texts(frame[frame["split"] == part]) for part in ("train", "validation"))
    if not fit_ood(classifier, train, held_out, f"{table.stem}/validation", classifier.info_.get("seed", 42)):
        raise ValueError(f"{stored.name} has no measure of its own for how far a text lies from its training data.")
    model_folder.change_settings(stored.folder, novelty=classifier.info_["novelty"])
    centroids = getattr(classifier, "centroids_", None)
    if isinstance(centroids, Centroids):
        centroids.save(stored.folder)
    if model_folder.pins(stored.folder):
        model_folder.pin(stored.folder)
    typer.echo(
        f"{stored.name}: unlike the training data from a distance of {classifier.info_['novelty']['threshold']}."
    )


def _training_table(data: str | None, settings: Settings) -> Path:
    """Return the table given, by its path or as a corpus by its name, or ISOT's in the data folder."""
    from fakenews.data.registry import find_table

    if data is not None:
        return find_table(data, settings.data)
    if settings.data is None:
        raise ValueError("No data to train on: give --data, or set FAKENEWS_DATA to the folder of isot.parquet.")
    return settings.data / "isot.parquet"


def _evaluation_text(model: str, data: str, result: TableResult) -> str:
    from fakenews.reporting.digits import METRIC_NAMES, counted, metric_text
    from fakenews.schema import LABELS
    from fakenews.verdict import REASONS

    evaluation = result.evaluation
    lines = [f"{name:<24} {metric_text(evaluation, metric)!s:>24}" for metric, name in METRIC_NAMES.items()]
    for i, (label, row) in enumerate(zip(LABELS, evaluation.confusion_matrix, strict=True)):
        lines.append(f"{f'{label} recognized':<24} {f'{row[i]:,} of {sum(row):,}':>24}")
    verdicts = result.verdicts
    right = f", {verdicts.right:,} of them right" if verdicts.given else ""
    of = f"{verdicts.given:,} of the {counted(verdicts.n, 'article')} in {data}"
    lines.append(f"{model}, asked alone, gives a verdict on {of}{right}.")
    lines += [f"{count:>8,} {REASONS[reason]}" for reason, count in verdicts.reasons.items()]
    return "\n".join([*lines, "Ranges are 95% intervals."])
