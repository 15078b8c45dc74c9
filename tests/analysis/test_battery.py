"""Which measures there are, of which networks they can be taken, and where their chance is from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis import shared
from analysis.battery import INSTRUMENTS, UNTRAINED, Subject, generator, named
from analysis.networks import build
from analysis.shared import Shared
from analysis.verdicts.rules import Regime
from analysis.worth.do_maps import DoMap, do_map
from analysis.worth.do_scenes import DoSettings
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
    assert able(subject("gap@0.25", "untrained", "catch")) == everyone - {"shams"}
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


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The same maps of fewer places and scenes, and fewer games of Catch."""

    def fewer(settings: DoSettings, *, workers: int | None, folder: Path) -> DoMap:
        rows = 8 if settings.game == "catch" else 1
        few = replace(settings, columns=3, rows=rows, scenes=1)
        return do_map(few, workers=1, folder=folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "do_map", fewer)
        patch.setattr("analysis.worth.ball_rewards.GAMES_CATCH", 300)
        patch.setattr("analysis.worth.do_maps.TOGETHER", 8)
        yield tmp_path_factory.mktemp("maps")


def taken(name: str, game: str, outputs: int, folder: Path) -> pd.DataFrame:
    network = build("gap@0.25", 0, outputs)
    of = Subject(network, "reinforcement", Shared(game, folder, workers=1))
    return INSTRUMENTS[name].take(of, generator(0, name)).table


@pytest.mark.parametrize("name", ["values", "own_values"])
def test_values_stand_beside_the_do_maps_of_both_arms(name: str, small: Path) -> None:
    """Held first, so that its numbers are those that it would have alone."""
    table = taken(name, "pong", 6, small)
    assert table["arm"].unique().tolist() == ["held", "along"]
    by_arm = table[table["quantity"] == "expected"].groupby("arm")["value"].apply(list)
    assert len(by_arm["held"]) == len(by_arm["along"])
    assert by_arm["held"] != by_arm["along"], "the opponent stands elsewhere"


def test_rewards_by_place_are_correlated_with_the_do_map(small: Path) -> None:
    table = taken("ball_rewards", "catch", 3, small)
    beside = table[table["arm"] == "held"]
    assert set(beside["what"]) == {"cells", "spearman", "pearson"}
    assert set(beside["quantity"]) == {"return", "reward"}
    assert (beside[beside["what"] == "cells"]["value"] > 0).all()
