"""ZeroGPU: a GPU lent for the seconds of a call, in a process forked for it.

Arguments go there and results come back by pickle, so what is heard on the way, progress and cancelling, stays here: it
is asked after each result that comes. What takes long is asked for long, because the visitor's quota pays by what is
declared. https://huggingface.co/docs/hub/spaces-zerogpu
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fakenews.config import Settings
from fakenews.explain.base import Refinement
from fakenews.explain.flip import Flip
from fakenews.formatting import FormattingTest
from fakenews.schema import Explanation, Prediction, Target
from fakenews.services import TABLE_CHUNK, Services

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

VERDICT_SECONDS, EXPLANATION_SECONDS = 5, 20

Progress = Callable[[float], None]
Lend = Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]


def lent_here() -> bool:
    """Whether this is a Space on ZeroGPU."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


class ZeroServices(Services):
    """`Services` whose calls of the models run where the GPU is.

    Parameters
    ----------
    settings : Settings
    lend : callable, optional
        `spaces.GPU` if left out: given `duration` in seconds it makes a decorator.
    """

    scored_chunk = TABLE_CHUNK  # of one call: a visitor's quota pays for each

    def __init__(self, settings: Settings, lend: Lend | None = None) -> None:
        super().__init__(settings)
        if lend is None:
            from spaces import GPU

            lend = GPU
        judge, steps = super().judge_many, super()._steps
        p_fake, quick = super()._p_fake, super()._quick_explanations
        test, grade, flip = super().formatting_test, super().grade, super().smallest_flip
        # Functions of their own, because only what crosses to the other process may be an argument.
        short, long = lend(duration=VERDICT_SECONDS), lend(duration=EXPLANATION_SECONDS)
        self._lent_judge = short(lambda texts, models, compare: judge(texts, models, compare))
        self._lent_test = short(lambda text, models: test(text, models))
        self._lent_p_fake = short(lambda part, corpus, model: p_fake(part, corpus, model))
        self._lent_grade = long(lambda explanation, model: grade(explanation, model))
        self._lent_flip = long(lambda text, model: flip(text, model))

        def lent_steps(
            text: str, model: str, method: str, n_samples: int | None, seed: int, target: Target
        ) -> Iterator[Refinement]:
            yield from steps(text, model, method, n_samples, seed, target, None)

        def lent_quick(texts: list[str], model: str) -> Iterator[Explanation]:
            yield from quick(texts, model)

        self._lent_steps, self._lent_quick = long(lent_steps), long(lent_quick)

    def warm_up(self) -> None:
        """Place the models on the device and report for duty; a verdict would be paid for by nobody's quota.

        `spaces` does the second when Gradio's own `launch` is called, which a page inside another server never is.
        """
        for model in self.asked:
            self.classifier(model)
        if lent_here():
            from spaces import zero

            zero.startup()

    def answer_together(self, told: Callable[[int], None] = lambda size: None) -> None:
        """Not here: each visitor's call is paid for by that visitor's quota."""

    def judge_many(
        self,
        texts: Sequence[str],
        models: Sequence[str] | None = None,
        compare: bool = True,
    ) -> list[tuple[Prediction, ...]]:
        """As `Services` does, on the lent GPU."""
        found: list[tuple[Prediction, ...]] = self._lent_judge(list(texts), models and tuple(models), compare)
        return found

    def formatting_test(self, text: str, models: Sequence[str] | None = None) -> FormattingTest:
        """As `Services` does, on the lent GPU."""
        found: FormattingTest = self._lent_test(text, models and tuple(models))
        return found

    def grade(self, explanation: Explanation, model: str, progress: Progress | None = None) -> Explanation:
        """As `Services` does, on the lent GPU; it cannot be cancelled on the way."""
        found: Explanation = self._lent_grade(explanation, model)
        return found

    def smallest_flip(self, text: str, model: str, progress: Progress | None = None) -> Flip:
        """As `Services` does, on the lent GPU; it cannot be cancelled on the way."""
        found: Flip = self._lent_flip(text, model)
        return found

    def _p_fake(self, part: pd.DataFrame, corpus: str, model: str) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self._lent_p_fake(part, corpus, model)
        return found

    def _quick_explanations(self, texts: Sequence[str], model: str) -> Iterator[Explanation]:
        yield from self._lent_quick(list(texts), model)

    def _steps(
        self,
        text: str,
        model: str,
        method: str,
        n_samples: int | None,
        seed: int,
        target: Target,
        progress: Progress | None,
    ) -> Iterator[Refinement]:
        for step in self._lent_steps(text, model, method, n_samples, seed, target):
            if progress is not None:
                progress(step.share)
            yield step
