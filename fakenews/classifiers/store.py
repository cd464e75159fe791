"""Which trained classifiers there are, and how one is loaded or fetched."""

from __future__ import annotations

from pathlib import Path

from fakenews.classifiers.base import TextClassifier
from fakenews.classifiers.model_folder import ModelNotHere, StoredModel, has_weights, reading, stored_in
from fakenews.classifiers.registry import CLASSIFIERS, get


def shipped(models: Path) -> tuple[str, ...]:
    """Return the names of the known classifiers whose weights lie in `models`, in the registry's order."""
    return tuple(name for name in CLASSIFIERS if has_weights(models / name))


def find(model: str, models: Path) -> StoredModel:
    """Locate a model given by its registry name or by a folder.

    Raises
    ------
    ModelNotHere
        If there are no weights.
    ValueError
        If `model` is neither a known name nor a folder.
    """
    by_folder = "/" in model or (Path(model) / "config.json").is_file()
    return stored_in(Path(model) if by_folder else models / get(model).name)


def load(stored: StoredModel, device: str = "auto") -> TextClassifier:
    """Load what `find` located, onto `device`: "auto", "cpu" or "cuda".

    Raises
    ------
    WrongFile
        If a file of it is not the one that was pinned, or cannot be read as what it should be.
    """
    with reading(stored):
        return get(stored.name).load(stored.folder, device)


def fetch(repo: str, revision: str, out: Path) -> Path:
    """Bring a published model folder from the Hugging Face Hub into `out`; only weights, settings and tokenizer.

    Raises
    ------
    ModelNotHere
        If the Hub cannot be reached or has no such repository and revision.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    patterns = ["*.safetensors", "*.skops", "*.json", "*.txt", "*.parquet", "README.md"]
    try:
        snapshot_download(repo, revision=revision, local_dir=out, allow_patterns=patterns)
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelNotHere(f"Could not fetch {repo} at {revision} from the Hub: {type(error).__name__}.") from error
    return out
