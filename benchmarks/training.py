"""Training by our loop and by the notebooks', from the same encoder, on the same neutral articles of ISOT.

    python -m benchmarks.training --base FOLDER_OR_HUB_ID [--batch 128] [--examples FILE] [--quick]

The notebooks' loop pads every article to 512 word pieces, in single precision, 16 at a time; it neither evaluates nor
saves, ours does both. Ours runs by two recipes: fine-tuning on the beginnings of the articles, 512 word pieces, and
a faster one on random windows of 160. Three passes over the training part, then accuracy on the
unseen one, articles read whole. Where a GPU is at hand both run there, otherwise on the CPU. `--examples` keeps the
cleaned word pieces for the next run, so that no GPU waits for them. `--quick` is one pass over 160 articles, and asks
for speed only. The notebooks' loop runs before ours and after it, and the faster run counts. The last line is JSON;
learning rates are those of 16 articles a step.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

from transformers import PreTrainedModel, PreTrainedTokenizerBase  # noqa: E402

from benchmarks.results import store  # noqa: E402
from fakenews.config import Settings, pick_device  # noqa: E402
from fakenews.data.mix import with_split  # noqa: E402
from fakenews.data.splits import SPLITS  # noqa: E402
from fakenews.data.table import joined_texts  # noqa: E402
from fakenews.engine import Engine  # noqa: E402
from fakenews.schema import FAKE  # noqa: E402
from fakenews.training import finetune  # noqa: E402
from fakenews.training.settings import FineTuning  # noqa: E402

PADDED, BATCH, RATE, EPOCHS = 512, 16, 2e-5, 3
QUICK = 160
WINDOWS = FineTuning("", max_length=160, window="random", learning_rate=8e-5, label_smoothing=0.02, mask_share=0.05)

Parts = dict[str, list[finetune.Example]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, help="encoder that both start from")
    parser.add_argument("--batch", type=int, action="append", help="articles a step on a GPU; may be given again")
    parser.add_argument("--examples", type=Path, help="file that keeps the word pieces")
    parser.add_argument("--quick", action="store_true", help="one pass over a few articles")
    options = parser.parse_args()
    epochs = 1 if options.quick else EPOCHS
    _, tokenizer = finetune.load_base(options.base, PADDED, seed=42)
    parts = examples_of(tokenizer, options.examples)
    if options.quick:
        parts = {name: rows[:QUICK] for name, rows in parts.items()}
    n = epochs * len(parts["train"])

    def fresh() -> PreTrainedModel:
        return finetune.load_base(options.base, PADDED, seed=42)[0]

    with tempfile.TemporaryDirectory() as work:  # kernels have been loaded before the clock runs
        some = {name: rows[:16] for name, rows in parts.items()}
        by_the_notebooks(fresh(), tokenizer, some["train"], 1)
        finetune.train(
            FineTuning(options.base, epochs=1), fresh(), tokenizer, some["train"], some["validation"], Path(work)
        )

    figures: dict[str, Any] = {
        "base": Path(options.base).name,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "articles": len(parts["train"]),
        "unseen": len(parts["test"]),
        "passes": epochs,
        "ours": [],
    }
    before = fresh()
    theirs = [by_the_notebooks(before, tokenizer, parts["train"], epochs)]
    name = f"training{'_gpu' * torch.cuda.is_available()}{'_quick' * options.quick}"
    for batch in options.batch or [FineTuning("").gpu_batch_size]:
        for what, recipe in {"first window": FineTuning(options.base), "random windows": WINDOWS}.items():
            asked = replace(recipe, epochs=epochs, gpu_batch_size=batch)
            model = fresh()
            found = by_our_recipe(asked, model, tokenizer, parts, n)
            if not options.quick:
                found["accuracy"] = accuracy(model, parts["test"], tokenizer, asked.max_length)
            figures["ours"].append({"recipe": what, "max_length": asked.max_length, **found})
            print(figures["ours"][-1], flush=True)
    theirs.append(by_the_notebooks(fresh(), tokenizer, parts["train"], epochs))
    rate = n / min(theirs)
    figures["notebooks"] = {"samples_per_second": round(rate, 1), "minutes": round(min(theirs) / 60, 2)}
    if not options.quick:
        figures["notebooks"]["accuracy"] = accuracy(before, parts["test"], tokenizer, PADDED)
    for row in figures["ours"]:
        row["speedup"] = round(row["samples_per_second"] / rate, 2)
    store(name, figures)


def examples_of(tokenizer: PreTrainedTokenizerBase, kept: Path | None) -> Parts:
    """Return the neutral word pieces of ISOT by part, grouped split; from the file, if it is there."""
    if kept and kept.is_file():
        with np.load(kept) as file:
            arrays = {name: file[name] for name in file.files}
    else:
        frame = with_split(Engine.open(Settings.from_environment()).evidence.evaluation.corpus("isot"))
        examples = finetune.encode_examples(joined_texts(frame), frame["label"].tolist(), tokenizer)
        arrays = {
            "pieces": np.concatenate([e["input_ids"] for e in examples]),
            "lengths": np.array([len(e["input_ids"]) for e in examples]),
            "labels": np.array([e["labels"] for e in examples]),
            "split": frame["split"].to_numpy().astype(str),
        }
        if kept:
            np.savez_compressed(kept, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the keys for options
    ids = np.split(arrays["pieces"], np.cumsum(arrays["lengths"])[:-1])
    rows = [{"input_ids": i, "labels": int(y)} for i, y in zip(ids, arrays["labels"], strict=True)]
    return {name: [row for row, of in zip(rows, arrays["split"], strict=True) if of == name] for name in SPLITS}


def by_our_recipe(
    recipe: FineTuning, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, parts: Parts, n: int
) -> dict[str, Any]:
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as work:
        started = time.perf_counter()
        trained = finetune.train(recipe, model, tokenizer, parts["train"], parts["validation"], Path(work))
        took = time.perf_counter() - started
    evaluated = sum(row.get("eval_runtime", 0.0) for row in trained.history)
    return {
        "batch": finetune.for_device(recipe, model.config, len(parts["train"]))[0].batch_size,
        "learning_rate": recipe.learning_rate,
        "samples_per_second": round(n / took, 1),
        "without_evaluation_per_second": round(n / (took - evaluated), 1),
        "minutes": round(took / 60, 2),
        **({"peak_mb": round(torch.cuda.max_memory_allocated() / 2**20)} if cuda else {}),
    }


def by_the_notebooks(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, examples: Sequence[finetune.Example], epochs: int
) -> float:
    """Return the seconds of the loop of the notebooks."""
    from transformers import Trainer, TrainingArguments

    padded = finetune.Collator(tokenizer, FineTuning("", max_length=PADDED), multiple=PADDED)
    with tempfile.TemporaryDirectory() as work:
        arguments = TrainingArguments(
            output_dir=work,
            per_device_train_batch_size=BATCH,
            num_train_epochs=epochs,
            learning_rate=RATE,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        trainer = Trainer(model=model, args=arguments, train_dataset=examples, data_collator=padded)  # type: ignore[arg-type]  # a sequence will do
        started = time.perf_counter()
        trainer.train()
        return time.perf_counter() - started


def accuracy(
    model: PreTrainedModel, examples: Sequence[finetune.Example], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> float:
    """Share of right answers; log-odds of an article are the mean over its windows, by their length."""
    device = pick_device()
    room = max_length - 2
    windows = [
        (i, example["input_ids"][at : at + room])
        for i, example in enumerate(examples)
        for at in range(0, max(1, len(example["input_ids"])), room)
    ]
    windows.sort(key=lambda window: len(window[1]))
    collate = finetune.Collator(tokenizer, FineTuning("", max_length=max_length))
    summed = np.zeros(len(examples))
    torch.nn.Module.to(model, device).eval()
    with torch.inference_mode():
        for at in range(0, len(windows), 64):
            batch = windows[at : at + 64]
            asked = collate([{"input_ids": ids, "labels": 0} for _, ids in batch])
            logits = model(
                input_ids=asked["input_ids"].to(device), attention_mask=asked["attention_mask"].to(device)
            ).logits.float()
            odds = (logits[:, FAKE] - logits[:, 1 - FAKE]).cpu().numpy()
            np.add.at(summed, [i for i, _ in batch], odds * [len(ids) for _, ids in batch])
    labels = np.array([example["labels"] for example in examples])
    return round(float(((summed > 0) == (labels == FAKE)).mean()), 4)


if __name__ == "__main__":
    main()
