"""`fakenews space …`: check, render, plan, deploy, drift."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fakenews.cli.output import note
from fakenews.config import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakenews.space.bundle import BundledFile
    from fakenews.space.deploy import Deployment
    from fakenews.space.spacefile import Spacefile, Target

app = typer.Typer(rich_markup_mode=None, help="Turn this repository into a Hugging Face Space.")

Root = Annotated[Path, typer.Option("--root", help="Folder of the Spacefile.")]
TargetName = Annotated[str | None, typer.Option("--target", help="gpu, zero or cpu; the Spacefile's own if left out.")]
Id = Annotated[str | None, typer.Option("--id", help="OWNER/NAME of the Space instead of the Spacefile's.")]
FAILED = 1


@app.command()
def check(
    root: Root = REPOSITORY,
    target: TargetName = None,
    imports: Annotated[bool, typer.Option(help="Lay the bundle out and import it.")] = True,
) -> None:
    """Look for whatever would go wrong, without a network; every problem is one sentence with its remedy."""
    from fakenews.space.check import check as problems_of

    problems = problems_of(root, target, imports=imports)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(FAILED)
    typer.echo("The Space can be deployed.")


@app.command()
def render(
    root: Root = REPOSITORY,
    target: TargetName = None,
    out: Annotated[Path | None, typer.Option("--out", help="Empty folder to lay the Space out in.")] = None,
) -> None:
    """Write README's YAML block from the Spacefile, or the whole Space into a folder; a second time nothing changes."""
    from fakenews.space.bundle import README, REQUIREMENTS, front_matter, lay_out, with_front_matter

    if out is not None:
        if out.exists() and any(out.iterdir()):
            raise ValueError(f"{out} is not empty: name a new folder.")
        *_, files = _bundled(root, target, None)
        lay_out(files, out)
        typer.echo(f"{len(files)} files were written to {out}.")
        return
    if target is not None:
        raise ValueError("README is rendered for the target of [hardware]: name another with --out only.")
    spacefile, path = _spacefile(root, None), root / README
    was = path.read_text(encoding="utf-8")
    block = front_matter(spacefile, spacefile.target(), (root / REQUIREMENTS).read_text(encoding="utf-8"))
    rendered = with_front_matter(was, block)
    if rendered == was:
        typer.echo("Nothing had to be changed.")
        return
    path.write_text(rendered, encoding="utf-8")
    typer.echo(f"{path} was written.")


@app.command()
def plan(root: Root = REPOSITORY, target: TargetName = None, space_id: Id = None) -> None:
    """Print every call a deployment would make, and what the hardware costs; nothing is called."""
    from fakenews.space.plan import make_plan

    typer.echo(str(make_plan(*_bundled(root, target, space_id))))


@app.command()
def deploy(
    root: Root = REPOSITORY,
    target: TargetName = None,
    space_id: Id = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Upload, wait until it runs, ask it for a verdict; on any failure bring back what was live."""
    from fakenews.space.check import check as problems_of
    from fakenews.space.deploy import DeployError, NotBegun

    problems = problems_of(root, target)
    if problems:
        raise ValueError(f'Nothing was changed. {problems[0]} ({len(problems)} in all: "fakenews space check".)')
    plan(root, target, space_id)
    if not yes and not typer.confirm("Do this?"):
        typer.echo("Nothing was changed.")
        raise typer.Exit(FAILED)
    try:
        address = _deployment(root, target, space_id).run()
    except NotBegun:
        raise
    except DeployError as error:
        note(str(error))
        raise typer.Exit(FAILED) from None
    typer.echo(f"Live at {address}")


@app.command()
def drift(root: Root = REPOSITORY, target: TargetName = None, space_id: Id = None) -> None:
    """Print what of the live Space is not as it is here; exit code 1 if anything is, 2 if the Hub did not say."""
    differences = _deployment(root, target, space_id).drift()
    for difference in differences:
        typer.echo(difference)
    if differences:
        raise typer.Exit(FAILED)
    typer.echo("The Space is as it is here.")


def _spacefile(root: Path, space_id: str | None) -> Spacefile:
    from fakenews.space.spacefile import NAME, Space, read_spacefile

    spacefile = read_spacefile(root / NAME)
    if space_id is None:
        return spacefile
    try:
        space = Space.model_validate({**spacefile.space.model_dump(), "id": space_id})
    except ValueError:
        raise ValueError(f"{space_id!r} is no name of a Space: give OWNER/NAME.") from None
    return spacefile.model_copy(update={"space": space})


def _bundled(root: Path, target: str | None, space_id: str | None) -> tuple[Spacefile, Target, Sequence[BundledFile]]:
    from fakenews.space.bundle import bundle

    spacefile = _spacefile(root, space_id)
    chosen = spacefile.target(target)
    return spacefile, chosen, bundle(root, spacefile, chosen)


def _deployment(root: Path, target: str | None, space_id: str | None) -> Deployment:
    from huggingface_hub import HfApi, get_token

    from fakenews.space.deploy import Deployment

    spacefile, chosen, files = _bundled(root, target, space_id)
    token = get_token()
    if token is None:
        raise ValueError('There is no token of the Hub: run "hf auth login", or set HF_TOKEN.')
    secrets = {name: os.environ[name] for name in spacefile.secrets.required if name in os.environ}
    return Deployment(
        HfApi(token=token), spacefile, chosen, files, secrets=secrets, report=note,
    )  # fmt: skip
