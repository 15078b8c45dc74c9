"""The battery: every measure that can be taken of one network, by name.

What a measure is stands in its own module; here stands which network, in which regime and game, it
can be taken of, and from which shared data. Each measure has a generator of its own, derived from
the seed and its name, so that leaving one out changes no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd

from analysis.measures.corners import corner_dq
from analysis.measures.displacement import displacement
from analysis.measures.equivariance import equivariance
from analysis.measures.jnd import jnd
from analysis.measures.receptive import receptive_field
from analysis.measures.shams import sham_changes
from analysis.measures.shifts import q_shift
from analysis.networks import Network
from analysis.probing.checks import blank
from analysis.probing.probes import place, probes
from analysis.probing.swaps import place_after_pools, place_bits
from analysis.readings import Measured
from analysis.shared import Shared
from analysis.tasks.filters import filters
from analysis.verdicts.rules import Regime
from analysis.verdicts.selection import split_width
from analysis.worth.ball_rewards import ball_rewards
from analysis.worth.do_maps import DoMap
from analysis.worth.explorer_maps import explorer_maps
from analysis.worth.value_maps import own_value_maps, value_maps
from commandline import BadInput, choose
from envs.games import find


@dataclass(frozen=True)
class Subject:
    """A network and how it came about.

    Attributes:
        network: The network; its outputs are Q values if it was trained by playing.
        regime: In which it was trained, or not.
        shared: Data of the game.
    """

    network: Network
    regime: Regime
    shared: Shared

    @property
    def row(self) -> str:
        """The row without its width."""
        return split_width(self.network.spec)[0]

    @property
    def plays(self) -> bool:
        """Whether its outputs are worth something for each action."""
        return self.regime == "reinforcement"

    def on_held(self, measured: Measured) -> Measured:
        """Return what was measured on the teleported inputs with their mark.

        Other regimes than play have these inputs in the fingerprint of the network itself.
        """
        return measured.on(f"held {self.shared.held_hash}") if self.plays else measured

    def on_ladders(self, measured: Measured) -> Measured:
        """Return what was measured on ladders with their mark."""
        return measured.on(f"ladders {self.shared.ladders_hash}")


def _always(subject: Subject) -> bool:
    return True


def _of_rows(*rows: str) -> Callable[[Subject], bool]:
    return lambda subject: subject.row in rows


def _emulated(subject: Subject) -> bool:
    return find(subject.shared.game).facts is not None


def _player(subject: Subject) -> bool:
    return subject.plays


def _player_with_map(subject: Subject) -> bool:
    return subject.plays and subject.shared.has_do_maps


def _in_each_arm(subject: Subject, compare: Callable[[DoMap], Measured]) -> Measured:
    """Compare with the do-map of each opponent arm; the column `arm` tells the lines apart."""
    return Measured(pd.concat([compare(of).table for of in subject.shared.do_maps()]))


@dataclass(frozen=True)
class Instrument:
    """One measure.

    Attributes:
        meaning: In a few words.
        take: Takes it.
        of: Whether it can be taken of a subject.
        rollouts: Whether games are played for it: minutes instead of seconds.
    """

    meaning: str
    take: Callable[[Subject, np.random.Generator], Measured]
    of: Callable[[Subject], bool] = field(default=_always)
    rollouts: bool = False


INSTRUMENTS: Mapping[str, Instrument] = MappingProxyType(
    {
        "probes": Instrument(
            "what a linear and a small read-out of each layer tell of the ball's place",
            lambda s, rng: s.on_held(
                probes(s.network, s.shared.held, rng, supervised=s.regime == "supervised")
            ),
        ),
        "displacement": Instrument(
            "by how much each layer changes when the ball moves by δ",
            lambda s, rng: displacement(s.network, s.shared.ladders, rng, plays=s.plays),
        ),
        "shams": Instrument(
            "what each layer makes of interventions that change one thing only, or nothing",
            lambda s, rng: sham_changes(s.network, s.shared.shams, plays=s.plays),
            of=_emulated,
        ),
        "jnd": Instrument(
            "d′ over distance, and the just noticeable difference",
            lambda s, rng: s.on_ladders(jnd(s.network, s.shared.ladders)),
        ),
        "equivariance": Instrument(
            "whether the last map moves as the ball does",
            lambda s, rng: s.on_ladders(equivariance(s.network, s.shared.ladders, rng)),
        ),
        "receptive": Instrument(
            "the field by gradient mass",
            lambda s, rng: receptive_field(s.network, s.shared.held.observations, rng),
        ),
        "shifts": Instrument(
            "what a shifted picture does to values and actions",
            lambda s, rng: s.on_held(
                q_shift(s.network, s.shared.held.observations, rng, s.shared.game)
            ),
            of=_player,
        ),
        "bits": Instrument(
            "the same weights under the twins' aggregators: bits of place",
            lambda s, rng: place_bits(s.network, s.shared.held, rng),
            of=_of_rows("nature"),
        ),
        "pools": Instrument(
            "the same weights with a maximum and with a pick: place behind each pool",
            lambda s, rng: place_after_pools(s.network, s.shared.held),
            of=_of_rows("half_max"),
        ),
        "explorer": Instrument(
            "what it says with the ball at each place of one scene, to be explored",
            lambda s, rng: explorer_maps(s.network, s.shared.scene, s.shared.held, s.regime),
        ),
        "values": Instrument(
            "the value map beside what each place is worth under the scripted player",
            lambda s, rng: _in_each_arm(s, lambda of: value_maps(s.network, of, rng)),
            of=_player_with_map,
            rollouts=True,
        ),
        "own_values": Instrument(
            "the value map beside what each place is worth if the agent plays on",
            lambda s, rng: _in_each_arm(s, lambda of: own_value_maps(s.network, of, rng)),
            of=_player_with_map,
            rollouts=True,
        ),
        "ball_rewards": Instrument(
            "reward by the ball's place in the agent's own games",
            lambda s, rng: ball_rewards(
                s.network, find(s.shared.game), rng, maps=s.shared.do_maps()
            ),
            of=_player,
            rollouts=True,
        ),
    }
)
"""What `--measures` names."""

CLAIMED: Mapping[str, str] = MappingProxyType(
    {"coarse_r2": "probes", "phase_r2": "probes", "q_shift": "shifts", "action_kappa": "shifts"}
)
"""Which of them gives what claims ask of agents, by measure; scores come of their playing."""

UNTRAINED: Mapping[str, Instrument] = MappingProxyType(
    {
        "place": Instrument(
            "ridge regression of the ball's place on the last features",
            lambda s, rng: place(s.network, s.shared.held),
        ),
        "equivariance": Instrument(
            INSTRUMENTS["equivariance"].meaning,
            INSTRUMENTS["equivariance"].take,
            of=_of_rows("nature", "half_max", "half_avg", "no_stride"),
        ),
        "pools": INSTRUMENTS["pools"],
        "filters": Instrument(
            "a battery of filters and its maxima, against the flat map",
            lambda s, rng: filters(s.network, rng),
            of=_of_rows("nature"),
        ),
        "corners": Instrument(
            "nature's weights in the corner-picking rows",
            lambda s, rng: corner_dq(s.network, s.shared.held.observations, rng),
            of=_of_rows("nature"),
        ),
        "blank": Instrument(
            "place on a field without marks, by a network that must be blind to it",
            lambda s, rng: blank(s.network, rng),
            of=_of_rows("dense_circular_gap"),
        ),
    }
)
"""What is taken of networks with random weights, of which there are many: seconds each."""


def named(names: Iterable[str], kept: Mapping[str, Instrument] = INSTRUMENTS) -> list[str]:
    """Return the names of measures behind `all`, `probes,jnd` and the like, in order.

    Raises:
        BadInput: If there is no such measure.
    """
    asked = [word for name in names for word in name.split(",") if word]
    for word in asked:
        choose("--measures", word, ["all", *kept])
    if not asked:
        raise BadInput(f"--measures: expected all or some of {', '.join(kept)}; got none")
    return [name for name in kept if "all" in asked or name in asked]


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one measure of a seed."""
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(7, *name.encode()))
    return np.random.default_rng(sequence)
