"""What a GPU changes: verdicts, explanations and training on it and on this machine's CPU, one run, taking turns.

    python -m benchmarks.gpu [--quick]

Training samples a second are compared with the notebooks' recipe on the same device: every text padded to 512 word
pieces, single precision, batches of 16. Without a CUDA device only the CPU's figures are measured. The last line is
JSON; ratios are times as fast.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

from benchmarks.load import whole_articles  # noqa: E402
from benchmarks.results import store  # noqa: E402
from benchmarks.stock import stock_model  # noqa: E402
from fakenews.classifiers.transformer import TransformerClassifier  # noqa: E402
from fakenews.config import Settings  # noqa: E402
from fakenews.services import Services  # noqa: E402
from fakenews.training import finetune  # noqa: E402
from fakenews.training.recipes import FineTuning  # noqa: E402

MODEL = "tinybert"
METHODS = ("gradient", "shap", "lime")
PADDED, BATCH = 512, 16


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a few articles and steps")
    quick = arguments.parse_args().quick
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    articles = whole_articles(32 if quick else 256)
    services = {device: Services(Settings(device=device)) for device in devices}
    figures: dict[str, Any] = {}
    for device, service in services.items():
        service.warm_up()
        figures[device] = {
            **verdicts(service, articles),
            "explanation_seconds": explanations(service, articles[: 2 if quick else 10]),
        }
        print(f"{device}: {figures[device]}", flush=True)
    best = devices[-1]  # where the training loop goes by itself
    every_length = whole_articles(64 if quick else 640, words=(1, 100_000))
    figures[best]["training"] = training(services[best], every_length)
    if "cuda" in figures:
        one, other = figures["cpu"], figures["cuda"]
        figures["times_as_fast"] = {
            "verdict": round(one["verdict_seconds"] / other["verdict_seconds"], 1),
            "articles": round(other["articles_per_second"] / one["articles_per_second"], 1),
            **{m: round(one["explanation_seconds"][m] / other["explanation_seconds"][m], 1) for m in METHODS},
        }
        figures["device"] = torch.cuda.get_device_name()
    store("gpu" if "cuda" in figures else "gpu_without_one", figures)


def verdicts(services: Services, articles: Sequence[str]) -> dict[str, float]:
    """Median seconds of one verdict, and articles a second when many are judged at once."""
    alone = [seconds(lambda text=text: services.analyse(text)) for text in articles[:20]]
    together = seconds(lambda: services.judge_many(articles, (MODEL,)))
    return {
        "verdict_seconds": round(float(np.median(alone)), 4),
        "articles_per_second": round(len(articles) / together, 1),
    }


def explanations(services: Services, articles: Sequence[str]) -> dict[str, float]:
    """Median seconds of each method; every article is explained once."""
    found = {}
    for method in METHODS:
        took = [seconds(lambda text=text, method=method: services.explain(text, MODEL, method)) for text in articles]
        found[method] = round(float(np.median(took)), 3)
    return found


def training(services: Services, texts: list[str]) -> dict[str, float]:
    """Samples a second of our recipe, its evaluation included, and of the notebooks', both from the shipped weights."""
    classifier = services.classifier(MODEL)
    assert isinstance(classifier, TransformerClassifier)
    labels = [i % 2 for i in range(len(texts))]
    examples = finetune.encode_examples(texts, labels, classifier.tokenizer)
    ours = rate_of(lambda work: by_our_recipe(classifier, examples, work), len(texts))
    theirs = rate_of(lambda work: by_the_notebooks(classifier, texts, labels, work), len(texts))
    return {"samples_per_second": ours, "notebooks_samples_per_second": theirs, "speedup": round(ours / theirs, 2)}


def by_our_recipe(classifier: TransformerClassifier, examples: list[finetune.Example], work: Path) -> None:
    recipe = FineTuning("shipped", epochs=1, mask_share=0.1)
    finetune.train(recipe, stock_model(classifier), classifier.tokenizer, examples, examples[:2], work)


def by_the_notebooks(classifier: TransformerClassifier, texts: list[str], labels: list[int], work: Path) -> None:
    from transformers import Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(work),
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )
    pieces = classifier.tokenizer(texts, padding="max_length", truncation=True, max_length=PADDED)
    examples = [
        {"input_ids": ids, "attention_mask": mask, "labels": label}
        for ids, mask, label in zip(pieces["input_ids"], pieces["attention_mask"], labels, strict=True)
    ]
    Trainer(model=stock_model(classifier), args=arguments, train_dataset=examples).train()


def rate_of(train: Callable[[Path], None], n: int) -> float:
    with tempfile.TemporaryDirectory() as work:
        return round(n / seconds(lambda: train(Path(work))), 1)


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
