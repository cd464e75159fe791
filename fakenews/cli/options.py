"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[str, typer.Argument(metavar="FILE|-", help="Article as plain text; - reads standard input.")]
Table = Annotated[Path, typer.Argument(metavar="PATH", help="Labeled table: CSV, TSV, JSON or parquet.")]
Encoding = Annotated[str, typer.Option("--encoding", help="Of the text, such as cp1251; detected if left out.")]
Fake = Annotated[
    str, typer.Option("--fake", metavar="VALUE", help="Label that means fake; 0, fake or false if left out.")
]
Title = Annotated[str, typer.Option("--title", help="Title of the article.")]
Model = Annotated[str, typer.Option("--model", help="Name of a model, or its folder.")]
Models = Annotated[list[str] | None, typer.Option("--model", help="Model to ask; may be repeated.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
