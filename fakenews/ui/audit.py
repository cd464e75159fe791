"""What a corpus gives away before any classifier has read it: the stored reports of `fakenews data audit`, drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from markupsafe import Markup

from fakenews.config import REPOSITORY
from fakenews.reporting.digits import share_text
from fakenews.ui.templates import draw

AUDITS = REPOSITORY / "assets" / "audits"
_STRINGS = 8  # of each class


@cache
def section(corpus: str) -> Markup:
    """Draw the section for a corpus; for one without a stored report, how to make one."""
    path = AUDITS / f"{corpus}.json"
    if not path.is_file():
        return draw("audit", "missing")
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return draw("audit", "section", reading=_reading(report), rules=_rules(report), strings=_strings(report))


def _reading(report: Mapping[str, Any]) -> str:
    n, conflicts = report["n"], report["near_conflicts"]
    majority = max(report["counts"].values()) / n
    best = max(report["rules_raw"], key=lambda rule: float(rule["accuracy"]))
    cleaned = next(rule for rule in report["rules_neutral"] if rule["name"] == best["name"])
    twins = f"{report['near_duplicates']:,} of {n:,} articles are near duplicates of another"
    twins += f", {conflicts:,} groups of them with both labels" if conflicts else ""
    if not best["predicts"] or best["accuracy"] <= majority + 0.02:
        return f"{twins}. No single rule of the list does clearly better than the larger class, {_percent(majority)}."
    return (
        f"{twins}. One rule alone ({best['predicts']} where it {best['title']}) is right on "
        f"{_percent(best['accuracy'])}, on cleaned text {_percent(cleaned['accuracy'])}, the larger class on "
        f"{_percent(majority)}."
    )


def _rules(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    fake, real = report["counts"]["fake"], report["counts"]["real"]
    after = {rule["name"]: rule for rule in report["rules_neutral"]}
    return [
        (
            rule["title"],
            _share(rule["share_fake"], fake),
            _share(rule["share_real"], real),
            _percent(rule["accuracy"]),
            _percent(after[rule["name"]]["accuracy"]),
        )
        for rule in sorted(report["rules_raw"], key=lambda rule: -float(rule["accuracy"]))
    ]


def _strings(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = []
    for key, state in (("exclusive_raw", "as they are"), ("exclusive_neutral", "cleaned")):
        for label in ("fake", "real"):
            strings = [s for s in report[key] if s["label"] == label][:_STRINGS]
            words = ", ".join(f"“{s['string']}” ({_percent(s['share'])})" for s in strings)
            facts.append((f"only in {label} articles, {state}", words or "none in one article of a hundred"))
    return facts


def _percent(share: float) -> str:
    return "> 99%" if 0.995 <= share < 1 else f"{100 * share:.0f}%" if share < 1 else "all"


def _share(share: float | None, n: int) -> str:
    return "–" if share is None else share_text(round(share * n), n)
