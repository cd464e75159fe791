"""Whose the checkpoints in a folder are: a run is taken up only where the same one was left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakenews.data.table import joined_texts
from fakenews.text import CLEANING_VERSION
from fakenews.training.job import Job, Parts

if TYPE_CHECKING:
    from fakenews.training.settings import Recipe

JOB = "job.json"  # among the checkpoints: what they come from


def make_ready(work: Path, recipe: Recipe, job: Job, parts: Parts, keep: Collection[str] = ()) -> None:
    """Write down whose checkpoints `work` will hold; without `resume` the folders of an earlier run are taken away.

    Those in `keep` stay: what is kept of articles says itself of which encoder it is.

    Raise `ValueError` if what is there to be taken up is another run's, or the base lies among what would be taken
    away.
    """
    facts = _facts(recipe, job, parts)
    record = work / JOB
    left = [path for path in work.iterdir() if path.is_dir() and path.name not in keep] if work.is_dir() else []
    if job.resume and left:
        if not record.is_file():
            raise ValueError(f"Cannot resume: no {JOB} says whose checkpoints {work} holds; start without --resume.")
        before = json.loads(record.read_text(encoding="utf-8"))
        other = [name for name in facts if before.get(name) != facts[name]]
        if other:
            raise ValueError(
                f"Cannot resume: the checkpoints in {work} are of a run with another {', '.join(other)}; "
                "ask for the same, or start without --resume."
            )
        return
    if job.base and any(Path(job.base).resolve().is_relative_to(folder.resolve()) for folder in left):
        raise ValueError(
            f"The base {job.base} is a checkpoint that a new run replaces: copy it, or give another --out."
        )
    record.unlink(missing_ok=True)
    for folder in left:
        shutil.rmtree(folder)
    write_whole(record, json.dumps(facts, indent=1) + "\n")


def write_whole(file: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, whenever the power goes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)


def _facts(recipe: Recipe, job: Job, parts: Parts) -> dict[str, Any]:
    """Return everything that decides what a run learns, as JSON gives it back."""
    digest = sha256()
    for name in ("train", "validation"):
        rows = parts[name]
        for id_, label, text in zip(rows["id"], rows["label"], joined_texts(rows), strict=True):
            digest.update(json.dumps([name, str(id_), int(label), text]).encode())
    facts = {
        "recipe": recipe.name,
        "settings": asdict(recipe.settings) if recipe.settings else None,
        "base": _resolved(job.base),
        "epochs": job.epochs,
        "max_steps": job.max_steps,
        "cleaning": [job.cleaning, CLEANING_VERSION],
        "truncation": job.truncation,
        "corpora": job.names,
        "leave_out": job.leave_out,
        "data": digest.hexdigest(),
    }
    normalized: dict[str, Any] = json.loads(json.dumps(facts))
    return normalized


def _resolved(base: str | None) -> str | None:
    return str(Path(base).resolve()) if base and Path(base).is_dir() else base
