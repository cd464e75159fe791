"""What a GPU changes: verdicts and explanations on it and on this machine's CPU, one run, taking turns.

    python -m benchmarks.gpu [--quick]

Without a CUDA device only the CPU's figures are measured. The last line is JSON; ratios are times as fast, and
`largest_difference` is that of the probabilities of fake between the devices. For training: `benchmarks.training`.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

from benchmarks.load import whole_articles  # noqa: E402
from benchmarks.results import store  # noqa: E402
from fakenews.config import Settings  # noqa: E402
from fakenews.engine import Engine  # noqa: E402
from fakenews.engine.values import ExplanationRequest  # noqa: E402
from fakenews.schema import Prediction  # noqa: E402

MODEL = "tinybert"
METHODS = ("gradient", "shap", "lime")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a few articles and steps")
    quick = arguments.parse_args().quick
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    articles = whole_articles(32 if quick else 256)
    engines = {device: Engine.open(Settings(device=device)) for device in devices}
    figures: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    for device, service in engines.items():
        service.warm_up()
        alone, answers[device] = verdicts(service, articles)
        figures[device] = {
            **alone,
            "explanation_seconds": explanations(service, articles[: 2 if quick else 10]),
        }
        print(f"{device}: {figures[device]}", flush=True)
    if "cuda" in figures:
        one, other = figures["cpu"], figures["cuda"]
        figures["times_as_fast"] = {
            "verdict": round(one["verdict_seconds"] / other["verdict_seconds"], 1),
            "articles": round(other["articles_per_second"] / one["articles_per_second"], 1),
            **{m: round(one["explanation_seconds"][m] / other["explanation_seconds"][m], 1) for m in METHODS},
        }
        figures["articles"] = len(articles)
        figures["largest_difference"] = float(np.abs(answers["cpu"] - answers["cuda"]).max().round(6))
        figures["device"] = torch.cuda.get_device_name()
    store("gpu" if "cuda" in figures else "gpu_without_one", figures)


def verdicts(engine: Engine, articles: Sequence[str]) -> tuple[dict[str, float], NDArray[np.float64]]:
    """Return median seconds of one verdict by all models, articles a second by one, and its probabilities."""
    alone = [seconds(lambda text=text: engine.judge.analyse(text)) for text in articles[:20]]
    found: list[tuple[Prediction, ...]] = []
    together = seconds(lambda: found.extend(engine.judge.judge_many(articles, (MODEL,))))
    figures = {
        "verdict_seconds": round(float(np.median(alone)), 4),
        "articles_per_second": round(len(articles) / together, 1),
    }
    return figures, np.array([said.p_fake for (said,) in found], dtype=np.float64)


def explanations(engine: Engine, articles: Sequence[str]) -> dict[str, float]:
    """Return the median seconds of each method; every article is explained once."""
    found = {}
    for method in METHODS:
        took = [
            seconds(lambda text=text, method=method: engine.explainers.explain(ExplanationRequest(text, MODEL, method)))
            for text in articles
        ]
        found[method] = round(float(np.median(took)), 3)
    return found


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
