"""Write a finished agent as an ordinary SB3 zip, for those who want one.

    python -m studies.export_zip runs/fast/pong/nature/seed0 --out agent.zip

`stable_baselines3.DQN.load("agent.zip")` gives the same values for every observation, also where
Ballpark is not installed: the feature extractor's code travels inside, as a pickle. That is why
Ballpark itself keeps agents in safetensors and JSON, and why `studies.import_zip` wants to be told
that a zip is trusted.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cloudpickle  # type: ignore[import-untyped]
import tyro
from stable_baselines3 import DQN

import commandline
import envs
from agents import extractors
from commandline import BadInput
from envs.games import find
from studies.measuring.measure import FinishedRun, load_agent, open_run

INSIDE = ("agents", "commandline")
"""Our packages that an extractor's code comes from; they are put into the zip."""


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        run: Directory of a finished run.
        out: The zip to write; must not exist.
    """

    run: tyro.conf.Positional[Path]
    out: Path


def as_stock(run: FinishedRun) -> DQN:
    """Return a run's agent as SB3's own class, with the weights and counters it ended with."""
    trained, settings = load_agent(run), run.settings
    env = envs.make(find(run.config["game"]), 1, seed=0)
    stock = DQN(
        "CnnPolicy",
        env,
        learning_rate=settings.learning_rate,
        buffer_size=1,  # allocated here and now; the true size is noted below
        learning_starts=settings.learning_starts,
        batch_size=settings.batch_size,
        gamma=settings.discount,
        target_update_interval=settings.target_update_every,
        exploration_fraction=min(1.0, settings.exploration_steps / settings.steps),
        exploration_final_eps=settings.final_epsilon,
        max_grad_norm=settings.max_grad_norm,
        policy_kwargs=extractors.policy_kwargs(run.extractor),
        device="cpu",
    )
    env.close()
    weights = trained.q_net.state_dict()
    stock.q_net.load_state_dict(weights)
    stock.q_net_target.load_state_dict(weights)
    stock.buffer_size, stock.n_steps = settings.replay_size, settings.n_steps
    stock.replay_buffer_class, stock.replay_buffer_kwargs = (
        None,
        {},
    )  # chosen anew when it is loaded
    stock.num_timesteps, stock._n_updates = int(run.agent["steps"]), int(run.agent["updates"])
    return stock


@contextlib.contextmanager
def _code_inside(extractor: type) -> Iterator[None]:
    """Let pickles hold the code of the extractor instead of the names of its modules."""
    names = [n for n in (*INSIDE, extractor.__module__) if n in sys.modules]
    for name in names:
        cloudpickle.register_pickle_by_value(sys.modules[name])
    try:
        yield
    finally:
        for name in dict.fromkeys(names):
            cloudpickle.unregister_pickle_by_value(sys.modules[name])


def export(run: FinishedRun, out: Path) -> None:
    """Write a run's agent to the zip `out`; a reader never sees half of it."""
    stock = as_stock(run)
    beside = out.with_name(out.name + ".tmp")
    with _code_inside(type(stock.q_net.features_extractor)), beside.open("wb") as file:
        stock.save(file)
    os.replace(beside, out)


def main(argv: Sequence[str] | None = None) -> int:
    """Export what the command line names; return the exit status."""
    program = "python -m studies.export_zip"
    arguments = commandline.parse(Arguments, argv, program, __doc__ or "")
    if arguments.out.exists():
        raise BadInput(f"--out: expected the name of a new file, got {arguments.out}")
    if not arguments.out.absolute().parent.is_dir():
        raise BadInput(f"--out: expected a file in a folder that exists, got {arguments.out}")
    if not os.access(arguments.out.absolute().parent, os.W_OK | os.X_OK):
        raise BadInput(f"--out: expected a folder that can be written to, got {arguments.out}")
    export(open_run(arguments.run), arguments.out)
    print(
        f"{arguments.out}: loads with stable_baselines3.DQN.load; trust it as you trust a program"
    )
    return 0


if __name__ == "__main__":
    commandline.run(main)
