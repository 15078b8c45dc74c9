"""The simulation finds what is known: exact coverages, nominal levels, published power."""

from __future__ import annotations

import json

import numpy as np
import pytest

from analysis.verdicts.coverage import (
    DESIGNS,
    POPULATIONS,
    SEEDS,
    coverages,
    main,
    measured_coverage,
    rates,
)
from commandline import BadInput

STUDIES = 2000
THREE_ERRORS = 3 * np.sqrt(0.05 * 0.95 / STUDIES)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_intervals_cover_what_they_say_where_their_model_holds() -> None:
    for c in coverages(SEEDS, STUDIES, rng()):
        if c.exact is not None:
            assert c.coverage == pytest.approx(c.exact, abs=0.03), c
        elif c.population == "normal" and "Welch" not in c.interval:
            assert abs(c.coverage - 0.95) < THREE_ERRORS, c


def test_populations_are_standard() -> None:
    for name, draw in POPULATIONS.items():
        values = draw(rng(), 100_000, 2)
        assert abs(values.mean()) < 0.01, name
        assert values.std() == pytest.approx(1, abs=0.02), name


@pytest.mark.parametrize("kind", sorted(set(DESIGNS.values()) - {"median"}))
@pytest.mark.parametrize("n", SEEDS)
def test_t_intervals_may_decide_at_three_seeds(kind: str, n: int) -> None:
    assert 0.93 <= measured_coverage(kind, n) < 0.98  # type: ignore[arg-type]


def test_order_statistics_may_decide_from_five_seeds_on() -> None:
    assert measured_coverage("median", 3) == 0.75
    assert measured_coverage("median", 4) == 0.875
    assert measured_coverage("median", 5) == 0.9375
    assert measured_coverage("median", 10) == pytest.approx(1 - 22 / 1024)


def test_wrong_verdicts_come_as_often_as_they_may_and_power_is_as_computed_before() -> None:
    by_key = {(r.interval, r.truth, r.seeds): r for r in rates(SEEDS, STUDIES, rng())}
    for (_, truth, _), r in by_key.items():
        if truth == 0.05:  # on the margin, all three are wrong
            assert max(r.supported, r.refuted) < 0.025 + THREE_ERRORS
            assert r.equivalent < 0.05 + THREE_ERRORS
        if truth == 0:
            assert r.supported <= 0.01
        if truth == 0.15:
            assert max(r.refuted, r.equivalent) <= 0.005
    # Ten seeds, true difference 0, SD .05, margin .05: .80 if paired, .39 if not.
    assert by_key["paired t", 0.0, 10].equivalent == pytest.approx(0.80, abs=0.03)
    assert by_key["Welch t, equal SD", 0.0, 10].equivalent == pytest.approx(0.39, abs=0.04)
    assert by_key["paired t", 0.15, 10].supported > 0.99


def test_same_seed_same_numbers_other_seed_others() -> None:
    assert coverages((5,), 200, rng(1)) == coverages((5,), 200, rng(1))
    assert coverages((5,), 200, rng(1)) != coverages((5,), 200, rng(2))


def test_the_command_prints_tables_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--simulations", "200"]) == 0
    table = capsys.readouterr().out
    assert "median ratio" in table
    assert "0.979" in table, "exact, for ten"
    assert main(["--simulations", "200", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["simulations"] == 200
    assert {c["seeds"] for c in printed["coverage"]} == set(SEEDS)
    assert {c["level"] for c in printed["coverage"]} == {0.95, 0.9}
    with pytest.raises(BadInput, match=r"--simulations: expected a whole number of at least 100"):
        main(["--simulations", "5"])
