"""The articles that ship with the project: written for this demo; not evidence of accuracy.

All of them are fiction: wire style, tabloid hoax, satire, mixed signals, very short, very long, other languages. The
people, companies and publishers in them are invented.
"""

from __future__ import annotations

from pathlib import Path

NAME = "demo"
PATH = Path(__file__).resolve().parents[2] / "assets" / "demo" / "articles.jsonl"
