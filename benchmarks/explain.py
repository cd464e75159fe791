"""Our explanations beside the stock libraries: the same model, the same articles, one run on one machine.

    python -m benchmarks.explain [--quick]

`shap` and `lime` run at their defaults, by the adapters that the demo offers (`shap-library`, `lime-library`): on a
transformers pipeline at its defaults, which was the fastest of the batch sizes tried for both, and on our classifier,
whose passes are larger. `captum` and gradient x input are in the table for comparison. Every explanation is graded
between the same bounds: 0 for random orders of words, 1 for the best order of any method here.
Ctrl-C ends the run early, with the summary of what was measured. The last line is JSON.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

from benchmarks.results import store  # noqa: E402
from benchmarks.stock import StockClassifier  # noqa: E402
from fakenews.classifiers import precision  # noqa: E402
from fakenews.classifiers.base import clean_text  # noqa: E402
from fakenews.config import Settings  # noqa: E402
from fakenews.engine import Engine  # noqa: E402
from fakenews.engine.values import ExplanationRequest  # noqa: E402
from fakenews.explain.base import MaskedLogOdds  # noqa: E402
from fakenews.explain.faithfulness import N_RANDOM, SHARES, erased, greedy_order  # noqa: E402
from fakenews.explain.registry import EXPLAINERS, get, library_of  # noqa: E402
from fakenews.explain.surrogate import rank_agreement  # noqa: E402

LONG_WORDS = 5000  # of the article whose peak of memory is measured
OURS = {"gradient": "gradient (ours)", "shap": "SHAP (ours)", "lime": "LIME (ours)"}
SINGLE = {method: f"{OURS[method]}, single precision" for method in ("shap", "lime")}  # where bfloat16 is the default
SHAP_LIBRARY, LIME_LIBRARY, CAPTUM, TIMES_INPUT = (
    "shap 500 evaluations",
    "lime 5000 samples",
    "captum IG",
    "gradient x input",
)
LIBRARIES = {
    "shap-library": (SHAP_LIBRARY, f"{SHAP_LIBRARY}, our passes"),
    "lime-library": (LIME_LIBRARY, f"{LIME_LIBRARY}, our passes"),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="3 articles, one of them with lime: under 8 minutes")
    arguments.add_argument("--articles", type=int, default=20)
    arguments.add_argument("--lime-articles", type=int, help="so many of them with lime, 2 to 5 minutes each; all")
    arguments.add_argument("--words", type=int, nargs=2, default=(380, 420), metavar=("FROM", "TO"))
    arguments.add_argument(
        "--agreement", type=int, nargs=2, metavar=("SHAP", "LIME"),
        help="only that: so many articles of 80 to 130 words with shap, and of these with lime; minutes each",
    )  # fmt: skip
    arguments.add_argument("--memory-only", action="store_true", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.memory_only:
        return explain_a_long_article()
    engine = Engine.open(Settings.from_environment())
    classifier = engine.pool.classifier("tinybert")
    if options.agreement:
        return store("agreement", agreement(engine, classifier, *options.agreement))
    n_articles = 3 if options.quick else options.articles
    n_lime = 1 if options.quick else n_articles if options.lime_articles is None else options.lime_articles
    texts = pick_articles(engine, n_articles, *options.words)
    warm_up(classifier)
    rows: list[dict[str, Any]] = []
    try:
        for i, text in enumerate(texts):
            row = measure(engine, classifier, text, with_lime=i < n_lime)
            rows.append(row)
            told = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in row["seconds"].items())
            print(f"article {i + 1} of {len(texts)}, {row['n_words']} words: {told}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print(f"stopped after {len(rows)} articles", file=sys.stderr)
    summary = summarize(rows)
    summary["peak_mb_5000_words"] = peak_of_a_long_article()
    store("explain_quick" if options.quick else "explain", summary)


def pick_articles(engine: Engine, n: int, fewest: int, most: int) -> list[str]:
    """Return articles of so many words, half of them unseen ones of ISOT; else the demo's."""
    from fakenews.data.mix import with_split
    from fakenews.data.table import joined_texts

    classifier = engine.pool.classifier("tinybert")
    found: list[str] = []
    for corpus, wanted in (("isot", n - n // 2), ("webis2016", n // 4), ("fakenewsnet", n // 2 - n // 4)):
        try:
            frame = engine.evidence.corpus(corpus)
        except LookupError:
            continue
        if corpus == "isot":
            frame = with_split(frame)
            frame = frame[frame["split"] == "test"]
        few = (
            text
            for text in joined_texts(frame.sample(frac=1, random_state=0))
            if fewest <= len(clean_text(text).words) <= most
            and int((classifier.encode(text).word_index >= 0).sum()) <= 510
        )
        found += [text for _, text in zip(range(wanted), few, strict=False)]
    if not found:
        found = joined_texts(engine.evidence.corpus("demo"))[:n]
        print("No corpora are here (FAKENEWS_DATA): the demo's articles are used, of other lengths.", file=sys.stderr)
    return found


def captum(classifier: Any, text: str) -> np.ndarray:
    """Run `captum.attr.IntegratedGradients` at its 50 steps, from masked words."""
    from captum.attr import IntegratedGradients

    return _by_gradient(classifier, text, lambda f, x, b: IntegratedGradients(f).attribute(x, b, internal_batch_size=8))


def times_input(classifier: Any, text: str) -> np.ndarray:
    """Return the gradient times the way from masked words, at the text itself."""
    from captum.attr import InputXGradient

    return _by_gradient(classifier, text, lambda f, x, b: InputXGradient(f).attribute(x) * (x - b) / x)


def _by_gradient(c: Any, text: str, attribute: Callable[..., Any]) -> np.ndarray:
    import torch

    windows, margin_of = c.encode(text), c.log_odds_from_embeddings
    found = np.zeros(len(clean_text(text).words))
    for i, weight in enumerate(windows.weights.tolist()):
        length = int(windows.attention_mask[i].sum())
        ids, index = windows.input_ids[i : i + 1, :length], windows.word_index[i, :length]
        with torch.no_grad():
            x, b = c.embed(ids), c.embed(torch.where(index >= 0, c.mask_token_id, ids))
        mask = torch.ones_like(ids)
        pieces = attribute(lambda e, m=mask: margin_of(e, m.expand(len(e), -1)), x.requires_grad_(), b)
        known = index.numpy() >= 0
        np.add.at(found, index.numpy()[known], weight * pieces.detach().sum(-1)[0].numpy()[known])
    return found


def weights_of(method: str, text: str, classifier: Any, n_samples: int | None = None, seed: int = 0) -> np.ndarray:
    """Return weights towards fake of the words of `text` by a registered explainer."""
    found = EXPLAINERS[method].load().explain(text, classifier, n_samples=n_samples, seed=seed)
    return np.array([a.weight for a in found.attributions])


def warm_up(classifier: Any) -> None:
    text = "The council met on Tuesday. It said that the old bridge would be repaired before the winter."
    for method in OURS:
        weights_of(method, text, classifier)
    for method in LIBRARIES:
        weights_of(method, text, StockClassifier(classifier), 50)
    captum(classifier, text), times_input(classifier, text)


def measure(engine: Engine, classifier: Any, text: str, with_lime: bool) -> dict[str, Any]:
    """Return seconds and weights of every method on one article, and what the orders of its words reach."""
    seconds: dict[str, float] = {}
    weights: dict[str, np.ndarray] = {}

    def timed(name: str, explain: Callable[[], np.ndarray]) -> None:
        started = time.perf_counter()
        weights[name] = explain()
        seconds[name] = time.perf_counter() - started

    engine.judge.analyse(text)  # the verdict stands before anything is explained

    for method, name in OURS.items():
        timed(name, partial(weights_of, method, text, classifier))
    if precision.cpu_has_bfloat16():
        with patch.object(precision, "cpu_has_bfloat16", return_value=False):
            for method, name in SINGLE.items():
                timed(name, partial(weights_of, method, text, classifier))
    timed(TIMES_INPUT, lambda: times_input(classifier, text))
    timed(CAPTUM, lambda: captum(classifier, text))
    for method, (of_stock, of_ours) in LIBRARIES.items():
        if with_lime or method != "lime-library":
            timed(of_stock, partial(weights_of, method, text, StockClassifier(classifier)))
            timed(of_ours, partial(weights_of, method, text, classifier))
    return {"n_words": len(clean_text(text).words), "seconds": seconds, **grades(classifier, text, weights)}


def grades(classifier: Any, text: str, weights: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return comprehensiveness and sufficiency of every order, bare and between random and the best order here."""
    n = len(clean_text(text).words)
    margins = MaskedLogOdds(text, classifier, 1, lambda share: None)
    full = float(margins(np.ones((1, n), dtype=bool))[0])
    lean, rng = (1.0 if full >= 0 else -1.0), np.random.default_rng(0)
    random = np.mean([erased(margins, rng.permutation(n), lean, full) for _ in range(N_RANDOM)], axis=0)
    bare = {name: erased(margins, np.argsort(-lean * w, kind="stable"), lean, full) for name, w in weights.items()}
    bare["greedy search"] = erased(margins, greedy_order(text, classifier, lean, lambda share: None), lean, full)
    best = max(c for c, _ in bare.values()), min(s for _, s in bare.values())
    return {
        "comprehensiveness": {k: c for k, (c, _) in bare.items()},
        "normalized": {k: (c - random[0]) / (best[0] - random[0]) for k, (c, _) in bare.items()},
        "normalized_sufficiency": {k: (random[1] - s) / (random[1] - best[1]) for k, (_, s) in bare.items()},
    }


def summarize(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Print the table and give the figures of the last line."""

    def mean(key: str, name: str, among: list[dict[str, Any]]) -> float:
        return float(np.mean([row[key][name] for row in among]))

    names = dict.fromkeys(name for row in rows for name in row["normalized"])
    shares = ", ".join(f"{share:.0%}" for share in SHARES)
    print(f"{len(rows)} articles; words removed: {shares}; comprehensiveness on log-odds")
    print(f"{'':<30}{'articles':>9}{'seconds':>9}{'comprehensiveness':>19}{'normalized':>12}{'sufficiency, norm.':>20}")
    for name in names:
        here = [row for row in rows if name in row["normalized"]]
        took = f"{mean('seconds', name, here):9.2f}" if name in here[0]["seconds"] else f"{'':>9}"
        print(
            f"{name:<30}{len(here):>9}{took}{mean('comprehensiveness', name, here):>19.2f}"
            f"{mean('normalized', name, here):>12.3f}{mean('normalized_sufficiency', name, here):>20.3f}"
        )
    with_lime = [row for row in rows if LIME_LIBRARY in row["seconds"]]

    def ratio(key: str, first: str, second: str, among: list[dict[str, Any]]) -> float | None:
        there = [row for row in among if first in row[key] and second in row[key]]
        return round(mean(key, first, there) / mean(key, second, there), 3) if there else None

    return {
        "shap_speedup": ratio("seconds", SHAP_LIBRARY, OURS["shap"], rows),
        "lime_speedup": ratio("seconds", LIME_LIBRARY, OURS["lime"], with_lime),
        "shap_speedup_our_passes": ratio("seconds", LIBRARIES["shap-library"][1], OURS["shap"], rows),
        "lime_speedup_our_passes": ratio("seconds", LIBRARIES["lime-library"][1], OURS["lime"], with_lime),
        "shap_speedup_single": ratio("seconds", SHAP_LIBRARY, SINGLE["shap"], rows),
        "lime_speedup_single": ratio("seconds", LIME_LIBRARY, SINGLE["lime"], with_lime),
        "shap_faithfulness_ratio": ratio("normalized", OURS["shap"], SHAP_LIBRARY, rows),
        "lime_faithfulness_ratio": ratio("normalized", OURS["lime"], LIME_LIBRARY, with_lime),
        "first_highlight_seconds": round(mean("seconds", OURS["gradient"], rows), 3),
        "seconds": {
            name: round(mean("seconds", name, [r for r in rows if name in r["seconds"]]), 3)
            for name in dict.fromkeys(name for row in rows for name in row["seconds"])
        },
        "normalized": {
            name: round(mean("normalized", name, [r for r in rows if name in r["normalized"]]), 3) for name in names
        },
        "counts": {name: sum(name in row["seconds"] for row in rows) for name in names},
        "articles": len(rows),
        "lime_articles": len(with_lime),
    }


def agreement(engine: Engine, classifier: Any, n_shap: int, n_lime: int) -> dict[str, Any]:
    """Rank correlation with the library's answer at ten times its default, ours and its own at its default.

    The library is asked the same question, log-odds and masked places; "top" is over the 20 words strongest in either.
    """
    from scipy.stats import spearmanr

    def compared(a: np.ndarray, b: np.ndarray) -> list[float]:
        return [float(spearmanr(a, b).statistic), rank_agreement(a, b)]

    found: dict[str, list[list[float]]] = {}
    articles = pick_articles(engine, n_shap, 80, 130)
    try:
        for method, text in [*(("shap", text) for text in articles), *(("lime", text) for text in articles[:n_lime])]:
            library = get(library_of(method))
            large = weights_of(library.name, text, classifier, 10 * library.default_samples)
            small, ours = weights_of(library.name, text, classifier, seed=1), weights_of(method, text, classifier)
            found.setdefault(f"{method}, ours", []).append(compared(ours, large))
            found.setdefault(f"{method}, library", []).append(compared(small, large))
            last = {k: np.round(v[-1], 2).tolist() for k, v in found.items() if k.startswith(method)}
            print(f"{len(clean_text(text).words)} words: {last}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("stopped early", file=sys.stderr)
    return {
        name: {
            "articles": len(rows),
            **dict(zip(("all words", "top words"), np.round(np.mean(rows, axis=0), 3).tolist(), strict=True)),
        }
        for name, rows in found.items()
    }


def peak_of_a_long_article() -> float:
    """Return the megabytes of a process that judges and explains an article of `LONG_WORDS` words in every way."""
    command = [sys.executable, "-m", "benchmarks.explain", "--memory-only"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    return float(done.stdout.strip().splitlines()[-1])


def explain_a_long_article() -> None:
    from dataclasses import replace

    from fakenews.data.table import joined_texts

    engine = Engine.open(replace(Settings.from_environment(), max_chars=100_000))
    text = " ".join(_words(joined_texts(engine.evidence.corpus("demo"))))
    text = engine.judge.check("", text)
    engine.judge.analyse(text)
    for method in engine.explainers.methods("tinybert"):
        engine.explainers.explain(ExplanationRequest(text, "tinybert", method))
    status = Path("/proc/self/status").read_text(encoding="utf-8")  # getrusage would count the parent's peak too
    print(round(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1000, 1))


def _words(texts: list[str]) -> Iterator[str]:
    words = " ".join(texts).split()
    for i in range(LONG_WORDS):
        yield words[i % len(words)]


if __name__ == "__main__":
    main()
