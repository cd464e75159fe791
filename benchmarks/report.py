"""The README's table of explanations, from `results/explain.json`.

python -m benchmarks.report
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.results import FOLDER

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- explanations:begin -->", "<!-- explanations:end -->"


def main() -> None:
    README.write_text(replaced(README.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{README} written.")


def replaced(readme: str) -> str:
    """The README with what is between the marks as the measurements say."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{explanations()}\n{END}{after}"


def explanations() -> str:
    """Table and sentences on speed, faithfulness and memory."""
    found = _read("explain")
    rows = [
        "| Explanation of TinyBERT | Seconds | Faithfulness | Articles |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {seconds:.2f} | {found['normalised'][name]:.2f} | {found['counts'][name]} |"
            for name, seconds in found["seconds"].items()
        ),
    ]
    speed = [f"{found[f'{method}_speedup']:.0f}" for method in ("shap", "lime")]
    faithful = [f"{found[f'{method}_faithfulness_ratio']:.1f}" for method in ("shap", "lime")]
    sentences = (
        f"SHAP is {speed[0]} times and LIME {speed[1]} times as fast as the stock libraries at their defaults, at "
        f"{faithful[0]} and {faithful[1]} times their faithfulness. Explaining an article of 5,000 words in every way "
        f"peaks at {found['peak_mb_5000_words']:,.0f} MB. ({found['machine']}, {found['date']}.)"
    )
    return "\n".join([*rows, "", sentences])


def _read(name: str) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return figures


if __name__ == "__main__":
    main()
