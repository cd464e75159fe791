"""What a deployment will do, call by call, before it does any of it; values of secrets are never part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fakenews.space.bundle import BundledFile
from fakenews.space.spacefile import PRICES, Spacefile, Target

PLACEHOLDER = "your-name/"


@dataclass(frozen=True, slots=True)
class Step:
    """One call to the Hub, or one thing that is waited for."""

    call: str
    what: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered steps, and what the hardware costs."""

    space: str
    flavor: str
    usd_per_hour: float
    sleep_seconds: int
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        """Return the plan for people."""
        cost = (
            f"${self.usd_per_hour:.2f} an hour while awake, asleep after {self.sleep_seconds // 60} idle minutes"
            if self.usd_per_hour
            else "free of charge by the hour"
        )
        width = max(len(step.call) for step in self.steps)
        lines = [f"{i:>3}. {step.call:<{width}}  {step.what}" for i, step in enumerate(self.steps, 1)]
        return "\n".join([f"{self.space} on {self.flavor}: {cost}.", *lines])


def make_plan(spacefile: Spacefile, target: Target, files: Sequence[BundledFile]) -> Plan:
    """Plan a deployment; nothing is called.

    Raise `ValueError` if the Spacefile still has the placeholder for a name.
    """
    space, hardware = spacefile.space, spacefile.hardware
    if space.id.startswith(PLACEHOLDER):
        raise ValueError(f"{space.id!r} is a placeholder: put your own name into [space] id, or give --id.")
    megabytes = sum(file.size for file in files) / 1e6
    steps = [
        Step("space_info", "what is live now, so that it can be brought back"),
        Step("create_repo", f"{space.visibility} Gradio Space {space.id}, if it is not there yet"),
        Step("create_commit", f"{len(files)} files, {megabytes:.1f} MB; what is not among them is removed"),
        *(Step("add_space_variable", f"{name} = {value}") for name, value in spacefile.variables().items()),
        *(Step("add_space_secret", f"{name} = •••") for name in spacefile.secrets.required),
    ]
    if spacefile.storage.bucket:
        steps.append(Step("set_space_volumes", f"bucket {spacefile.storage.bucket} at {spacefile.storage.mount}"))
    for model in spacefile.models.hub:
        steps.append(Step("at its start", f"{model.id} at {model.revision[:12]} is brought as {model.key}, not before"))
    fallback = f", else {spacefile.target(hardware.fallback).flavor}" if hardware.fallback else ""
    steps += [
        Step("request_space_hardware", f"{target.flavor}{fallback}"),
        *([Step("set_space_sleep_time", f"{hardware.sleep_seconds} seconds")] if PRICES.get(target.flavor) else []),
        Step("restart_space", "only if it was paused"),
        Step("get_space_runtime", "until it runs, or has failed"),
        Step("gradio_client", f"{spacefile.smoke.endpoint}, answered within {spacefile.smoke.timeout_s} seconds"),
        Step("on any failure", "the files, variables, hardware and volumes from before"),
    ]
    return Plan(space.id, target.flavor, PRICES.get(target.flavor, 0.0), hardware.sleep_seconds, tuple(steps))
