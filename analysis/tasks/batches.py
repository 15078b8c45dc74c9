"""In which order examples are learnt from: a function of the seed alone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64


class Batches:
    """Batch number k of a run: whole passes over the examples, each in an order of its own.

    Every batch is a function of the seed and its number, so that a run can go on at any of them.
    """

    def __init__(self, examples: int, size: int, seed: int) -> None:
        self._examples, self._size, self._seed = examples, min(size, examples), seed
        self._pass, self._order = -1, np.arange(0)

    def __getitem__(self, number: int) -> Int64[np.ndarray, " size"]:
        """Return which examples are in it; an incomplete last batch of a pass is left out."""
        which, place = divmod(number, self._examples // self._size)
        if which != self._pass:
            sequence = np.random.SeedSequence(entropy=self._seed, spawn_key=(6, which))
            self._order = np.random.default_rng(sequence).permutation(self._examples)
            self._pass = which
        return self._order[place * self._size : (place + 1) * self._size]
