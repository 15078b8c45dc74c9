"""Which measures there are, of which networks they can be taken, and where their chance is from."""

from __future__ import annotations

import pytest

from analysis.battery import INSTRUMENTS, UNTRAINED, Shared, Subject, generator, named
from analysis.networks import build
from analysis.verdicts.rules import Regime
from commandline import BadInput


def subject(row: str, regime: Regime = "untrained", game: str = "pong") -> Subject:
    return Subject(build(row, 0, 6), regime, Shared(game))


def able(of: Subject) -> set[str]:
    return {name for name, instrument in INSTRUMENTS.items() if instrument.of(of)}


def test_names() -> None:
    assert named(["all"]) == list(INSTRUMENTS)
    assert named(["jnd,probes"]) == named(["jnd", "probes"]) == ["probes", "jnd"]
    with pytest.raises(BadInput, match=r"expected one of all, probes.*mean 'jnd'"):
        named(["jmd"])
    with pytest.raises(BadInput, match="--measures: expected all or some of probes"):
        named([","])


def test_what_can_be_measured_of_whom() -> None:
    """Values and actions only of who plays; a do-map where a script can play the game on."""
    players = {"shifts", "values", "own_values", "ball_rewards"}
    everyone = set(INSTRUMENTS) - players - {"bits", "pools"}
    assert able(subject("gap@0.25")) == everyone
    assert able(subject("nature@0.25")) == everyone | {"bits"}
    assert able(subject("half_max@0.25", "supervised")) == everyone | {"pools"}
    assert able(subject("gap@0.25", "reinforcement")) == everyone | players
    bowling = able(subject("gap@0.25", "reinforcement", "bowling"))
    assert bowling == everyone | {"shifts", "ball_rewards"}


def test_only_one_row_has_to_be_blind() -> None:
    blind = [
        r for r in ("gap", "dense_circular_gap") if UNTRAINED["blank"].of(subject(f"{r}@0.25"))
    ]
    assert blind == ["dense_circular_gap"]


def test_each_measure_has_its_own_chance() -> None:
    """The same for a seed and a name, another for any other."""
    drawn = {
        (seed, name): generator(seed, name).integers(2**60)
        for seed in (0, 1)
        for name in ("probes", "jnd")
    }
    assert len(set(drawn.values())) == 4
    assert generator(0, "jnd").integers(2**60) == drawn[0, "jnd"]


def test_every_instrument_says_what_it_is() -> None:
    for instrument in (*INSTRUMENTS.values(), *UNTRAINED.values()):
        assert len(instrument.meaning.split()) > 3
    assert {n for n, i in INSTRUMENTS.items() if i.rollouts} == {
        "values", "own_values", "ball_rewards",
    }  # fmt: skip
