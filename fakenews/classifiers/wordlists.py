"""Closed lists of English words that style is counted by; the words themselves stand in `wordlists.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

_LISTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

MEANINGS: dict[str, str] = {name: of["meaning"] for name, of in _LISTS.items()}

WORD_LISTS: dict[str, frozenset[str]] = {name: frozenset(of["words"].split()) for name, of in _LISTS.items()}

LISTS_OF: dict[str, tuple[str, ...]] = {
    word: tuple(name for name, words in WORD_LISTS.items() if word in words)
    for word in sorted(frozenset().union(*WORD_LISTS.values()))
}
