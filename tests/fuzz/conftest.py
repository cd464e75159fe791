"""Counts the inputs that were generated, so that a run can say how many there were."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

COUNTS: Counter[str] = Counter()


@pytest.fixture(scope="session")
def count(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """To be called with a name once for every input."""

    def one(name: str) -> None:
        COUNTS[name] += 1

    return one


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if COUNTS:
        terminalreporter.write_line(f"{COUNTS.total():,} generated inputs: {dict(COUNTS)}")


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory):
    """Return the whole server around a small model, without limits on one client."""
    import gradio as gr

    from fakenews.config import Settings
    from fakenews.engine import Engine
    from fakenews.server import create_app
    from tests.explain.toys import planted_corpus, small_tfidf

    folder = tmp_path_factory.mktemp("fuzz")
    small_tfidf().calibrate(*planted_corpus()).save(folder / "models" / "tfidf")
    settings = Settings(
        models=folder / "models",
        device="cpu",
        database_url=f"sqlite:///{folder / secrets.token_hex(4)}.db",
        verdicts_per_minute=0,
        api_docs=True,
    )

    async def made():  # a coroutine, because Gradio leaves event loops open where none runs
        with gr.Blocks() as blocks:
            gr.Textbox()
        return create_app(Engine.open(settings), settings, blocks=blocks, page={})

    return asyncio.run(made())


@pytest.fixture(scope="session")
def client(app) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
