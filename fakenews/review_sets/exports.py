"""Answers to a review set as files: CSV that spreadsheets do not run, JSON lines, and all of it as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fakenews.batch.spreadsheet import safe_cell, table_csv
from fakenews.review_sets.statistics import SetSummary, marked
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.values import Item, Results, Weights

COLUMNS = (
    "reviewer", "name", "article", "corpus", "article_id", "label", "heading", "verdict", "confidence", "seconds",
    "after", "comment", "spans",
)  # fmt: skip


def read(sets: SetStore, owner: str, id_: str) -> tuple[Results, dict[int, dict[str, Weights]]]:
    """Return a set, and the weights that `summarize` needs with it; raise as `SetStore.results` does."""
    results = sets.results(owner, id_)
    numbers = marked(results)
    return results, sets.weights(owner, id_, numbers) if numbers else {}


def to_csv(results: Results) -> str:
    """Return one line per answer, by reviewer and article.

    The columns are `COLUMNS`, then `<model>_p_fake` and `<model>_verdict` of each model. Articles are counted from 1,
    as people see them. Spans are "start-end" of characters of the text, between spaces.
    """
    models = list(dict.fromkeys(m.model for item in results.items for m in item.models))
    header = (*COLUMNS, *(f"{model}_{what}" for model in models for what in ("p_fake", "verdict")))
    nothing = {"p_fake": "", "verdict": ""}
    rows = (
        (
            row["reviewer"],
            safe_cell(row["name"]),
            row["number"] + 1,
            *(safe_cell(row[key]) for key in ("corpus", "article")),
            row["label"],
            safe_cell(row["heading"]),
            *(row[key] for key in ("verdict", "confidence", "seconds", "after")),
            safe_cell(row["comment"]),
            " ".join(f"{start}-{end}" for start, end in row["spans"]),
            *(row["models"].get(model, nothing)[what] for model in models for what in nothing),
        )
        for row in _rows(results)
    )
    return table_csv(header, rows)


def to_jsonl(results: Results) -> str:
    """Return one line of JSON per answer with what it is about, texts as they are.

    Articles are counted from 0, as the API counts them. Spans are [start, end], and `models` has `p_fake` and `verdict`
    of each model.
    """
    return "".join(f"{json.dumps(row, allow_nan=False)}\n" for row in _rows(results))


def to_json(results: Results, summary: SetSummary) -> dict[str, Any]:
    """Return the set, its articles, reviewers and answers, and what they come to; articles are counted from 0."""
    return {
        "set": results.set.to_dict(),
        "items": [
            {**_about(item), "problem": item.problem, "models": [m.to_dict() for m in item.models]}
            for item in results.items
        ],
        "reviewers": [
            {
                **{key: getattr(reviewer, key) for key in ("number", "name", "begun")},
                "order": list(reviewer.order),
                "answers": [answer.to_dict() for _, answer in sorted(reviewer.answers.items())],
            }
            for reviewer in results.reviewers
        ],
        "summary": summary.to_dict(),
    }


def _about(item: Item) -> dict[str, Any]:
    return {key: getattr(item, key) for key in ("number", "label", "corpus", "article", "heading")}


def _rows(results: Results) -> Iterator[dict[str, Any]]:
    """Yield every answer with what it is about."""
    items = {item.number: _about(item) for item in results.items}
    models = {
        item.number: {m.model: {"p_fake": m.p_fake, "verdict": m.verdict} for m in item.models}
        for item in results.items
    }
    for reviewer in results.reviewers:
        about = {"reviewer": reviewer.number, "name": reviewer.name}
        for number, answer in sorted(reviewer.answers.items()):
            yield {**about, **items[number], **answer.to_dict(), "models": models[number]}
