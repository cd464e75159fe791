"""The folder of one trained model: its files, their checksums, its settings."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from fakenews.classifiers.entries import MissingEntry
from fakenews.classifiers.ood import FILE as NOVELTY

WEIGHTS = ("model.safetensors", "model.skops", "model.json")
ADDED = "probe.safetensors"  # weights that stand beside those of an encoder
SUMS = "SHA256SUMS"  # in the folder of model folders, as sha256sum writes it: what their files have to be
PARTIAL = ".partial"  # ends the name of a folder that is being written
SOURCE = "source"  # the setting that says where an added model is from; no other model has it
_PINNED = (".safetensors", ".skops", ".json")
_NOT_PINNED = ("evaluation.json", "training.json")  # read by people and pages, not by a classifier


class ModelNotHere(LookupError):
    """Raised when a model's folder is missing or holds no weights; the message says how to get it."""


class WrongFile(ValueError):
    """Raised when a file of a model is missing, cut short or not the one that was pinned."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A folder of a trained classifier."""

    name: str  # key in the registry, or that of an added model
    folder: Path
    revision: str  # first 12 hex digits of the SHA-256 of its weights
    size_mb: float
    added: Mapping[str, Any] | None = None  # settings of a model that `fakenews add` made; None for all others


def stored_in(folder: Path) -> StoredModel:
    """Describe the model in a folder.

    Raise `ModelNotHere` if there are no weights.
    """
    weights = _weights(folder)
    if weights is None:
        raise ModelNotHere(
            f"No weights of {folder.name!r} in {folder}: train it with "
            f'"fakenews train {folder.name} --data PATH --out {folder}" or fetch a published one with '
            '"fakenews fetch HUB_ID".'
        )
    size = sum(f.stat().st_size for f in folder.iterdir() if f.suffix in (".safetensors", ".skops", ".json"))
    own = settings(folder)
    added = own if SOURCE in own else None
    return StoredModel(str(own.get("name", folder.name)), folder, _revision(weights), size / 1e6, added)


def has_weights(folder: Path) -> bool:
    """Return whether a trained model lies in the folder."""
    return _weights(folder) is not None


@contextmanager
def reading(stored: StoredModel) -> Iterator[None]:
    """Compare the files of a model with what is pinned while they are read; damage becomes one sentence."""
    from safetensors import SafetensorError

    verify(stored.folder)
    try:
        yield
    except (EOFError, MissingEntry, OSError, json.JSONDecodeError, SafetensorError, BadZipFile) as error:
        raise WrongFile(
            f"The files of {stored.name} are not whole ({type(error).__name__}): bring its folder back, or train it "
            "again."
        ) from error


def settings(folder: Path) -> dict[str, Any]:
    """Return the project's own settings of a model folder: what it is, how it was trained, its temperature.

    Raise `WrongFile` if they cannot be read.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise WrongFile(f"{folder.name}/config.json is not JSON: bring the folder back, or train it again.") from error
    own: dict[str, Any] = config.get("fakenews", config)
    return own


def change_settings(folder: Path, **values: Any) -> None:
    """Set some of the project's own settings of a model folder; weights and all other settings stay as they are."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config.get("fakenews", config).update(values)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    if pins(folder):
        pin(folder)


def pins(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a model folder that is pinned, beside it or in it; empty where none is."""
    sums = _sums(folder.parent)
    beside = {path.partition("/")[2]: digest for path, digest in sums.items() if path.startswith(f"{folder.name}/")}
    return {**beside, **_sums(folder)}


def pin(folder: Path) -> None:
    """Say that the files of a model folder are as they should be; what was said of them before is forgotten.

    An added model has its checksums in its own folder, so that it comes and goes as one.
    """
    if (folder / SUMS).is_file():
        return pin_inside(folder)
    others = {path: digest for path, digest in _sums(folder.parent).items() if not path.startswith(f"{folder.name}/")}
    others |= {f"{folder.name}/{name}": digest for name, digest in _digests(folder).items()}
    _write_sums(folder.parent, others)


def pin_inside(folder: Path) -> None:
    """Write the checksums of a model folder into the folder itself."""
    _write_sums(folder, _digests(folder))


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield a new folder whose files then replace those of a model, and are pinned if those were.

    What goes wrong before leaves the model as it was. Other files in its folder stay, but for weights that the new
    model does without.
    """
    target = folder.resolve()
    new = target.with_name(f"{target.name}{PARTIAL}")
    shutil.rmtree(new, ignore_errors=True)  # of a run that was killed
    new.mkdir(parents=True)
    try:
        yield new
        target.mkdir(exist_ok=True)
        for name in (*WEIGHTS, ADDED, NOVELTY):
            if not (new / name).is_file():
                (target / name).unlink(missing_ok=True)
        for file in new.iterdir():
            file.replace(target / file.name)
        if pins(folder):
            pin(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def verify(folder: Path) -> None:
    """Compare the files of a model folder with what is pinned; a folder that nothing is pinned of passes.

    Raise `WrongFile` if one is missing, cut short or changed.
    """
    for name, digest in pins(folder).items():
        path = folder / name
        if not path.is_file():
            raise WrongFile(f"{folder.name}/{name} is missing: bring the folder back from the repository.")
        if sha256(path) != digest:
            raise WrongFile(
                f"{folder.name}/{name} is not the file that {SUMS} names, it was cut short or changed: bring it back "
                f'from the repository, or run "fakenews pin {folder.name}" if the change was meant.'
            )


def _weights(folder: Path) -> Path | None:
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)


def _digests(folder: Path) -> dict[str, str]:
    pinned = (f for f in folder.iterdir() if f.suffix in _PINNED and f.name not in _NOT_PINNED)
    return {file.name: sha256(file) for file in pinned}


def _write_sums(folder: Path, digests: Mapping[str, str]) -> None:
    lines = (f"{digest}  {path}\n" for path, digest in sorted(digests.items()))
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _sums(models: Path) -> dict[str, str]:
    path = models / SUMS
    if not path.is_file():
        return {}
    pairs = (line.split("  ", 1) for line in path.read_text(encoding="utf-8").splitlines())
    return {name: digest for digest, name in pairs}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _revision(weights: Path) -> str:
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    added = weights.with_name(ADDED)
    if added.is_file():
        digest.update(added.read_bytes())
    return digest.hexdigest()[:12]
