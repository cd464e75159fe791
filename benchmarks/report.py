"""Write what the docs say of speed, from `results/`.

python -m benchmarks.report
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.results import FOLDER
from fakenews.training.settings import FineTuning

ROOT = Path(__file__).parents[1]
PAGES = tuple(ROOT / "docs" / f"{name}.md" for name in ("data", "evaluation", "explanations", "operations"))


def main() -> None:
    for page in PAGES:
        page.write_text(replaced(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"{page} written.")


def replaced(page: str) -> str:
    """Replace what the page has between its delimiters by the measurements."""
    for part, make in {"explanations": explanations, "gpu": gpu, "throughput": throughput, "load": load}.items():
        before, begin, rest = page.partition(f"<!-- {part}:begin -->")
        _, end, after = rest.partition(f"<!-- {part}:end -->")
        if end:
            page = f"{before}{begin}\n{make()}\n{end}{after}"
    return page


def explanations() -> str:
    """Report speed, faithfulness and memory."""
    found = _read("explain")
    rows = [
        "| Explanation of TinyBERT | Seconds | Faithfulness | Articles |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {seconds:.2f} | {found['normalized'][name]:.2f} | {found['counts'][name]} |"
            for name, seconds in found["seconds"].items()
        ),
    ]
    speed = [f"{found[f'{method}_speedup']:.0f}" for method in ("shap", "lime")]
    faithful = [f"{found[f'{method}_faithfulness_ratio']:.1f}" for method in ("shap", "lime")]
    single = [found.get(f"{method}_speedup_single") for method in ("shap", "lime")]
    without = f" ({single[0]:.0f} and {single[1]:.0f} times in single precision)" if all(single) else ""
    sentences = (
        f"SHAP is {speed[0]} times and LIME {speed[1]} times as fast as the stock libraries at their defaults{without}"
        f", at {faithful[0]} and {faithful[1]} times their faithfulness. Explaining an article of 5,000 words in every "
        f"way peaks at {found['peak_mb_5000_words']:,.0f} MB. ({found['machine']}, {found['date']}.)"
    )
    return "\n".join([*rows, "", sentences, "", agreement(), "", flips()])


def agreement() -> str:
    """Report how near the explanations come to the libraries' at ten times their budget."""
    found = _read("agreement")
    pairs = {
        name: (found[f"{method}, ours"], found[f"{method}, library"])
        for method, name in (("shap", "SHAP"), ("lime", "LIME"))
        if f"{method}, ours" in found
    }
    parts = [
        f"{name} {ours['all words']:.2f} of ours and {library['all words']:.2f} of the library at its default "
        f"({ours['articles']} article{'s' if ours['articles'] > 1 else ''})"
        for name, (ours, library) in pairs.items()
    ]
    return (
        f"Rank correlation over all words with the library's own answer to the same question at ten times its default, "
        f"on articles of 80 to 130 words: {'; '.join(parts)}. (`python -m benchmarks.explain --agreement`; "
        f"{found['date']}.)"
    )


def flips() -> str:
    """Report how the minimal counterfactual stands a check by brute force."""
    found = _read("flip")
    return (
        "The minimal counterfactual was compared with every possible set of sentences on "
        f"{found['checked_by_brute_force']:,} unseen articles of at most {found['most_sentences']} sentences: "
        f"{found['wrong']} differ, and a fresh prediction denied {found['unconfirmed']}. "
        f"It took {found['median_seconds']:.1f} s in the median and "
        f"{found['p90_seconds']:.0f} s at the ninth decile; {found['with_a_flip']:,} articles have one. "
        f"(`python -m benchmarks.flip`; {found['date']}.)"
    )


