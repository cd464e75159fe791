"""Weights as 8-bit integers: a quarter of the size on disk of single precision, half that of half precision.

Every 64 neighbors in a row of a matrix share one scale, their largest weight by 127 (symmetric, round to nearest); one
scale for a whole row of 3,072 has three times the error on the states of MPNet and saves 3% of the file. Only the file
is 8-bit: the products are computed in floating point. Rounding a second time changes nothing, because 127 times a
half-precision scale is exact in single precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LARGEST = 127
BLOCK = 64  # weights that share a scale; the whole row where its length is no multiple
SCALE = ".scale"  # after the name of a matrix
POOLED = ("bert", "mpnet")  # encoders with a pooler that can do without it
_SMALLEST_SCALE = 2.0**-14  # below it, half precision loses digits


def quantize(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the integers of a matrix, int8 of its shape, and their scales, float16 of shape (n_rows, n_blocks)."""
    n_rows, width = matrix.shape
    blocks = matrix.detach().float().reshape(n_rows, -1, width if width % BLOCK else BLOCK)
    scale = (blocks.abs().amax(dim=2) / LARGEST).clamp(min=_SMALLEST_SCALE).half()
    integers = torch.round(blocks / scale.float()[..., None]).clamp(-LARGEST, LARGEST)
    return integers.to(torch.int8).reshape(n_rows, width), scale


def dequantize(integers: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Return the matrix in single precision."""
    blocks = integers.float().reshape(*scale.shape, -1)
    return (blocks * scale.float()[..., None]).reshape(integers.shape)


def round_to_int8(model: torch.nn.Module) -> None:
    """Round every weight in place to the value that `pack` stores, so that what is measured is what is stored."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if _is_matrix(tensor):
                tensor.copy_(dequantize(*quantize(tensor)))
            elif tensor.is_floating_point():
                tensor.copy_(tensor.half())


def pack(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors to store: matrices as int8 with their scales, all other weights as float16."""
    packed: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        if _is_matrix(tensor):
            packed[name], packed[name + SCALE] = (part.cpu().contiguous() for part in quantize(tensor))
        else:
            values = tensor.detach().cpu()
            packed[name] = (values.half() if values.is_floating_point() else values).contiguous()
    return packed


def unpack(packed: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights that `pack` took, floating-point ones in single precision; other files pass through it too.

    Raise `ValueError` if integers and scales do not belong together.
    """
    state: dict[str, torch.Tensor] = {}
    integers = {name for name, tensor in packed.items() if tensor.dtype == torch.int8}
    alone = sorted(integers ^ {name.removesuffix(SCALE) for name in packed if name.endswith(SCALE)})
    if alone:
        raise ValueError(f"The 8-bit weights are not whole: {alone[0]} lacks its integers or its scale.")
    for name, tensor in packed.items():
        if name in integers:
            scale = packed[name + SCALE]
            if tensor.ndim != 2 or scale.ndim != 2 or len(scale) != len(tensor) or tensor.shape[1] % scale.shape[1]:
                raise ValueError(f"The 8-bit weights are not whole: {name} and its scales differ in shape.")
            state[name] = dequantize(tensor, scale)
        elif not name.endswith(SCALE):
            state[name] = tensor.float() if tensor.is_floating_point() else tensor
    return state


def save_packed(model: PreTrainedModel, folder: Path) -> None:
    """Write `model.safetensors` with `pack`ed weights, and `config.json`."""
    from safetensors.torch import save_file

    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    save_file(pack(model.state_dict()), folder / "model.safetensors", metadata={"format": "pt"})


def load_strictly(folder: Path, with_head: bool, dtype: torch.dtype) -> PreTrainedModel:
    """Read an encoder, 8-bit or not, with or without a classification head; a pooler without a head is left out.

    Raise `ValueError` if the file lacks a weight of the model, or holds another one.
    """
    from safetensors.torch import load_file
    from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, MODEL_MAPPING, AutoConfig

    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    classes: Any = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING if with_head else MODEL_MAPPING
    options: dict[str, Any] = {"output_loading_info": True, "ignore_mismatched_sizes": True}  # all of them are refused
    if not with_head and config.model_type in POOLED:
        options["add_pooling_layer"] = False
    state = unpack(load_file(folder / "model.safetensors"))
    model, report = classes[type(config)].from_pretrained(None, config=config, state_dict=state, dtype=dtype, **options)
    wrong = [f"{what.partition('_')[0]} {key}" for what, keys in report.items() for key in sorted(map(str, keys))]
    if wrong:
        raise ValueError(f"{folder.name}/model.safetensors is not of this model: {', '.join(wrong[:3])}.")
    loaded: PreTrainedModel = model
    return loaded


def _is_matrix(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and tensor.ndim == 2
