"""The potential reward itself, without a network: what hangs on place, and what RAM foretells.

Three things a seed and opponent arm: the share of the reward's variance that hangs on the ball's
place (claim 2), played on by the ball tracker and, as a second reference, at random; and the RAM
oracle, without which no verdict on the potential reward stands.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

import torch

from agents.checkpoints import write_json
from agents.settings import fingerprint
from analysis.measurements import load, save
from analysis.readings import Measured
from analysis.verdicts.rules import Regime
from analysis.worth.place_scenes import PlaceSettings, scenes
from analysis.worth.place_share import place_share
from analysis.worth.ram_oracle import ram_oracle
from analysis.worth.returns import RewardSettings
from analysis.worth.rewards import arms_of, condition_of, reward_set
from studies.running.conductor import Interrupted, Progress, Report
from studies.running.directory import commit
from studies.running.worker import Options


@dataclass(frozen=True)
class Kind:
    """One of the things that are measured.

    Attributes:
        row: Of whom it is said.
        regime: Of its numbers.
        measures: What its row in `results/` has to have; an older one may lack some.
        policy: Who plays on.
    """

    row: str
    regime: Regime
    measures: frozenset[str]
    policy: str = "tracker"


SHARES = frozenset({"place_share", "place_share_alone"})


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "place_share": Kind("ball_tracker", "game", SHARES),
        "ram_oracle": Kind("ram_oracle", "supervised", frozenset({"reward_share"})),
        "place_share_random": Kind("random_player", "game", SHARES, "random"),
    }
)
"""What is measured, by name."""


@dataclass(frozen=True)
class PotentialRun:
    """One seed of one of them, in one opponent arm.

    Attributes:
        what: A key of `KINDS`.
        game: Which game.
        arm: What the opponent does: held or along; held where there is none.
        seed: Of scenes, places and rollouts; of the oracle's weights.
        root: The folder of all runs.
        results: The folder of published rows.
    """

    what: str
    game: str
    arm: str
    seed: int
    root: Path
    results: Path

    @property
    def _named(self) -> str:
        """What is measured, and the opponent arm where there is an opponent."""
        return "-".join(filter(None, (self.what, condition_of(self.game, self.arm))))

    @property
    def place(self) -> Path:
        """Where it lies."""
        return Path("potential", self.game, self._named, f"measurements-seed{self.seed}.json")

    @property
    def title(self) -> str:
        """What it is called while it is at work."""
        return f"{self.game}/{self._named}/seed{self.seed}"

    @property
    def directory(self) -> Path:
        """Where it would leave an error."""
        return (self.root / self.place).parent

    @property
    def published(self) -> Path:
        """Its numbers."""
        return self.results / self.place

    @property
    def numbers(self) -> Path:
        """What stands beside them: errors, variances, shares of states kept and left open."""
        return self.published.with_name(f"numbers-seed{self.seed}.json")

    @property
    def length(self) -> int:
        """One."""
        return 1


def left(game: str, seeds: Sequence[int], root: Path, results: Path) -> list[PotentialRun]:
    """Return what is left to measure, seeds in rounds; one arm where there is no opponent."""
    runs = [
        PotentialRun(what, game, arm, seed, root, results)
        for seed in seeds
        for what in KINDS
        for arm in arms_of(game)
    ]
    return [run for run in runs if not is_published(run)]


def is_published(run: PotentialRun) -> bool:
    """Say whether all there is to say of a run lies in `results/`.

    Raises:
        BadInput: If its row cannot be read.
    """
    if not run.published.exists():
        return False
    return KINDS[run.what].measures <= {found.measure for found in load(run.published)}


def prepare(runs: Sequence[PotentialRun], workers: int) -> None:
    """Build what several seeds share: the rollouts that oracles are trained and judged on."""
    for settings in dict.fromkeys(settings_of(run) for run in runs):
        if isinstance(settings, RewardSettings):
            reward_set(settings, workers=workers)


def perform(run: PotentialRun, options: Options, report: Report, stop: threading.Event) -> None:
    """Measure and publish one seed."""
    torch.set_num_threads(options.threads)
    run.directory.mkdir(parents=True, exist_ok=True)
    report(Progress(0, 0, None, "playing on"))
    if stop.is_set():
        raise Interrupted
    measured = _take(run)
    measured.table.to_parquet(run.directory / f"{run.what}-seed{run.seed}.parquet")
    if "kind" in measured.table:
        numbers = dict(zip(measured.table["kind"], measured.table["value"], strict=True))
        run.numbers.parent.mkdir(parents=True, exist_ok=True)
        write_json(run.numbers, numbers)
    kind = KINDS[run.what]
    save(
        measured.measurements(
            kind.row, run.seed, kind.regime, run.game, 0, protocol(run), commit() or ""
        ),
        run.published,
    )


def settings_of(run: PotentialRun) -> PlaceSettings | RewardSettings:
    """Return what shapes the games that are played on; all oracles are trained on the same."""
    if run.what == "ram_oracle":
        return RewardSettings(game=run.game, arm=run.arm)
    return PlaceSettings(game=run.game, arm=run.arm, policy=KINDS[run.what].policy, seed=run.seed)


def protocol(run: PotentialRun) -> str:
    """Return the fingerprint of what has to agree between seeds and opponent arms."""
    kept = {k: v for k, v in asdict(settings_of(run)).items() if k not in ("seed", "arm")}
    return fingerprint({"what": run.what, **kept})


def _take(run: PotentialRun) -> Measured:
    settings = settings_of(run)
    if isinstance(settings, RewardSettings):
        return ram_oracle(reward_set(settings, workers=1), run.seed)
    return place_share(settings, scenes(settings, workers=1))