def gpu() -> str:
    """Report what a GPU changes, and how fast our loop trains beside the notebooks', there and on a CPU."""
    found, trained, without = _read("gpu"), _read("training_gpu"), _read("training_quick")
    cpu, cuda, theirs = found["cpu"], found["cuda"], trained["notebooks"]
    seconds = {"Verdict": (cpu["verdict_seconds"], cuda["verdict_seconds"])} | {
        name: (cpu["explanation_seconds"][method], cuda["explanation_seconds"][method])
        for method, name in (("gradient", "First highlights"), ("shap", "SHAP"), ("lime", "LIME"))
    }
    settings = FineTuning("")
    here = max(without["ours"], key=lambda row: float(row["speedup"]))
    lines = [
        f"| Seconds an article | {found['device']} | the {found['machine'].split(',')[0]} beside it |",
        "| --- | --- | --- |",
        *(f"| {name} | {there:.2f} | {beside:.2f} |" for name, (beside, there) in seconds.items()),
        "",
        f"Probabilities on the two differ by at most {found['largest_difference']:.5f} on {found['articles']} articles "
        f"({found['date']}, `python -m benchmarks.gpu`). Training takes larger steps on a GPU, "
        f"{settings.gpu_batch_size} articles instead of {settings.batch_size}, at a higher learning rate. "
        f"{trained['passes']} passes over {trained['articles']:,} articles with {trained['base']}, evaluations and "
        f"checkpoints included:",
        "",
        f"| On the {trained['device']} | Articles a second | Times | Accuracy on {trained['unseen']:,} unseen ones |",
        "| --- | --- | --- | --- |",
        f"| The notebooks' loop: padded to 512 word pieces, single precision, {settings.batch_size} a step | "
        f"{theirs['samples_per_second']:,.0f} | 1 | {100 * theirs['accuracy']:.1f}% |",
        *(
            f"| Ours, {row['recipe']} of {row['max_length']}, {row['batch']} a step | "
            f"{row['samples_per_second']:,.0f} | {row['speedup']:.1f} | {100 * row['accuracy']:.1f}% |"
            for row in trained["ours"]
        ),
        "",
        f"On {without['machine'].split(',')[0]} without a GPU, {settings.batch_size} a step, {here['recipe']} are "
        f"{here['speedup']:.1f} times as fast. ({trained['date']}, `python -m benchmarks.training`.)",
    ]
    return "\n".join(lines)


def throughput() -> str:
    """Report how fast a table is scored."""
    found = _read("throughput")
    mixed, home = found["sets"]["all corpora"], found["sets"]["ISOT, unseen articles"]
    return (
        f"TinyBERT scores {mixed['ours_per_second']:.0f} texts a second of a mix of all corpora "
        f"({mixed['mean_words']} words each), {mixed['speedup']:.1f} times as many as `Trainer.predict` padded to 512 "
        f"word pieces, and {home['ours_per_second']:.0f} of ISOT's articles ({home['mean_words']} words), "
        f"{home['speedup']:.1f} times as many, although it reads them to their end. TF-IDF scores "
        f"{found['rows_per_second']:,.0f} rows a second. ({found['machine']}, {found['date']}, "
        "`python -m benchmarks.throughput`.)"
    )


def load() -> str:
    """Report what a server on this machine answered under load."""
    found, started = _read("load"), _read("startup")
    scenes = found["scenes"]
    short, beside, over = scenes["short"], scenes["explaining"], scenes["overload"]
    return (
        f"Measured on {found['machine']}, {found['date']} (`python -m benchmarks.load`, `benchmarks.startup`): ready "
        f"{started['seconds']:.0f} s after the start with {started['rss_mb']:,.0f} MB. 100 users who think 10 s "
        f"between articles of {found['mean_words']} words: half the verdicts within {found['p50_seconds']:.2f} s, "
        f"95% within {found['p95_seconds']:.2f} s, {found['errors']} errors. 32 users who ask again at once, texts "
        f"of 85 words: {short['verdicts_per_second']:.0f} verdicts a second. Beside a running explanation a verdict "
        f"takes {beside['slower']:.1f} times as long. With 300 users at once those refused know it within "
        f"{over['refused_p95_seconds']:.2f} s (95%). Another 1,000 calls add "
        f"{max(0.0, found['rss_growth_mb']):.1f} MB; the most held was {found['peak_mb']:,.0f} MB."
    )


def _read(name: str) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return figures


if __name__ == "__main__":
    main()
