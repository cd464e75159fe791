"""Articles a second: our scoring of a table beside `transformers.Trainer.predict` padded to 512 word pieces.

    python -m benchmarks.throughput [--quick]

The same weights, the same texts, one run, taking turns. `Trainer.predict` is what notebooks do: every text cut or
padded to 512 pieces, batches of 16, single precision, the tokenizer included on both sides. Ours reads every article
whole, in windows, and also cleans the text, asks for its language and for how far it lies from the training data. The
headline is the mix of all corpora here, each as large as it is: tables hold posts and claims as well as articles.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

from benchmarks.results import store  # noqa: E402
from benchmarks.stock import stock_model  # noqa: E402
from fakenews.batch.rows import Columns, Row  # noqa: E402
from fakenews.batch.score import CHUNK, Task, local, score, score_items  # noqa: E402
from fakenews.config import Settings  # noqa: E402
from fakenews.data.registry import DATASETS  # noqa: E402
from fakenews.data.table import joined_texts  # noqa: E402
from fakenews.engine import Engine  # noqa: E402
from fakenews.text import count_words  # noqa: E402

MODEL = "tinybert"
PADDED, BATCH = 512, 16


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="fewer texts: under 5 minutes")
    options = arguments.parse_args()
    engine = Engine.open(Settings.from_environment())
    sets = text_sets(engine, 192 if options.quick else 640)
    trainer = Stock(engine.pool.classifier(MODEL))
    task = Task((MODEL,), Columns())
    figures: dict[str, Any] = {"sets": {}}
    for name, texts in sets.items():
        found = take_turns(
            {"ours": lambda t: ours(engine, task, t), "trainer": trainer.predict}, texts, 2 if options.quick else 3
        )
        ratio = found["trainer"] / found["ours"]
        words = float(np.mean([count_words(t) for t in texts]))
        figures["sets"][name] = {
            "texts": len(texts),
            "mean_words": round(words),
            "ours_per_second": round(len(texts) / found["ours"], 2),
            "trainer_per_second": round(len(texts) / found["trainer"], 2),
            "speedup": round(ratio, 2),
        }
        print(
            f"{name:<28} {len(texts):>5} texts of {words:5.0f} words: ours {len(texts) / found['ours']:7.1f}/s, "
            f"Trainer {len(texts) / found['trainer']:6.1f}/s, {ratio:.2f} times",
            flush=True,
        )
    headline = "all corpora" if "all corpora" in figures["sets"] else next(iter(figures["sets"]))
    figures |= {"headline": headline, "speedup": figures["sets"][headline]["speedup"]}
    figures |= rows_per_second(engine, sets[headline], 2000 if options.quick else 20_000)
    store("throughput_quick" if options.quick else "throughput", figures)


def text_sets(engine: Engine, n: int) -> dict[str, list[str]]:
    """Return texts of all corpora here in their shares, and of ISOT's unseen articles; else the demo's."""
    from fakenews.data.mix import with_split

    every: list[str] = []
    home: list[str] = []
    for name in DATASETS:
        try:
            frame = engine.evidence.corpus(name)
        except LookupError:
            continue
        if name == "demo":
            continue
        every += joined_texts(frame)
        if name == "isot":
            frame = with_split(frame)
            home = joined_texts(frame[frame["split"] == "test"])
    if not every:
        print("No corpora are here (FAKENEWS_DATA): the demo's articles are used.", file=sys.stderr)
        return {"demo": joined_texts(engine.evidence.corpus("demo"))}
    draw = np.random.default_rng(0)
    return {
        "all corpora": [every[i] for i in draw.choice(len(every), min(n, len(every)), replace=False)],
        "ISOT, unseen articles": [home[i] for i in draw.choice(len(home), min(n // 2, len(home)), replace=False)],
    }


def ours(engine: Engine, task: Task, texts: Sequence[str]) -> None:
    """Score as a table is scored."""
    rows = [Row(i, {}, text) for i, text in enumerate(texts)]
    for start in range(0, len(rows), CHUNK):
        list(score_items(engine, task, rows[start : start + CHUNK]))


class Stock:
    """The encoder of our classifier with a classification head of the library's, behind its Trainer."""

    def __init__(self, classifier: Any) -> None:
        import transformers

        model = stock_model(classifier)
        self.tokenizer = classifier.tokenizer
        self.folder = tempfile.TemporaryDirectory()
        arguments = transformers.TrainingArguments(
            output_dir=self.folder.name, per_device_eval_batch_size=BATCH, report_to=[], use_cpu=True, disable_tqdm=True
        )
        self.trainer = transformers.Trainer(model=model, args=arguments, processing_class=self.tokenizer)

    def predict(self, texts: Sequence[str]) -> None:
        """Predict as notebooks do."""
        packed = self.tokenizer(list(texts), padding="max_length", truncation=True, max_length=PADDED)
        self.trainer.predict([{key: packed[key][i] for key in packed} for i in range(len(texts))])


def take_turns(ways: dict[str, Callable[[Sequence[str]], None]], texts: Sequence[str], rounds: int) -> dict[str, float]:
    """Return the seconds of each way, the median of rounds in turn, after a small one to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for work in ways.values():
        work(texts[:16])
    for _ in range(rounds):
        for name, work in ways.items():
            started = time.perf_counter()
            work(texts)
            seconds[name].append(time.perf_counter() - started)
    return {name: float(np.median(found)) for name, found in seconds.items()}


def rows_per_second(engine: Engine, texts: Sequence[str], rows: int) -> dict[str, Any]:
    """Return rows a second of a CSV through `score` with TF-IDF, in this process and on Ray, start-up included."""
    from fakenews.batch.ray_engine import ray
    from fakenews.engine.errors import InputError

    found: dict[str, Any] = {"rows": rows}
    task = Task(("tfidf",), Columns("text"))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.csv"
        with source.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("id", "text"))
            writer.writerows((i, texts[i % len(texts)]) for i in range(rows))
        for name, runner in (("rows_per_second", local), ("ray_rows_per_second", ray)):
            started = time.perf_counter()
            try:
                score(source, Path(folder) / f"{name}.csv", engine, task, runner=runner)
            except InputError as error:
                print(error, file=sys.stderr)
                continue
            found[name] = round(rows / (time.perf_counter() - started), 1)
            print(f"{name}: {found[name]:,}", flush=True)
    return found


if __name__ == "__main__":
    main()
