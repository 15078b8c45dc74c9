"""Turn an SB3 DQN zip into a run directory, so that `evaluate.py` can score the agent.

    python -m studies.import_zip agent.zip --game pong --extractor nature --trust-pickle

An SB3 zip holds pickles, and loading one runs whatever its maker wrote into it. So this refuses
until it is told in so many words that the zip is trusted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from stable_baselines3 import DQN
from torch import Tensor

import commandline
from agents import checkpoints, extractors
from agents.settings import NATURE, Settings, check
from commandline import BadInput
from envs import games
from studies.running.directory import RunSpec, config, make_root
from studies.running.run import build

FINGERPRINT = "imported"
"""Stands where the training fingerprint would: how it was trained is not ours to vouch for."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        zip: An agent saved with `stable_baselines3.DQN.save`.
        game: What it plays: pong, breakout or catch.
        extractor: The row of the zoo that its network is; SB3's CnnPolicy is nature.
        out: Folder of all studies; the run lies in OUT/imported/GAME/EXTRACTOR/seedK.
        seed: Its number among imported agents of this kind.
        trust_pickle: Run the code in the zip. Without this nothing is loaded.
    """

    zip: tyro.conf.Positional[Path]
    game: str = "pong"
    extractor: str = "nature"
    out: Path = Path("runs")
    seed: int = 0
    trust_pickle: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False


_SAME: Mapping[str, str] = {
    "learning_rate": "learning_rate",
    "batch_size": "batch_size",
    "discount": "gamma",
    "n_steps": "n_steps",
    "learning_starts": "learning_starts",
    "target_update_every": "target_update_interval",
    "final_epsilon": "exploration_final_eps",
    "max_grad_norm": "max_grad_norm",
}
"""Our settings and SB3's names for them."""


def settings_of(model: Any) -> Settings:
    """Return what a loaded agent says of its training; the rest is `nature`'s.

    Raises:
        BadInput: If that makes no sense.
    """
    given = {ours: getattr(model, theirs, None) for ours, theirs in _SAME.items()}
    numbers: dict[str, Any] = {k: v for k, v in given.items() if isinstance(v, int | float)}
    settings = dataclasses.replace(NATURE, steps=max(1, int(model.num_timesteps)), **numbers)
    check(settings)
    return settings


def matched(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return given weights under the wanted names: by name, or in order if only names differ.

    Raises:
        BadInput: If they are the weights of another network.
    """
    shapes = [[tuple(t.shape) for t in weights.values()] for weights in (given, wanted)]
    if given.keys() == wanted.keys():
        return dict(given)
    if shapes[0] != shapes[1]:
        raise BadInput("--extractor: expected the row that the zip's network is; shapes differ")
    return dict(zip(wanted, given.values(), strict=True))


def bring_in(arguments: Arguments) -> Path:
    """Load the zip, which runs its code, and write the run directory; return it."""
    spec = RunSpec(
        "imported", arguments.game, arguments.extractor, arguments.seed, NATURE, arguments.out
    )
    if spec.directory.exists():
        raise BadInput(f"--seed: expected one that is free, got {arguments.seed}: {spec.directory}")
    try:
        theirs = DQN.load(arguments.zip, device="cpu", custom_objects={"buffer_size": 1})
    except Exception as error:
        what = " ".join(str(error).split())
        raise BadInput(f"{arguments.zip}: expected an SB3 DQN zip, got {what}") from None
    spec = dataclasses.replace(spec, settings=settings_of(theirs))
    ours = build(
        dataclasses.replace(spec, settings=dataclasses.replace(NATURE, replay_size=64)), "cpu"
    )
    ours.q_net.load_state_dict(matched(theirs.q_net.state_dict(), ours.q_net.state_dict()))
    make_root(spec.root)
    folder = spec.directory
    folder.mkdir(parents=True)
    facts = {**config(spec), "training_fingerprint": FINGERPRINT}
    facts["imported_sha256"] = checkpoints.sha256(arguments.zip)
    checkpoints.write_json(folder / "config.json", facts)
    digest = checkpoints.save_weights(ours.q_net, folder / "agent.safetensors")
    agent = {"format": 1, "game": spec.game, "extractor": spec.label, "seed": spec.seed}
    counts = {"steps": int(theirs.num_timesteps), "updates": int(theirs._n_updates)}
    (folder / "metrics.jsonl").touch()  # of how it was trained nothing is known
    checkpoints.write_json(folder / "agent.json", {**agent, **counts, "sha256": digest})
    return folder


def main(argv: Sequence[str] | None = None) -> int:
    """Import what the command line names; return the exit status."""
    program = "python -m studies.import_zip"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    games.find(arguments.game)
    extractors.check(arguments.extractor)
    commandline.at_least("--seed", arguments.seed, 0)
    if not arguments.zip.is_file():
        raise BadInput(f"{arguments.zip}: expected an SB3 zip, found no file")
    if not arguments.trust_pickle:
        raise BadInput(
            f"{arguments.zip}: expected --trust-pickle, for an SB3 zip holds pickles and loading "
            "one runs whatever code its maker put there"
        )
    make_root(arguments.out)
    folder = bring_in(arguments)
    print(f"{folder}: imported; next: {commandline.typed('evaluate.py', folder)}")
    return 0


if __name__ == "__main__":
    commandline.run(main)
