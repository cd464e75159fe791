"""`fakenews data …`: audit, get, split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fakenews.cli.options import AsJson, Encoding, Fake, Table
from fakenews.cli.output import print_json, progress

app = typer.Typer(rich_markup_mode=None, help="Bring, check and split labeled tables.")


@app.command("audit")
def data_audit(path: Table, encoding: Encoding = "", fake: Fake = "", as_json: AsJson = False) -> None:
    """Measure what a table gives away: duplicates, contradictions, one-rule baselines, class-exclusive strings."""
    from fakenews.data.audit import audit, describe
    from fakenews.data.table import read_labeled

    read = read_labeled(path, encoding, fake)
    report = audit(read.frame, progress=progress("auditing"))
    if as_json:
        return print_json({**report.to_dict(), "read": read.to_dict()})
    typer.echo("\n".join([describe(report), *read.notes()]))


@app.command("get")
def data_get(
    corpus: Annotated[str, typer.Argument(help="Name of a corpus, such as isot.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for CORPUS.parquet, for FAKENEWS_DATA to name.")],
    source: Annotated[Path | None, typer.Option("--source", help="Folder that holds Fake.csv and True.csv.")] = None,
) -> None:
    """Bring the text of a corpus, from the Hugging Face Hub or from a folder."""
    from fakenews.data.fetch import get

    typer.echo(f"{corpus} is in {get(corpus, out, source)}.")


@app.command("split")
def data_split(
    path: Table,
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    encoding: Encoding = "",
    fake: Fake = "",
) -> None:
    """Add the columns group and split: 70/15/15, near duplicates never in two parts."""
    from fakenews.data.duplicates import near_duplicate_groups
    from fakenews.data.splits import SPLITS, grouped_split
    from fakenews.data.table import read_labeled, write_table

    if out.suffix.lower() != ".parquet":
        raise ValueError(f"Cannot write {out.name!r}: --out must end in .parquet.")
    read = read_labeled(path, encoding, fake)
    frame = read.frame
    groups = near_duplicate_groups(frame["text"].tolist(), progress=progress("grouping"))
    frame = frame.assign(split=grouped_split(frame["label"].tolist(), groups), group=groups)
    write_table(frame, out)
    sizes = ", ".join(f"{(frame['split'] == name).sum():,} {name}" for name in SPLITS)
    typer.echo(f"{out}: {sizes}; {frame['group'].nunique():,} groups of near duplicates in {len(frame):,} rows.")
    typer.echo("\n".join(read.notes()))
