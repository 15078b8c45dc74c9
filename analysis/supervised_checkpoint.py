"""What a run of the supervised regime has made so far, in memory and on disk.

A run that was stopped goes on from there with the same bits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam

from agents.checkpoints import load_tensors, read_json, save_tensors, sha256, write_json
from analysis.networks import Network
from commandline import BadInput

Row = dict[str, float]
"""One point of a curve: `update`, `loss`, `skill` on the validation scenes, and what the task has
beside it."""


class Checkpoint:
    """A network being trained, its optimiser, its best weights and its curve."""

    def __init__(self, network: Network, adam: Adam, facts: dict[str, Any]) -> None:
        """Begin.

        Args:
            network: To be trained.
            adam: Its optimiser.
            facts: Which run this is; no other one's checkpoint is taken up.
        """
        self.network, self.adam, self.facts = network, adam, facts
        self.best = copied(network)
        self.curve: list[Row] = []
        self.loss_sum = torch.zeros(())

    def tensors(self) -> dict[str, Tensor]:
        """Return everything by name: weights, the best weights, Adam's moments and counters."""
        found = {"loss_sum": self.loss_sum}
        found |= {f"network.{n}": t for n, t in self.network.state_dict().items()}
        found |= {f"best.{n}": t for n, t in self.best.items()}
        for name, parameter in self.network.named_parameters():
            # Before the first update Adam has no state; its places are what loading needs to know.
            state = self.adam.state[parameter] or {
                "step": torch.zeros(()),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
            found |= {f"adam.{name}.{key}": value for key, value in state.items()}
        return found

    def save(self, folder: Path, update: int) -> None:
        """Write a checkpoint: new names beside the old ones, then the card that names them."""
        name = f"checkpoint-{update}.safetensors"
        sha = save_tensors(self.tensors(), folder / name)
        write_json(
            folder / "progress.json",
            {**self.facts, "update": update, "file": name, "sha256": sha, "curve": self.curve},
        )
        for old in folder.glob("checkpoint-*.safetensors"):
            if old.name != name:
                old.unlink()

    def load(self, folder: Path) -> int:
        """Take up the checkpoint in the folder, if there is one; return its updates."""
        card = folder / "progress.json"
        if not card.exists():
            return 0
        known = read_json(card)
        if {k: known.get(k) for k in self.facts} != json.loads(json.dumps(self.facts)):
            raise BadInput(f"{folder}: expected the checkpoint of this run, got another's")
        if sha256(folder / known["file"]) != known["sha256"]:
            raise BadInput(f"{folder / known['file']}: damaged (sha256 differs); delete {card}")
        expected = {n: (tuple(t.shape), t.dtype) for n, t in self.tensors().items()}
        found = load_tensors(folder / known["file"], expected)
        self.network.load_state_dict(_below(found, "network."))
        self.best = _below(found, "best.")
        self.loss_sum = found["loss_sum"]
        for name, parameter in self.network.named_parameters():
            # The layout of the moments follows the weights', as if Adam had made them itself.
            state = _below(found, f"adam.{name}.")
            for key in ("exp_avg", "exp_avg_sq"):
                state[key] = torch.empty_like(parameter).copy_(state[key])
            self.adam.state[parameter] = state
        self.curve = known["curve"]
        return int(known["update"])


def copied(network: Network) -> dict[str, Tensor]:
    """Return a copy of a network's weights, by name."""
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
