"""Our explanations beside the stock libraries: the same model, the same articles, one run on one machine.

    python -m benchmarks.explain [--quick]

`shap.Explainer` and `LimeTextExplainer` run at their defaults on a transformers pipeline at its defaults, which was the
fastest of the batch sizes tried for both; `captum` and gradient x input are in the table for comparison. Every
explanation is graded between the same bounds: 0 for random orders of words, 1 for the best order of any method here.
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
from contextlib import redirect_stderr
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

from benchmarks.results import store  # noqa: E402
from benchmarks.stock import stock_model  # noqa: E402
from fakenews.classifiers import precision  # noqa: E402
from fakenews.classifiers.base import clean_text  # noqa: E402
from fakenews.classifiers.probe import mean_states  # noqa: E402
from fakenews.config import Settings  # noqa: E402
from fakenews.engine import Engine  # noqa: E402
from fakenews.engine.values import ExplanationRequest  # noqa: E402
from fakenews.explain.base import MaskedLogOdds  # noqa: E402
from fakenews.explain.faithfulness import N_RANDOM, SHARES, erased, greedy_order  # noqa: E402
from fakenews.explain.registry import EXPLAINERS  # noqa: E402
from fakenews.explain.surrogate import rank_agreement  # noqa: E402
from fakenews.schema import FAKE, LABELS  # noqa: E402

LIBRARY_SHAP, LIBRARY_LIME = 500, 5000  # evaluations and samples by default
LONG_WORDS = 5000  # of the article whose peak of memory is measured
OURS = {"gradient": "gradient (ours)", "shap": "SHAP (ours)", "lime": "LIME (ours)"}
SINGLE = {method: f"{OURS[method]}, single precision" for method in ("shap", "lime")}  # where bfloat16 is the default
SHAP_LIBRARY, LIME_LIBRARY, CAPTUM, TIMES_INPUT = (
    "shap 500 evaluations",
    "lime 5000 samples",
    "captum IG",
    "gradient x input",
)


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
        return store("agreement", agreement(engine, classifier, Stock(classifier), *options.agreement))
    n_articles = 3 if options.quick else options.articles
    n_lime = 1 if options.quick else n_articles if options.lime_articles is None else options.lime_articles
    texts = pick_articles(engine, n_articles, *options.words)
    stock = Stock(classifier)
    warm_up(engine, stock)
    rows: list[dict[str, Any]] = []
    try:
        for i, text in enumerate(texts):
            row = measure(engine, classifier, stock, text, with_lime=i < n_lime)
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


class Stock:
    """The libraries as their manuals show them, on the neutral text, with the same function as our classifier."""

    def __init__(self, classifier: Any) -> None:
        import transformers

        self.classifier = classifier
        self.pipeline = transformers.pipeline(
            "text-classification", model=_with_probe(classifier), tokenizer=classifier.tokenizer, device="cpu",
            top_k=None, truncation=True,
        )  # fmt: skip

    def probabilities(self, texts: list[str]) -> np.ndarray:
        """Return the columns fake and real."""
        found = ({d["label"]: d["score"] for d in scores} for scores in self.pipeline(list(texts)))
        return np.array([[scores["fake"], scores["real"]] for scores in found])

    def shap(self, text: str, evaluations: int | None = None, logits: bool = False, seed: int = 0) -> np.ndarray:
        """Return values towards fake on the words of `text`, as `shap.Explainer(pipeline)` gives them."""
        import shap

        np.random.seed(seed)  # the library draws ties from it
        model = shap.models.TransformersPipeline(self.pipeline, rescale_to_logits=logits)
        explainer = shap.Explainer(model, shap.maskers.Text(self.classifier.tokenizer), seed=seed)
        with redirect_stderr(StringIO()):
            found = explainer(
                [clean_text(text).neutral.text], **({} if evaluations is None else {"max_evals": evaluations})
            )
        column = list(found.output_names).index("fake")
        tokens = [str(token) for token in found.data[0]]
        starts = np.cumsum([0, *map(len, tokens)])[:-1] + [len(t) - len(t.lstrip()) for t in tokens]
        return on_words(text, starts, found.values[0][:, column])

    def lime(self, text: str, samples: int = LIBRARY_LIME, seed: int = 0) -> np.ndarray:
        """Return weights towards fake on the words of `text`, as `LimeTextExplainer` gives them at its defaults."""
        from lime.lime_text import LimeTextExplainer

        neutral = clean_text(text).neutral.text
        local = dict(
            LimeTextExplainer(random_state=seed)
            .explain_instance(neutral, self.probabilities, labels=(0,), num_features=10**6, num_samples=samples)
            .as_list(0)
        )
        return np.array([local.get(neutral[w.start : w.end], 0.0) for w in clean_text(text).words])

    def lime_as_asked(self, text: str, samples: int, seed: int) -> np.ndarray:
        """Return the weights of `LimeTextExplainer` for what we ask: log-odds, each occurrence of a word apart, masked.

        Its text is a name for each word, so that what it removes is known by place.
        """
        from lime.lime_text import LimeTextExplainer

        places, gone = range(len(clean_text(text).words)), "#"
        margins = MaskedLogOdds(text, self.classifier, samples, lambda share: None)

        def log_odds(samples: list[str]) -> np.ndarray:
            found = margins(np.array([[name != gone for name in sample.split()] for sample in samples]))
            return np.column_stack([found, -found])

        local = LimeTextExplainer(split_expression=r"\s+", bow=False, mask_string=gone, random_state=seed)
        names = " ".join(map(str, places))
        found = local.explain_instance(names, log_odds, labels=(0,), num_features=10**6, num_samples=samples)
        weights = dict(found.local_exp[0])
        return np.array([weights.get(i, 0.0) for i in places])

    def captum(self, text: str) -> np.ndarray:
        """Run `captum.attr.IntegratedGradients` at its 50 steps, from masked words."""
        from captum.attr import IntegratedGradients

        return self._by_gradient(text, lambda f, x, b: IntegratedGradients(f).attribute(x, b, internal_batch_size=8))

    def times_input(self, text: str) -> np.ndarray:
        """Return the gradient times the way from masked words, at the text itself."""
        from captum.attr import InputXGradient

        return self._by_gradient(text, lambda f, x, b: InputXGradient(f).attribute(x) * (x - b) / x)

    def _by_gradient(self, text: str, attribute: Callable[..., Any]) -> np.ndarray:
        import torch

        windows, c = self.classifier.encode(text), self.classifier
        margin_of = c.log_odds_from_embeddings
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


def _with_probe(classifier: Any) -> Any:
    """Wrap our function as a model that a pipeline takes: windows of an article, the probe on their mean states."""
    import torch
    from transformers.modeling_outputs import SequenceClassifierOutput

    model = stock_model(classifier)
    pieces = classifier.max_length - 2

    def forward(input_ids: Any, attention_mask: Any, **_: Any) -> Any:
        """Return the log-odds of fake of each row, which a pipeline gives one by one, without padding."""
        (ids,) = input_ids
        body = ids[1:-1].split(pieces) if len(ids) > 2 else (ids[1:-1],)
        margins = []
        for part in body:
            window = torch.cat([ids[:1], part, ids[-1:]])[None]
            hidden = model.base_model(window, output_hidden_states=True).hidden_states
            states = mean_states(hidden, torch.ones_like(window))
            margins.append(classifier.probe_.window_log_odds(states)[0] * len(part))
        margin = sum(margins) / max(len(ids) - 2, 1)
        logits = torch.zeros(1, 2)
        logits[0, FAKE] = margin
        return SequenceClassifierOutput(logits=logits)

    model.config.id2label = dict(enumerate(LABELS))
    model.forward = forward
    return model


def on_words(text: str, starts: Any, values: Any) -> np.ndarray:
    """Return values of tokens that begin at `starts` of the neutral text, each on the word it begins in or follows."""
    words = [w.start for w in clean_text(text).words]
    found = np.zeros(len(words))
    for start, value in zip(starts, values, strict=True):
        found[max(int(np.searchsorted(words, start, side="right")) - 1, 0)] += value
    return found


def warm_up(engine: Engine, stock: Stock) -> None:
    text = "The council met on Tuesday. It said that the old bridge would be repaired before the winter."
    for method in OURS:
        EXPLAINERS[method].load().explain(text, engine.pool.classifier("tinybert"))
    stock.shap(text, 50), stock.lime(text, 20), stock.captum(text), stock.times_input(text)


def measure(engine: Engine, classifier: Any, stock: Stock, text: str, with_lime: bool) -> dict[str, Any]:
    """Return seconds and weights of every method on one article, and what the orders of its words reach."""
    seconds: dict[str, float] = {}
    weights: dict[str, np.ndarray] = {}

    def timed(name: str, explain: Callable[[], np.ndarray]) -> None:
        started = time.perf_counter()
        weights[name] = explain()
        seconds[name] = time.perf_counter() - started

    engine.judge.analyse(text)  # the verdict stands before anything is explained

    def ours(method: str) -> np.ndarray:
        return np.array([a.weight for a in EXPLAINERS[method].load().explain(text, classifier).attributions])

    for method, name in OURS.items():
        timed(name, partial(ours, method))
    if precision.cpu_has_bfloat16():
        with patch.object(precision, "cpu_has_bfloat16", return_value=False):
            for method, name in SINGLE.items():
                timed(name, partial(ours, method))
    timed(TIMES_INPUT, lambda: stock.times_input(text))
    timed(CAPTUM, lambda: stock.captum(text))
    timed(SHAP_LIBRARY, lambda: stock.shap(text))
    if with_lime:
        timed(LIME_LIBRARY, lambda: stock.lime(text))
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
        "normalised": {k: (c - random[0]) / (best[0] - random[0]) for k, (c, _) in bare.items()},
        "normalised_sufficiency": {k: (random[1] - s) / (random[1] - best[1]) for k, (_, s) in bare.items()},
    }


def summarize(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Print the table and give the figures of the last line."""

    def mean(key: str, name: str, among: list[dict[str, Any]]) -> float:
        return float(np.mean([row[key][name] for row in among]))

    names = dict.fromkeys(name for row in rows for name in row["normalised"])
    shares = ", ".join(f"{share:.0%}" for share in SHARES)
    print(f"{len(rows)} articles; words removed: {shares}; comprehensiveness on log-odds")
    print(f"{'':<30}{'articles':>9}{'seconds':>9}{'comprehensiveness':>19}{'normalised':>12}{'sufficiency, norm.':>20}")
    for name in names:
        here = [row for row in rows if name in row["normalised"]]
        took = f"{mean('seconds', name, here):9.2f}" if name in here[0]["seconds"] else f"{'':>9}"
        print(
            f"{name:<30}{len(here):>9}{took}{mean('comprehensiveness', name, here):>19.2f}"
            f"{mean('normalised', name, here):>12.3f}{mean('normalised_sufficiency', name, here):>20.3f}"
        )
    with_lime = [row for row in rows if LIME_LIBRARY in row["seconds"]]

    def ratio(key: str, first: str, second: str, among: list[dict[str, Any]]) -> float | None:
        there = [row for row in among if first in row[key] and second in row[key]]
        return round(mean(key, first, there) / mean(key, second, there), 3) if there else None

    return {
        "shap_speedup": ratio("seconds", SHAP_LIBRARY, OURS["shap"], rows),
        "lime_speedup": ratio("seconds", LIME_LIBRARY, OURS["lime"], with_lime),
        "shap_speedup_single": ratio("seconds", SHAP_LIBRARY, SINGLE["shap"], rows),
        "lime_speedup_single": ratio("seconds", LIME_LIBRARY, SINGLE["lime"], with_lime),
        "shap_faithfulness_ratio": ratio("normalised", OURS["shap"], SHAP_LIBRARY, rows),
        "lime_faithfulness_ratio": ratio("normalised", OURS["lime"], LIME_LIBRARY, with_lime),
        "first_highlight_seconds": round(mean("seconds", OURS["gradient"], rows), 3),
        "seconds": {
            name: round(mean("seconds", name, [r for r in rows if name in r["seconds"]]), 3)
            for name in dict.fromkeys(name for row in rows for name in row["seconds"])
        },
        "normalised": {
            name: round(mean("normalised", name, [r for r in rows if name in r["normalised"]]), 3) for name in names
        },
        "counts": {name: sum(name in row["seconds"] for row in rows) for name in names},
        "articles": len(rows),
        "lime_articles": len(with_lime),
    }


def agreement(engine: Engine, classifier: Any, stock: Stock, n_shap: int, n_lime: int) -> dict[str, Any]:
    """Rank correlation with the library's answer at ten times its default, ours and its own at its default.

    The library is asked the same question, log-odds and masked places; "top" is over the 20 words strongest in either.
    """
    from scipy.stats import spearmanr

    def compared(a: np.ndarray, b: np.ndarray) -> list[float]:
        return [float(spearmanr(a, b).statistic), rank_agreement(a, b)]

    asked: dict[str, Callable[[str, int, int], np.ndarray]] = {
        "shap": lambda text, times, seed: stock.shap(text, times * LIBRARY_SHAP, True, seed),
        "lime": lambda text, times, seed: stock.lime_as_asked(text, times * LIBRARY_LIME, seed),
    }
    found: dict[str, list[list[float]]] = {}
    articles = pick_articles(engine, n_shap, 80, 130)
    try:
        for method, text in [*(("shap", text) for text in articles), *(("lime", text) for text in articles[:n_lime])]:
            large, small = asked[method](text, 10, 0), asked[method](text, 1, 1)
            ours = np.array([a.weight for a in EXPLAINERS[method].load().explain(text, classifier).attributions])
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
