"""The battery taken of one finished agent: a table for each measure, and the numbers for claims.

`evaluation/<measure>.parquet` holds the table, `evaluation/measures.json` what shaped it and what
was read off, `evaluation/measurements.json` everything that claims can use of this agent. A measure
is taken again only if the agent or the code has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from agents.checkpoints import read_json, write_json
from agents.ownfile import versioned
from agents.settings import as_dict, fingerprint
from agents.tuned import reference_score
from analysis import battery
from analysis.cache import key_of, shaped_by
from analysis.learning import gain_in_last_quarter, normalised_score
from analysis.measurements import Measurement, save
from analysis.networks import of_agent
from analysis.probing import probes
from analysis.readings import Measured, Reading
from analysis.shared import Shared
from analysis.tasks.tuning import TUNING_SEEDS
from envs.games import Game, find
from reporting.tracking import read_metrics
from studies.measuring.measure import FinishedRun, load_agent, readable

CODE = ("envs/*.py", "agents/*.py", "analysis/**/*.py")
"""What has a say in a measure."""

CARD = "measures.json"


@dataclass(frozen=True)
class Key:
    """What a measure of an agent is a function of, beside the code.

    Attributes:
        agent_sha256: Of the weights.
        game: What it plays.
        measure: The name.
    """

    agent_sha256: str
    game: str
    measure: str


def measure(
    run: FinishedRun,
    names: Sequence[str],
    shared: Shared,
    tell: Callable[[str], None],
    *,
    again: bool = False,
) -> None:
    """Take measures of an agent and write down what they say.

    Args:
        run: The run.
        names: Keys of `analysis.battery.INSTRUMENTS`; those that cannot be taken of it are left
            out, and that is said.
        shared: Data of its game.
        tell: Is told what is being measured.
        again: Also what has been measured before.

    Raises:
        BadInput: If the agent's weights are damaged.
    """
    folder = run.directory / "evaluation"
    folder.mkdir(exist_ok=True)
    card = folder / CARD
    known: dict[str, Any] = read_json(card) if card.exists() else {}
    game, seed = str(run.config["game"]), int(run.config["seed"])
    subject = battery.Subject(of_agent(load_agent(run), run.extractor), "reinforcement", shared)
    for name in names:
        instrument = battery.INSTRUMENTS[name]
        if not instrument.of(subject):
            tell(f"{run.name}: {name}: not of {subject.row} in {game}, left out")
            continue
        key = key_of(shaped_by(Key(run.agent["sha256"], game, name), CODE))
        table = folder / f"{name}.parquet"
        if not again and known.get(name, {}).get("key") == key and readable(table):
            tell(f"{run.name}: {name}: measured before")
            continue
        tell(f"{run.name}: {name}: {instrument.meaning} …")
        measured = instrument.take(subject, battery.generator(seed, name))
        measured.table.to_parquet(table)
        if name == "probes":
            tell(f"{run.name}: probes: {probes.beside(measured.table)}")
        known[name] = {
            "key": key,
            "agent_sha256": run.agent["sha256"],
            "readings": [asdict(r) for r in measured.readings],
        }
        write_json(card, known)
    write_measurements(run)


def write_measurements(run: FinishedRun) -> None:
    """Write what claims can use of an agent: its score by the learning curve, and what was read.

    Of seeds that only chose a learning rate that is nothing, and nothing of rounded copies, whose
    agent has been measured itself. What was read off an agent that lay here before is left out.
    """
    folder = run.directory / "evaluation"
    folder.mkdir(exist_ok=True)
    card = folder / CARD
    known = read_json(card) if card.exists() else {}
    if int(run.config["seed"]) in TUNING_SEEDS or run.rounded:
        save([], folder / "measurements.json")
        return
    found = _measurements(run, scores(run))
    for taken in known.values():
        # Of an agent that has been trained anew since, nothing is known yet. Who it was of was not
        # always written down.
        if taken.get("agent_sha256", run.agent["sha256"]) != run.agent["sha256"]:
            continue
        found += _measurements(run, [Reading(**reading) for reading in taken["readings"]])
    save(found, folder / "measurements.json")


def with_reference(run: FinishedRun) -> Game:
    """Return a run's game with the score that counts as 1; without one if none is known yet.

    Where the game itself has none it is what nature's tuning seeds reached at the same budget.
    """
    game = find(str(run.config["game"]))
    if game.reference_score is not None:
        return game
    _, at, width = str(run.config["extractor"]).partition("@")
    row, protocol = f"nature{at}{width}", str(run.config["training_fingerprint"])
    reached = reference_score(game.name, row, protocol, run.settings.steps)
    return replace(game, reference_score=reached)


def scores(run: FinishedRun) -> list[Reading]:
    """Return the normalised score of a run's learning curve, and its late gain.

    None where the game has no reference score yet, or the curve fewer than four points with a mean.
    """
    game = with_reference(run)
    rows = read_metrics(run.directory / "metrics.jsonl")
    points = [(r["global_step"], r.get("eval/score_mean")) for r in rows]
    curve = [(step, mean) for step, mean in points if mean is not None]
    if game.reference_score is None or len(curve) < 4:
        return []
    looks = {k: v for k, v in as_dict(run.settings).items() if k.startswith("eval_")}
    made_on = f"curve {fingerprint({**looks, 'reference': game.reference_score})}"
    scored = (
        Reading("score", normalised_score(curve, game)),
        Reading("score_gain", gain_in_last_quarter(curve, game)),
    )
    return [replace(r, made_on=made_on) for r in scored]


def _measurements(run: FinishedRun, readings: Sequence[Reading]) -> list[Measurement]:
    # Rows at tuned rates are compared with each other only: where a rate comes from is protocol.
    rate_from = run.config.get("learning_rate_from", "given")
    version = str(run.config.get("architecture", {}).get("sha256", ""))
    return Measured(pd.DataFrame(), tuple(readings)).measurements(
        versioned(str(run.config["extractor"]), version),
        int(run.config["seed"]),
        "reinforcement",
        str(run.config["game"]),
        int(run.agent["steps"]),
        f"{run.config['training_fingerprint']}, rate {rate_from}",
    )
