"""What lies in a folder of models: for each, its kind, size, calibration and origin; none is loaded for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from fakenews.classifiers import model_folder, registry, store
from fakenews.schema import JsonValue

SCALE = ".scale"  # ends the names of the scales of 8-bit weights (`quantized`)


@dataclass(frozen=True, slots=True)
class Entry(JsonValue):
    """A model that is here."""

    name: str
    title: str
    kind: str
    size_mb: float  # megabytes of its whole folder
    parameters: int | None  # numbers in its weights, where these are safetensors
    calibrated: bool
    origin: str  # "shipped", "trained", or the folder or Hub id that it was added from

    def cells(self) -> tuple[str, ...]:
        """Text of a row."""
        size = f"{self.size_mb:.1f} MB"
        parameters = "" if self.parameters is None else f"{self.parameters:,}"
        return self.name, self.title, self.kind, size, parameters, "yes" if self.calibrated else "no", self.origin


def inventory(models: Path) -> list[Entry]:
    """Describe all models in a folder, those of the registry first."""
    return [_entry(models / name) for name in (*store.shipped(models), *store.added(models))]


def _entry(folder: Path) -> Entry:
    settings, stored = model_folder.settings(folder), model_folder.stored_in(folder)
    source = settings.get(model_folder.SOURCE, {})
    revision = f" at {source['revision'][:12]}" if source.get("revision") else ""
    other = "shipped" if model_folder.pins(folder) else "trained"
    return Entry(
        stored.name,
        registry.of_folder(stored).title,
        str(settings.get("kind", "")),
        sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6,
        _parameters(folder),
        bool(settings.get("calibrated", True)),
        f"{source['from']}{revision}" if source else other,
    )


def _parameters(folder: Path) -> int | None:
    from safetensors import safe_open

    files = sorted(folder.glob("*.safetensors"))
    total = 0
    for file in files:
        with safe_open(file, "numpy") as tensors:
            names = [name for name in tensors.keys() if not name.endswith(SCALE)]  # noqa: SIM118
            total += sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)
    return total if files else None
