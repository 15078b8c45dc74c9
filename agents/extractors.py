"""From what is typed behind `--extractor` to what SB3 builds.

A *spec* is the name of a row, `half_max`, a row at a width, `half_max@0.5`, or a class of the
reader's own, `path/to/file.py:ClassName`. The extractor gives the features; the hidden layer and
the layer of actions behind them are SB3's (`net_arch`).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from jaxtyping import Float
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from agents import heads, layers, parts
from agents.architectures import NATURE, Architecture, find
from agents.geometry import ACTIONS, ledger
from agents.ownfile import is_own, load, try_out
from agents.shapes import CHANNELS, SIDE, Step, trace
from commandline import BadInput

COSTLY_PARAMETERS = 50_000_000
"""Parameters from which a row has to be asked for twice; the largest cheap one has 2 million."""

TRAINING_BYTES = 4 * 5
"""Bytes a parameter takes in training: float32, held as weight, in the target network, as gradient
and in Adam's two moments."""

OWN_HIDDEN = 512
"""Hidden units behind an extractor of the reader's own: as many as nature has."""


def build(part: parts.Part, before: Step, ordinal: int) -> nn.Module:
    """Return the module that `part` describes, sized for the map that `before` gives.

    Args:
        part: From a row's stack.
        before: What stands in front of it.
        ordinal: Which of its kind it is in the stack, from 1.
    """
    channels, side = before.shape[:2]
    match part:
        case parts.Conv(out, kernel, stride, padding, dilation):
            kind = nn.Conv2d if isinstance(part, parts.LinearConv) else layers.ConvRelu
            if padding == "circular":
                return kind(channels, out, kernel, padding="same", padding_mode="circular")
            return kind(channels, out, kernel, stride, padding, dilation)
        case parts.Residual():
            return layers.Residual(channels)
        case parts.Relu():
            return nn.ReLU()
        case parts.MaxPool(size):
            return nn.MaxPool2d(size, ceil_mode=True)
        case parts.AvgPool(size):
            return nn.AvgPool2d(size, ceil_mode=True)
        case parts.MedianPool(size):
            return layers.MedianPool(size)
        case parts.BlurPool(size):
            return layers.BlurPool(size)
        case parts.CornerPick(size):
            return layers.CornerPick(size)
        case parts.CellPick(size):
            return layers.CellPick(size, channels, ordinal)
        case parts.OverlapMax(size, stride, padding):
            return nn.MaxPool2d(size, stride, padding)
        case parts.OverlapAvg(size, stride, padding):
            return nn.AvgPool2d(size, stride, padding, count_include_pad=False)
        case parts.AdaptiveAvg(new):
            return nn.AdaptiveAvgPool2d(new)
        case parts.AdaptiveMax(new):
            return nn.AdaptiveMaxPool2d(new)
        case parts.GlobalMean():
            return heads.GlobalMean()
        case parts.GlobalMax():
            return heads.GlobalMax()
        case parts.LearnedMean():
            return heads.LearnedMean(channels, side)
        case parts.Gain(value):
            return layers.Gain(value)
        case parts.Coordinates():
            return layers.Coordinates()
        case parts.Sort():
            return heads.Sort()
        case parts.SpatialSoftmax():
            return heads.SpatialSoftmax()
        case parts.Capsules(count, size, primary, routings):
            return heads.Capsules(channels, side, count, size, primary, routings)
        case _:
            raise TypeError(f"no module is known for {part!r}")


