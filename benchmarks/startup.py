"""From the start of the process to the first verdict: seconds and memory.

    python -m benchmarks.startup [--rounds 5]

`python app.py` as a Space would run it, with `SYSTEM=spaces`. Nothing is asked of a network. The last line is JSON:
medians, and the largest memory of any round.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import store
from tests.running import running

ON_A_SPACE = {"SYSTEM": "spaces", "SPACE_ID": "someone/fakenews", "SPACE_HOST": "someone-fakenews.hf.space"}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = [one() for _ in range(arguments.parse_args().rounds)]
    figures: dict[str, Any] = {
        "seconds": round(float(np.median([seconds for seconds, _, _ in rounds])), 2),
        "rss_mb": round(float(np.median([held for _, held, _ in rounds]))),
        "peak_mb": round(max(peak for _, _, peak in rounds)),
        "rounds": len(rounds),
    }
    store("startup", figures)


def one() -> tuple[float, float, float]:
    """Return seconds until the health check says ok, megabytes held then, and the most held until then."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        with running(Path(folder), **ON_A_SPACE) as server:
            seconds = time.monotonic() - started
            print(f"ready after {seconds:.1f} s, {server.resident_mb():.0f} MB", flush=True)
            return seconds, server.resident_mb(), server.peak_mb()


if __name__ == "__main__":
    main()
