"""The articles that ship with the project: written for this demo; not evidence of accuracy.

All of them are fiction: wire style, tabloid hoax, satire, mixed signals, very short, very long, other languages. The
people, companies and publishers in them are invented.
"""

from __future__ import annotations

from pathlib import Path

from fakenews.data.base import DatasetSpec

PATH = Path(__file__).resolve().parents[2] / "assets" / "demo" / "articles.jsonl"

SPEC = DatasetSpec(
    name="demo",
    title="Demo articles",
    description="82 fictional articles written for this demo; not evidence of accuracy.",
    homepage="assets/demo/articles.jsonl",
    license="Apache-2.0",
    citation="Part of this project.",
    label_meaning="The style a text was written in: hoax, satire and hoax-like oddities are fake, news style is real.",
    n_rows=82,
    get_hint="It is part of the repository: assets/demo/articles.jsonl.",
)