class ZooExtractor(BaseFeaturesExtractor):
    """A row of the zoo: (n, 4, 84, 84) in [0, 1] → (n, features), before the hidden layer.

    `stages` holds the layers in order under stable names (`conv1`, `pool1`, …), so that each
    one's output can be read by a hook.

    Weights start as torch starts them. Each stage draws from a stream of its own, derived from one
    draw of torch's generator and the stage's name: rows built at the same seed start with the same
    weights wherever a stage's name and shapes agree, whatever else there is, and leave the
    generator in the same state for the layers behind them.

    Args:
        observation_space: A box of (channels, side, side).
        architecture: The row.
    """

    def __init__(self, observation_space: spaces.Space[Any], architecture: Architecture) -> None:
        shape = observation_space.shape
        if shape is None or len(shape) != 3 or shape[1] != shape[2]:
            raise ValueError(f"expected pictures of (channels, side, side), got {shape}")
        steps = trace(architecture, channels=shape[0], side=shape[1])
        super().__init__(observation_space, features_dim=steps[-1].features)
        self.architecture = architecture
        self.stages = nn.Sequential()
        root = int(torch.randint(2**62, ()))
        before = Step("input", shape)
        seen: Counter[str] = Counter()
        for part, step in zip(architecture.layers, steps, strict=True):
            seen[part.kind] += 1
            entropy = np.random.SeedSequence([root, *step.name.encode()])
            with torch.random.fork_rng(devices=[]):
                # Not torch.manual_seed, which would reach the accelerators' generators as well.
                torch.default_generator.manual_seed(int(entropy.generate_state(1, np.uint64)[0]))
                self.stages.add_module(step.name, build(part, before, seen[part.kind]))
            before = step

    def forward(self, observations: Float[Tensor, "n c h w"]) -> Float[Tensor, "n features"]:
        """Return the features."""
        features: Tensor = self.stages(observations).flatten(1)
        return features


def policy_kwargs(spec: str) -> dict[str, Any]:
    """Return what SB3's DQN takes as `policy_kwargs` for `spec`.

    Raises:
        BadInput: If there is no such extractor.
    """
    if is_own(spec):
        own = load(spec)
        return {
            "features_extractor_class": own.kind,
            "features_extractor_kwargs": {},
            "net_arch": [OWN_HIDDEN],
        }
    row = find(spec)
    return {
        "features_extractor_class": ZooExtractor,
        "features_extractor_kwargs": {"architecture": row},
        "net_arch": [row.hidden],
    }


def describe(spec: str) -> dict[str, Any]:
    """Return the facts about `spec` that belong beside its runs, fit for JSON.

    For a row they are its line in the ledger; for a class of the reader's own, which file it was,
    and in which version. Parameters include the head, with the ledger's number of actions.

    Raises:
        BadInput: If there is no such extractor.
    """
    if not is_own(spec):
        return ledger(find(spec)).facts()
    own = load(spec)
    features, parameters = try_out(own, CHANNELS, SIDE)
    return {
        "name": own.directory,
        "file": own.path.name,
        "class": own.class_name,
        "sha256": own.sha256,
        "features": features,
        "parameters": parameters + _head_parameters(features),
    }


def _head_parameters(features: int) -> int:
    """Return the learned numbers of the hidden layer and the actions behind `features`."""
    return (features + 1) * OWN_HIDDEN + (OWN_HIDDEN + 1) * ACTIONS


def check(spec: str, *, allow_costly: bool = False) -> None:
    """Return if `spec` can be trained.

    Args:
        spec: What was typed behind `--extractor`.
        allow_costly: Whether it was asked for twice, with `--really`.

    Raises:
        BadInput: If there is no such extractor, if a class of the reader's own does not do what SB3
            asks of it, or if it costs far more than the others and was asked for once only.
    """
    facts = describe(spec)
    if facts["parameters"] < COSTLY_PARAMETERS or allow_costly:
        return
    usual = ledger(NATURE)
    cost = (
        f"--extractor: {facts['name']} has {facts['parameters']:,} parameters "
        f"({facts['parameters'] / usual.parameters:.0f} × {NATURE.name}), "
        f"{facts['parameters'] * TRAINING_BYTES / 1e9:.1f} GB for them in training"
    )
    if "mmac" in facts:
        cost += (
            f", and {facts['mmac']:.0f} million multiply-adds for an input "
            f"({facts['mmac'] * 1e6 / usual.macs:.0f} × {NATURE.name})"
        )
    raise BadInput(f"{cost}; expected --really beside it if that is what you want")


def directory_name(spec: str) -> str:
    """Return the folder's name for the runs of `spec`; the same network always gets the same one.

    Raises:
        BadInput: If there is no such extractor.
    """
    return load(spec).directory if is_own(spec) else find(spec).name
