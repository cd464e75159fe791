"""The engine, and the article that a command is given."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fakenews.config import Settings

if TYPE_CHECKING:
    from fakenews.engine import Engine

MAX_BYTES = 10_000_000  # of an article; far more than any limit on characters


def open_engine() -> Engine:
    """Return the engine under the settings of the environment."""
    from fakenews.engine import Engine

    return Engine.open(Settings.from_environment())


def open_article(file: str, title: str, encoding: str) -> tuple[Engine, str]:
    """Return the engine and the text of a file, checked by them."""
    engine = open_engine()
    return engine, engine.judge.check(title, read_article(file, encoding))


def read_article(file: str, encoding: str = "") -> str:
    """Return the text of a file, or of standard input for "-", in the encoding named or one that is detected.

    Raise `OSError` if the file cannot be read; `ValueError` if it holds more than 10 MB, or no text that can be
    decoded.
    """
    from fakenews.data.formats import refuse_other
    from fakenews.data.lines import decode_text

    if file == "-":
        if sys.stdin is None:
            raise ValueError("Standard input is closed: name a file, or pipe the article in.")
        name, raw = "The text", sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        name = Path(file).name
        with Path(file).open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ValueError(f"{file} holds more than {MAX_BYTES // 1_000_000} MB: give one article.")
    refuse_other(raw[:4096], name, encoding)
    return decode_text(raw, name, encoding)
