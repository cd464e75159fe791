"""Which trained classifiers there are, and how one is loaded or fetched."""

from __future__ import annotations

import re
from pathlib import Path

from fakenews.classifiers.base import TextClassifier
from fakenews.classifiers.model_folder import (
    PARTIAL,
    SOURCE,
    ModelNotHere,
    StoredModel,
    WrongFile,
    has_weights,
    reading,
    settings,
    stored_in,
)
from fakenews.classifiers.registry import CLASSIFIERS, of_folder

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")  # of an added model


def shipped(models: Path) -> tuple[str, ...]:
    """Return the names of the known classifiers whose weights lie in `models`, in the registry's order."""
    return tuple(name for name in CLASSIFIERS if has_weights(models / name))


def added(models: Path) -> tuple[str, ...]:
    """Names of the models that `fakenews add` put into `models`, in alphabetical order.

    Only settings of folders that the registry does not know are read.
    """
    if not models.is_dir():
        return ()
    unknown = (f for f in models.iterdir() if f.name not in CLASSIFIERS and f.suffix != PARTIAL and has_weights(f))
    return tuple(sorted(folder.name for folder in unknown if _is_added(folder)))


def check_new(name: str, folder: Path) -> None:
    """Refuse a name that cannot be that of a model to be added in a folder, or is taken.

    Raise `ValueError`.
    """
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot be a name: use up to 40 lower-case letters, digits and hyphens, such as my-bert."
        )
    if name in (*CLASSIFIERS, "neighbours"):
        raise ValueError(f"{name!r} is the name of a model that comes with fakenews: choose another.")
    if has_weights(folder):
        raise ValueError(f'There is a model {name!r}: choose another name, or run "fakenews remove" first.')


def _is_added(folder: Path) -> bool:
    try:
        found = settings(folder)
    except (OSError, WrongFile):
        return False
    return SOURCE in found and found.get("name") == folder.name


def find(model: str, models: Path) -> StoredModel:
    """Locate a model given by its registry name, that of an added one, or a folder.

    Raise `ModelNotHere` if there are no weights; `ValueError` if `model` is neither a known name nor a folder.
    """
    by_folder = "/" in model or (Path(model) / "config.json").is_file()
    if by_folder:
        return stored_in(Path(model))
    if model in CLASSIFIERS:
        return stored_in(models / model)
    names = added(models)
    if model not in names:
        raise ValueError(f"Unknown model {model!r}. Known: {', '.join((*CLASSIFIERS, *names))}.")
    return stored_in(models / model)


def load(stored: StoredModel, device: str = "auto") -> TextClassifier:
    """Load what `find` located, onto `device`: "auto", "cpu" or "cuda".

    Raise `WrongFile` if a file of it is not the one that was pinned, or cannot be read as what it should be.
    """
    with reading(stored):
        return of_folder(stored).load(stored.folder, device)


def fetch(repo: str, revision: str, out: Path) -> Path:
    """Bring a published model folder from the Hugging Face Hub into `out`; only weights, settings and tokenizer.

    Raise `ModelNotHere` if the Hub cannot be reached or has no such repository and revision.
    """
    from httpx2 import HTTPError  # as huggingface_hub raises it, also where a connection ends too early
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    patterns = ["*.safetensors", "*.skops", "*.json", "*.txt", "*.parquet", "README.md"]
    try:
        snapshot_download(repo, revision=revision, local_dir=out, allow_patterns=patterns)
    except (HTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelNotHere(f"Could not fetch {repo} at {revision} from the Hub: {type(error).__name__}.") from error
    return out
