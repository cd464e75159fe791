"""Answers to a review set as files: CSV that spreadsheets do not run, JSON lines, and all of it as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fakenews.batch.spreadsheet import safe_cell, table_csv
from fakenews.review_sets.statistics import SetSummary, marked, summarize
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.values import Results

COLUMNS = (
    "reviewer", "name", "article", "corpus", "article_id", "label", "heading", "verdict", "confidence", "seconds",
    "after", "comment", "spans",
)  # fmt: skip


def read(sets: SetStore, owner: str, id_: str) -> tuple[Results, SetSummary]:
    """Return a set and what its answers come to; raise as `SetStore.results` does."""
    results = sets.results(owner, id_)
    numbers = marked(results)
    return results, summarize(results, sets.weights(owner, id_, numbers) if numbers else {})


def to_csv(results: Results) -> str:
    """Return one line per answer, by reviewer and article.

    The columns are `COLUMNS`, then `<model>_p_fake` and `<model>_verdict` of each model. Articles are counted from 1,
    as people see them. Spans are "start-end" of characters of the text, between spaces.
    """
    models = _models(results)
    header = (*COLUMNS, *(f"{model}_{what}" for model in models for what in ("p_fake", "verdict")))
    rows = []
    for row in _rows(results):
        answers = [row["models"].get(model, {"p_fake": "", "verdict": ""}) for model in models]
        rows.append(
            (
                row["reviewer"],
                safe_cell(row["name"]),
                row["article"] + 1,
                safe_cell(row["corpus"]),
                safe_cell(row["article_id"]),
                row["label"],
                safe_cell(row["heading"]),
                row["verdict"],
                row["confidence"],
                row["seconds"],
                row["after"],
                safe_cell(row["comment"]),
                " ".join(f"{start}-{end}" for start, end in row["spans"]),
                *(answer[what] for answer in answers for what in ("p_fake", "verdict")),
            )
        )
    return table_csv(header, rows)


def to_jsonl(results: Results) -> str:
    """Return one line of JSON per answer, as in `to_csv` but with texts as they are.

    Articles are counted from 0, as the API counts them. Spans are [start, end], and `models` has `p_fake` and `verdict`
    of each model.
    """
    return "".join(f"{json.dumps(row, allow_nan=False)}\n" for row in _rows(results))


def to_json(results: Results, summary: SetSummary) -> dict[str, Any]:
    """Return the set, its articles, reviewers and answers, and what they come to; articles are counted from 0."""
    return {
        "set": results.set.to_dict(),
        "articles": [
            {
                "number": item.number,
                "corpus": item.corpus,
                "article_id": item.article,
                "label": item.label,
                "heading": item.heading,
                "models": [model.to_dict() for model in item.models],
                "problem": item.problem,
            }
            for item in results.items
        ],
        "reviewers": [
            {
                "number": r.number,
                "name": r.name,
                "begun": r.begun,
                "order": list(r.order),
                "answers": [r.answers[number].to_dict() for number in sorted(r.answers)],
            }
            for r in results.reviewers
        ],
        "summary": summary.to_dict(),
    }


def _models(results: Results) -> list[str]:
    return list(dict.fromkeys(m.model for item in results.items for m in item.models))


def _rows(results: Results) -> Iterator[dict[str, Any]]:
    """Yield every answer with what it is about."""
    about = {
        item.number: {
            "article": item.number,
            "corpus": item.corpus,
            "article_id": item.article,
            "label": item.label,
            "heading": item.heading,
        }
        for item in results.items
    }
    models = {
        item.number: {m.model: {"p_fake": m.p_fake, "verdict": m.verdict} for m in item.models}
        for item in results.items
    }
    for reviewer in results.reviewers:
        for number, answer in sorted(reviewer.answers.items()):
            said = {k: v for k, v in answer.to_dict().items() if k != "number"}
            yield {
                "reviewer": reviewer.number,
                "name": reviewer.name,
                **about[number],
                **said,
                "models": models[number],
            }
