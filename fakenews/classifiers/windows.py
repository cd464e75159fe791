"""What the classifiers on torch share: windows of word pieces, and rounding to the precision weights are stored in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

PADDING = 0.05  # of the pieces of a batch


@dataclass(frozen=True, slots=True)
class Windows:
    """One text cut into windows of word pieces."""

    # input_ids, attention_mask: shape (n_windows, length): as the encoder takes them; the last window may be padded
    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    # shape (n_windows, length): index into `clean_text(text).words`, for a mark that of the word before it; -1 for
    # special pieces and padding
    word_index: torch.Tensor
    weights: torch.Tensor  # shape (n_windows,): share of each window in the log-odds of the text; sum to 1

    def first(self, n: int | None) -> Windows:
        """Return the first `n` windows, with weights that sum to 1; all of them for None."""
        if n is None or n >= len(self.weights):
            return self
        weights = self.weights[:n] / self.weights[:n].sum()
        return Windows(self.input_ids[:n], self.attention_mask[:n], self.word_index[:n], weights)

    def rows(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return ids and mask of each window without its padding."""
        lengths = self.attention_mask.sum(1).tolist()
        return [(self.input_ids[i, :n], self.attention_mask[i, :n]) for i, n in enumerate(lengths)]


def cut(
    ids: NDArray[np.int64],
    words: NDArray[np.int64],
    spans: Sequence[tuple[int, int]],
    before: Sequence[int],
    after: Sequence[int],
    pad: int,
) -> Windows:
    """Cut the pieces of a text, of which `words` tells the word of each, at `spans`, and put special pieces around."""
    lengths = np.array([end - start for start, end in spans])
    first, n_special = len(before), len(before) + len(after)
    shape = (len(spans), lengths.max() + n_special)
    input_ids = np.full(shape, pad, dtype=np.int64)
    attention_mask, word_index = np.zeros(shape, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
    for i, (start, end) in enumerate(spans):
        n = end - start
        input_ids[i, : n + n_special] = [*before, *ids[start:end], *after]
        attention_mask[i, : n + n_special] = 1
        word_index[i, first : first + n] = words[start:end]
    weights = lengths / lengths.sum() if lengths.sum() else np.ones(1)
    return Windows(
        input_ids=torch.from_numpy(input_ids),
        attention_mask=torch.from_numpy(attention_mask),
        word_index=torch.from_numpy(word_index),
        weights=torch.from_numpy(weights).float(),
    )


def window_spans(n_pieces: int, room: int, overlap: int) -> list[tuple[int, int]]:
    """Return the first piece and end of the windows of a text; at least one.

    Each window but the last is full, and shares `overlap` pieces with the one before it: as few windows as there can
    be, and no piece read more often than it must.

    Raise `ValueError` if windows of `room` pieces cannot overlap by `overlap` and still advance.
    """
    if not 0 <= overlap < room:
        raise ValueError(f"overlap must lie between 0 and {room - 1} word pieces, got {overlap}.")
    starts = range(0, max(1, n_pieces - overlap), room - overlap)
    return [(start, min(start + room, n_pieces)) for start in starts]


def batches(lengths: Sequence[int], most: int, most_pieces: int | None = None) -> list[list[int]]:
    """Yield indices of texts that are read together: at most `most`, alike in length, the shortest first.

    A batch ends where another text would make it longer than `most_pieces`, padding included, or would make more than
    `PADDING` of it padding; the latter not below a quarter of `most`, where a pass costs more than the padding.
    """
    batches_so_far: list[list[int]] = []
    pieces = 0  # of the last batch, without padding
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        n = len(batches_so_far[-1]) + 1 if batches_so_far else 0
        padded = n * lengths[i]
        too_long = most_pieces is not None and n > 1 and padded > most_pieces
        too_loose = n > most // 4 and padded > (1 + PADDING) * (pieces + lengths[i])
        if not batches_so_far or n > most or too_long or too_loose:
            batches_so_far.append([])
            pieces = 0
        batches_so_far[-1].append(i)
        pieces += lengths[i]
    return batches_so_far


def averaged(log_odds: NDArray[np.float64], encoded: Sequence[Windows]) -> NDArray[np.float64]:
    """Return the log-odds of texts, shape (n_texts,), from those of all their windows in order."""
    parts = np.split(log_odds, np.cumsum([len(w.weights) for w in encoded])[:-1]) if encoded else []
    return np.array([float(m @ w.weights.numpy()) for m, w in zip(parts, encoded, strict=True)], dtype=np.float64)


def round_to_half(model: torch.nn.Module) -> None:
    """Round every floating-point weight to the nearest half-precision value, in place."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().to(tensor.dtype))


def half_on_cpu(tensor: torch.Tensor) -> torch.Tensor:
    """Copy a tensor to the CPU as it is stored: floating-point numbers in half precision."""
    moved = tensor.detach().to("cpu", torch.float16 if tensor.is_floating_point() else tensor.dtype)
    return moved.contiguous()
