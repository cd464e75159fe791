"""A model that does not fit on its device for the moment: a copy on the CPU answers meanwhile."""

from __future__ import annotations

import copy
from itertools import chain
from typing import TypeVar

import torch

Model = TypeVar("Model", bound=torch.nn.Module)

CPU_SECONDS = 60.0  # until a device that was too small is tried again


def cpu_copy(model: Model) -> Model:
    """Copy a model to the CPU in single precision; nothing is allocated where it is, and it stays there for others."""
    memo: dict[int, torch.Tensor] = {}
    for tensor in chain(model.parameters(), model.buffers()):
        moved = tensor.detach().to("cpu", torch.float32 if tensor.is_floating_point() else tensor.dtype)
        if isinstance(tensor, torch.nn.Parameter):
            moved = torch.nn.Parameter(moved, requires_grad=tensor.requires_grad)
        memo[id(tensor)] = moved
    return copy.deepcopy(model, memo)
