"""What lies in a folder of models: for each, its kind, size, calibration and origin; none is loaded for it."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from fakenews.classifiers import model_folder, registry, store
from fakenews.schema import JsonValue

AWAITED = ".awaited.json"  # in the folder of models: those that a server brings from the Hub
SCALE = ".scale"  # ends the names of the scales of 8-bit weights (`quantized`)


@dataclass(frozen=True, slots=True)
class Entry(JsonValue):
    """A model that is here."""

    name: str
    title: str
    kind: str
    size_mb: float  # megabytes of its whole folder
    memory_mb: float | None  # megabytes that its weights take once they are loaded; None where they are not safetensors
    parameters: int | None  # numbers in its weights, where these are safetensors
    calibrated: bool
    origin: str  # "shipped", "trained", or the folder or Hub id that it was added from

    def cells(self) -> tuple[str, ...]:
        """Text of a row."""
        size = f"{self.size_mb:.1f} MB"
        parameters = "" if self.parameters is None else f"{self.parameters:,}"
        memory = "" if self.memory_mb is None else f"{self.memory_mb:.0f} MB"
        calibrated = "yes" if self.calibrated else "no"
        return self.name, self.title, self.kind, size, memory, parameters, calibrated, self.origin


@dataclass(frozen=True, slots=True)
class Awaited:
    """A model that a server brings from the Hub.

    Attributes
    ----------
    state : {"waiting", "fetching", "ready", "served", "failed"}
        "ready" is here and not loaded yet.
    sentence : str
        Why it failed.
    """

    name: str
    origin: str
    state: str
    sentence: str = ""


def awaited(models: Path) -> list[Awaited]:
    """Return what the last server wrote down of models from the Hub; nothing where none did."""
    try:
        values = json.loads((models / AWAITED).read_text(encoding="utf-8"))
        return [Awaited(**value) for value in values]
    except (OSError, ValueError, TypeError):
        return []


def write_awaited(models: Path, states: list[Awaited]) -> None:
    """Write down how far models from the Hub are."""
    partial = models / f"{AWAITED}.{os.getpid()}.partial"
    partial.write_text(json.dumps([asdict(state) for state in states]), encoding="utf-8")
    partial.replace(models / AWAITED)


def inventory(models: Path, bytes_each: int = 4) -> list[Entry]:
    """Describe all models in a folder, those of the registry first.

    A weight takes `bytes_each` in memory: 4 on a CPU, 2 on a GPU.
    """
    return [_entry(models / name, bytes_each) for name in (*store.shipped(models), *store.added(models))]


def memory_mb(folder: Path, bytes_each: int = 4) -> float | None:
    """Return megabytes that the weights of a model take once they are loaded; None where they are not safetensors."""
    parameters = _parameters(folder)
    return None if parameters is None else parameters * bytes_each / 1e6


def _entry(folder: Path, bytes_each: int) -> Entry:
    settings, stored = model_folder.settings(folder), model_folder.stored_in(folder)
    source = settings.get(model_folder.SOURCE, {})
    revision = f" at {source['revision'][:12]}" if source.get("revision") else ""
    other = "shipped" if model_folder.pins(folder) else "trained"
    return Entry(
        stored.name,
        registry.of_folder(stored).title,
        str(settings.get("kind", "")),
        sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6,
        memory_mb(folder, bytes_each),
        _parameters(folder),
        bool(settings.get("calibrated", True)),
        f"{source['from']}{revision}" if source else other,
    )


def _parameters(folder: Path) -> int | None:
    """Return the numbers in the weights; None where they are not safetensors, or a file of them is cut short."""
    from safetensors import SafetensorError, safe_open

    files = sorted(folder.glob("*.safetensors"))
    total = 0
    for file in files:
        try:
            with safe_open(file, "numpy") as tensors:
                names = [name for name in tensors.keys() if not name.endswith(SCALE)]  # noqa: SIM118
                total += sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)
        except SafetensorError:
            return None
    return total if files else None
