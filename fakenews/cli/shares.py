"""Commands on shared analyses: export, share, reviews, unshare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fakenews.cli.inputs import open_article
from fakenews.cli.options import AsJson, Encoding, File, Models, Title
from fakenews.cli.output import print_json, progress
from fakenews.config import Settings

if TYPE_CHECKING:
    from fakenews.engine import Engine
    from fakenews.share.snapshot import Snapshot

Method = Annotated[str | None, typer.Option("--method", help="Explanation; each model's quickest otherwise.")]

app = typer.Typer()


@app.command()
def export(
    file: File,
    out: Annotated[Path, typer.Option("--out", help="File to write: .html, .json or .csv says which.")],
    model: Models = None,
    method: Method = None,
    title: Title = "",
    encoding: Encoding = "",
) -> None:
    """Write an analysis to a file: a page that needs nothing else, JSON, or the weight of every word as CSV."""
    from fakenews.ui.export import MEDIA, write

    kind = out.suffix.lower().removeprefix(".")
    if kind not in MEDIA:
        raise ValueError(f"Cannot write {out.name!r}: --out must end in .{', .'.join(MEDIA)}.")
    content, _ = write(_snapshot(file, title, encoding, model, method)[1], kind)
    out.write_text(content, encoding="utf-8")
    typer.echo(f"{out}: {out.stat().st_size / 1000:.0f} kB.")


@app.command()
def share(
    file: File,
    model: Models = None,
    method: Method = None,
    title: Title = "",
    encoding: Encoding = "",
    redact: Annotated[bool, typer.Option("--redact", help="Leave the text out.")] = False,
    blind: Annotated[bool, typer.Option("--blind", help="Readers give their own verdict first.")] = False,
    days: Annotated[int, typer.Option("--days", help="How long the link lives: 7, 30 or 90.")] = 90,
    owner: Annotated[str, typer.Option("--owner", help="Key of an earlier share, to keep reviews together.")] = "",
    as_json: AsJson = False,
) -> None:
    """Share an analysis under a link of the server that uses the same storage."""
    from fakenews.share.store import ShareStore

    engine, snapshot = _snapshot(file, title, encoding, model, method)
    store = ShareStore.of(engine.settings)
    link = store.share(snapshot, owner=owner, redact=redact, blind=blind, days=days)
    base = engine.settings.public_url or f"http://{engine.settings.host}:{engine.settings.port}"
    fields = link.to_dict(base)
    if as_json:
        return print_json(fields)
    typer.echo(f"For reviewers: {fields['link']}\nYour own:      {fields['owner_link']}")


@app.command()
def reviews(
    owner: Annotated[str, typer.Argument(help='Key that "share" gave.')],
    lines: Annotated[bool, typer.Option("--jsonl", help="A line of JSON for every review.")] = False,
) -> None:
    """Print everything shared under an owner's key, with reviews and agreement, as JSON."""
    from fakenews.share.listing import listing, review_lines
    from fakenews.share.store import ShareStore

    shares = ShareStore.of(Settings.from_environment()).owned(owner)
    if lines:
        return typer.echo(review_lines(shares), nl=False)
    print_json(listing(shares))


@app.command()
def unshare(
    owner: Annotated[str, typer.Argument(help='Key that "share" gave.')],
    id_: Annotated[str, typer.Argument(metavar="ID", help="Id of what is to be deleted.")],
) -> None:
    """Delete what was shared, with its reviews."""
    from fakenews.share.store import ShareStore

    ShareStore.of(Settings.from_environment()).delete(owner, id_)
    typer.echo("Deleted; its link leads nowhere now.")


def _snapshot(
    file: str, title: str, encoding: str, models: list[str] | None, method: str | None
) -> tuple[Engine, Snapshot]:
    from fakenews.share.snapshot import make

    engine, text = open_article(file, title, encoding)
    return engine, make(engine, text, models, method, progress("explaining"))
