"""The engine behind page, API and commands: rooms with one purpose each; callers go to the room they need.

A text goes from `judge.check` through `scheduler` to `judge.analyse`, which asks `pool` for models and `evidence` for
what is known of them, and on to `explainers.explain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from fakenews.config import Settings
from fakenews.engine.device import Device
from fakenews.engine.evidence_store import EvidenceStore
from fakenews.engine.explainers import Explainers
from fakenews.engine.judge import Judge
from fakenews.engine.pool import ModelPool
from fakenews.engine.scheduler import Scheduler
from fakenews.engine.tables import Tables
from fakenews.engine.values import ExplanationRequest

# Long enough to be judged, so that everything a verdict needs is loaded.
_WARM_UP = (
    "The council of a small town met on Tuesday to talk about the old bridge. Two members said that it should be "
    "repaired before the winter, and a third asked who would pay for it. They agreed to ask an engineer, to hear from "
    "the people who live beside the river, and to meet again in a month."
)


@dataclass(frozen=True, slots=True)
class Engine:
    """All rooms, each of which knows only those it needs."""

    settings: Settings
    device: Device
    scheduler: Scheduler
    pool: ModelPool
    evidence: EvidenceStore
    judge: Judge
    explainers: Explainers
    tables: Tables

    @classmethod
    def open(
        cls, settings: Settings | None = None, device: Device | None = None, scheduler: Scheduler | None = None
    ) -> Self:
        """Build the rooms, with the usual settings, device and limits if left out; nothing is loaded yet."""
        settings, device, scheduler = settings or Settings(), device or Device(), scheduler or Scheduler()
        pool = ModelPool(settings)
        evidence = EvidenceStore(pool)
        judge = Judge(pool, evidence, scheduler, device)
        explainers = Explainers(pool, judge, device)
        tables = Tables(pool, evidence, judge, device)
        return cls(settings, device, scheduler, pool, evidence, judge, explainers, tables)

    def warm_up(self) -> None:
        """Load the default models and ask them for a verdict and its quick explanation, so that no visitor waits.

        Where calls are paid for by visitors, the models are loaded and not asked.
        """
        self.pool.find_damage()
        for model in self.pool.defaults:  # in this thread: that of verdicts would keep in its heap what loading takes
            self.pool.classifier(model)
            if not self.device.is_lent:
                self.evidence.track_record(_WARM_UP, model)
        self.device.start()
        if self.device.is_lent:
            return
        if self.pool.models:
            self.judge.analyse(_WARM_UP)
        for model in self.pool.side_by_side:
            self.explainers.explain(ExplanationRequest(_WARM_UP, model, self.explainers.methods(model)[0]))
