"""Networks without a game around them: extractor, hidden layer, outputs; and what each layer says.

The same three parts in every regime. Untrained and supervised ones are built here from a seed; an
agent's is taken from its run, so that whoever measures need not know where a network comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from gymnasium import spaces
from jaxtyping import Float, Float32, UInt8
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from agents.dqn import BallparkDQN, initialisation_seed, scaled
from agents.extractors import ZooExtractor, policy_kwargs
from agents.shapes import CHANNELS, SIDE

Observations = UInt8[np.ndarray, "n 4 84 84"]

FEATURES = "features"
"""What the extractor gives, flat: the last thing that differs between rows."""

HIDDEN = "hidden"
"""The units behind the features, after their ReLU."""

OUTPUTS = "outputs"

CHUNK = 256
"""Inputs in one pass: some 30 MB of maps at full width for most rows."""


class Network(nn.Module):
    """(n, 4, 84, 84) bytes → (n, outputs).

    Attributes:
        spec: The row, `half_max@0.5`, or the reader's own extractor.
        extractor: From the picture to features; rows of the zoo have named `stages`.
        head: Hidden layer, ReLU, outputs.
    """

    def __init__(self, spec: str, extractor: BaseFeaturesExtractor, head: nn.Sequential) -> None:
        super().__init__()
        self.spec = spec
        self.extractor = extractor
        self.head = head
        # Convolutions are faster on the CPU when channels lie next to each other.
        nn.Module.to(self, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of everything that can be read out, in order from the picture on."""
        stages: tuple[str, ...] = ()
        if isinstance(self.extractor, ZooExtractor):
            stages = tuple(name for name, _ in self.extractor.stages.named_children())
        return (*stages, FEATURES, HIDDEN, OUTPUTS)

    def forward(self, observations: UInt8[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        """Return the outputs; pictures are scaled to [0, 1] here."""
        dtype = next(self.parameters()).dtype
        outputs: Tensor = self.head(self.extractor(scaled(observations, dtype)))
        return outputs


def build(spec: str, seed: int, outputs: int) -> Network:
    """Return a network with the initial weights that an agent of that seed starts with.

    Rows at the same seed share weights wherever a layer's name and shapes agree, and batches
    elsewhere derived from the seed: their differences are paired.

    Args:
        spec: A row, a width allowed, or the reader's own extractor.
        seed: 0 or more.
        outputs: Units of the last layer.

    Raises:
        BadInput: If there is no such extractor.
    """
    kwargs = policy_kwargs(spec)
    space = spaces.Box(0, 255, (CHANNELS, SIDE, SIDE), np.uint8)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(initialisation_seed(seed))
        extractor = kwargs["features_extractor_class"](space, **kwargs["features_extractor_kwargs"])
        hidden = kwargs["net_arch"][0]
        head = nn.Sequential(
            nn.Linear(extractor.features_dim, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
        )
    return Network(spec, extractor, head)


def of_agent(model: BallparkDQN, spec: str) -> Network:
    """Return the online network of a DQN agent; weights are shared, not copied."""
    extractor, head = model.q_net.features_extractor, model.q_net.q_net
    assert isinstance(extractor, BaseFeaturesExtractor)
    assert isinstance(head, nn.Sequential)
    return Network(spec, extractor, head)


def responses(
    network: Network, observations: Observations, layers: Sequence[str] = (FEATURES,)
) -> dict[str, Float32[np.ndarray, "*shape"]]:
    """Return what the named layers give for each input, as they come: maps stay maps.

    Args:
        network: Any.
        observations: Network inputs.
        layers: From `network.layers`.
    """
    parts: dict[str, list[np.ndarray]] = {name: [] for name in layers}
    for given in passes(network, observations, layers):
        for name in layers:
            parts[name].append(given[name].numpy())
    return {name: np.concatenate(part) for name, part in parts.items()}


def passes(
    network: Network, observations: Observations, layers: Sequence[str], chunk: int = CHUNK
) -> Iterator[dict[str, Float32[Tensor, "*shape"]]]:
    """Yield the same some inputs at a time, for maps that do not fit into memory together.

    Raises:
        ValueError: If the network has no layer of that name.
    """
    if unknown := [name for name in layers if name not in network.layers]:
        raise ValueError(f"expected layers among {', '.join(network.layers)}, got {unknown}")
    found: dict[str, Tensor] = {}
    device = next(network.parameters()).device
    hooks = []
    for name in layers:
        module = _module(network, name)
        hooks.append(module.register_forward_hook(_keep(found, name)))
    was_training = network.training
    network.eval()
    try:
        for start in range(0, len(observations), chunk):
            with torch.inference_mode():
                network(torch.from_numpy(observations[start : start + chunk]).to(device))
            yield {name: found[name].float().contiguous().cpu() for name in layers}
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()


def _module(network: Network, layer: str) -> nn.Module:
    match layer:
        case "features":
            return network.extractor
        case "hidden":
            return network.head[1]
        case "outputs":
            return network.head
        case _:
            assert isinstance(network.extractor, ZooExtractor)
            return network.extractor.stages.get_submodule(layer)


def _keep(found: dict[str, Tensor], name: str):  # type: ignore[no-untyped-def]
    def hook(module: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        found[name] = made

    return hook
