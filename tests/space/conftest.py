"""A repository to spoil, and a Hub of the tests' own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakenews.config import REPOSITORY
from tests.space.hub import Hub

PARTS = (
    "app.py", "assets", "fakenews", "models", "LICENSE", "README.md", "Spacefile", "requirements.txt",
    "requirements.lock",
)  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return what a bundle is made of; files are links, so write to them with `rewrite`."""
    root = tmp_path / "repository"
    root.mkdir()

    def link(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)

    for part in PARTS:
        if (REPOSITORY / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / part, root / part, copy_function=link, ignore=ignored)
        else:
            shutil.copyfile(REPOSITORY / part, root / part)
    return root


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Yield a Hub on the loopback; the client may call it, without the waits it would make on a real network."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
    server = Hub()
    yield server
    server.close()
