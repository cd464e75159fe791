"""Where measurements are kept: one JSON file each, with the machine and the day, beside the code that made them."""

from __future__ import annotations

import json
import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"


def store(name: str, figures: dict[str, Any]) -> None:
    """Write `results/NAME.json`, and print the figures as one line of JSON, the last of a run."""
    import torch

    FOLDER.mkdir(exist_ok=True)
    where = {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "torch": torch.__version__,
    }
    (FOLDER / f"{name}.json").write_text(json.dumps({**figures, **where}, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures))
