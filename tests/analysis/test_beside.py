"""What stands beside verdicts on scores: right, of the same networks, and of no say in them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from simulated import GOOD, play_study, rng

from analysis.beside import verdicts
from analysis.claims import claims_table

STUDY = play_study(rng(3), {"half_max": 0.7, "gap": 0.5, "gmp": 0.9})


def test_scores_have_every_seed_iqm_and_improvement_beside_them() -> None:
    narrow = [replace(m, row=f"{m.row}@0.5") for m in STUDY if m.budget]
    found = verdicts([*(m for m in STUDY if not m.budget), *narrow])
    record = next(r for r in found if r["id"] == "3L" and r["game"] == "catch")
    told = record["beside"]
    assert set(told["seeds"]) == {"nature@0.5", "half_max@0.5", "half_avg@0.5"}
    values = {row: np.array([*by_seed.values()]) for row, by_seed in told["seeds"].items()}
    assert [*told["seeds"]["nature@0.5"]] == [str(seed) for seed in range(10)]
    for row, of in values.items():
        assert told["iqm"][row] == pytest.approx(stats.trim_mean(of, 0.25))
    pair = next(p for p in told["improvement"] if p["over"] == "half_max@0.5")
    u = stats.mannwhitneyu(values["nature@0.5"], values["half_max@0.5"]).statistic
    assert pair["of"] == "nature@0.5"
    assert pair["probability"] == pytest.approx(u / 100)
    assert pair["probability"] > 0.9
    json.dumps(found, allow_nan=False)


def test_it_decides_nothing_and_mixes_nothing() -> None:
    for study in (GOOD, STUDY):
        found = verdicts(study)
        assert [{k: v for k, v in r.items() if k != "beside"} for r in found] == claims_table(study)
        others = [r for r in found if r["regime"] != "reinforcement"]
        assert not any(r["beside"] for r in others)
    two_ways = [replace(m, fingerprint="xyz") if m.row == "half_max" else m for m in STUDY]
    told = {r["id"]: r["beside"] for r in verdicts(two_ways) if r["game"] == "catch"}
    assert told["3L"] == {}
    assert told["3G"]["improvement"], "whose rows were all made in one way"
