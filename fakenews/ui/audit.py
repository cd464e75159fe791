"""What a corpus gives away before any classifier has read it: the stored reports of `fakenews data audit`, drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

from fakenews.config import REPOSITORY
from fakenews.reporting.digits import share_text
from fakenews.ui import render

AUDITS = REPOSITORY / "assets" / "audits"
_STRINGS = 8  # of each class


@cache
def section(corpus: str) -> str:
    """Markup of the section for a corpus; of one without a stored report, how to make one."""
    path = AUDITS / f"{corpus}.json"
    if not path.is_file():
        return (
            "<h2>What this corpus gives away</h2>"
            '<p class="fn-meta">It was not audited here; “fakenews data audit TABLE” does that.</p>'
        )
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    drawn = f"{_reading(report)}{_rules(report)}{_strings(report)}"
    return f'<section class="fn-audit"><h2>What this corpus gives away</h2>{drawn}</section>'


def _reading(report: Mapping[str, Any]) -> str:
    n, counts = report["n"], report["counts"]
    majority = max(counts.values()) / n
    best = max(report["rules_raw"], key=lambda rule: float(rule["accuracy"]))
    left = next(rule for rule in report["rules_neutral"] if rule["name"] == best["name"])
    twins = f"{report['near_duplicates']:,} of {n:,} articles are near duplicates of another"
    conflicts = report["near_conflicts"]
    twins += f", {conflicts:,} groups of them with both labels" if conflicts else ""
    rule = ""
    if best["predicts"] and best["accuracy"] > majority + 0.02:
        rule = (
            f" One rule alone, to answer {best['predicts']} where an article {best['title']}, is right on "
            f"{_percent(best['accuracy'])} of the articles as they are, and on {_percent(left['accuracy'])} of the "
            f"neutral text that the models read; always answering with the larger class is right on "
            f"{_percent(majority)}."
        )
    else:
        rule = f" No single rule of the list does clearly better than the larger class, {_percent(majority)}."
    return f'<p class="fn-read">{escape(twins)}.{escape(rule)}</p>'


def _rules(report: Mapping[str, Any]) -> str:
    headers = (
        ("An article that", False), ("fake", True), ("real", True), ("right, as it is", True), ("right, cleaned", True),
    )  # fmt: skip
    fake, real = report["counts"]["fake"], report["counts"]["real"]
    after = {rule["name"]: rule for rule in report["rules_neutral"]}
    rows = [
        (
            "",
            (
                rule["title"],
                _share(rule["share_fake"], fake),
                _share(rule["share_real"], real),
                _percent(rule["accuracy"]),
                _percent(after[rule["name"]]["accuracy"]),
            ),
        )
        for rule in sorted(report["rules_raw"], key=lambda rule: -float(rule["accuracy"]))
    ]
    return render.table(headers, rows, "One-rule baselines")


def _strings(report: Mapping[str, Any]) -> str:
    parts = []
    for key, where in (("exclusive_raw", "as they are"), ("exclusive_neutral", "cleaned")):
        for label in ("fake", "real"):
            found = [s for s in report[key] if s["label"] == label][:_STRINGS]
            words = _listed(found) if found else "none in one article of a hundred"
            parts.append(f"<dt>only in {label} articles, {where}</dt><dd>{words}</dd>")
    return f'<dl class="fn-facts">{"".join(parts)}</dl>'


def _listed(strings: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"“{escape(str(s['string']))}” ({_percent(s['share'])})" for s in strings)


def _percent(share: float) -> str:
    return "> 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %" if share < 1 else "all"


def _share(share: float | None, n: int) -> str:
    return "–" if share is None else share_text(round(share * n), n)
