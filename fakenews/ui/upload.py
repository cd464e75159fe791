"""A file that is too large is refused before it travels, where its result would stand and not as a toast."""

from __future__ import annotations

from fakenews.data.unpacked import MAX_UPLOAD
from fakenews.ui.scripts import on_load


def refusing(file_id: str) -> str:
    """Return the script of the HTML component whose click tells the name of a file that is too large as its `key`."""
    return on_load("upload", file=file_id, most=MAX_UPLOAD)


def too_large(name: str) -> str:
    """Return the beginning of a sentence that says so."""
    return f"{name[:80]} is larger than {MAX_UPLOAD // 1_000_000} MB"
