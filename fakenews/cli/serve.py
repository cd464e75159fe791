"""The command that serves page and API."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from fakenews.config import Settings

app = typer.Typer()


@app.command()
@app.command("app", hidden=True)
def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address; FAKENEWS_HOST or 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="FAKENEWS_PORT or 7860.")] = None,
) -> None:
    """Serve the page and the JSON API."""
    from fakenews import server

    settings = Settings.from_environment()
    server.serve(replace(settings, host=host or settings.host, port=port or settings.port))
