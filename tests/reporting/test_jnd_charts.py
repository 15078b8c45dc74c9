"""A JND that is never reached is drawn; d′ is the number that the JND is read off."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from chart_data import NOWHERE, data, drawn_marks, know_and_pay, study
from report_runs import REAL, change, copy

from reporting.charts import answer, censored, distance
from reporting.charts.panel import specification
from reporting.gather import Gathered, gather
from reporting.sections.place import noticed


def test_never_is_drawn_at_the_margin(tmp_path: Path) -> None:
    found = [replace(m, value=math.inf) if m.row == "gap@0.5" and m.measure == "jnd_px" else m
             for m in know_and_pay()]  # fmt: skip
    panel = answer.figure(study(tmp_path, found).measurements).panels[0]
    (dots,) = data(panel, "seed", "share")
    assert set(dots[dots["row"] == "gap@0.5"]["x"]) == {censored.MARGIN_PX}
    assert "∞" in drawn_marks(panel)
    # Under the pointer stands what was measured, not where it is drawn.
    assert set(dots[dots["row"] == "gap@0.5"]["jnd_said"]) == {"∞ (never)"}
    (centres,) = data(panel, "median_said")
    assert centres.set_index("row").loc["gap@0.5", "median_said"] == "∞ (never)"
    fields = re.findall(r'"field": ?"([^"]+)", ?"title": ?"(?:median )?JND, px"',
                        json.dumps(specification(panel)))  # fmt: skip
    assert fields == ["jnd_said", "median_said"]


@pytest.mark.parametrize(("seeds", "covers"), [(3, ""), (4, ""), (5, "93.8"), (10, "97.9")])
def test_whiskers_of_a_median_are_drawn_where_they_cover_enough(
    tmp_path: Path, seeds: int, covers: str
) -> None:
    panel = answer.figure(study(tmp_path, know_and_pay(n=seeds)).measurements).panels[0]
    (centres,) = data(panel, "median_said")
    assert centres["x_low"].notna().all() == bool(covers)
    assert centres["y_low"].notna().all()  # the mean's t interval is exact from two seeds on
    told = f"which covers {covers} %" if covers else "without an interval, which takes 5 seeds"
    assert told in panel.caption
    assert drawn_marks(panel)


def test_distances() -> None:
    gathered = gather([REAL], NOWHERE)
    ball, _, screen, _ = distance.displacement(gathered).panels
    means = data(ball, "mean")[0]
    assert means["mean"].iloc[0] == pytest.approx(0.26, abs=0.01)
    assert "sham" in screen.title
    across, _ = distance.sensitivity(gathered).panels
    d_prime = data(across, "mean")[0]
    assert list(d_prime["delta_screen"]) == [1, 2, 4, 8, 16, 32, 64]
    (jnd,) = distance.thresholds(gathered.measurements).panels
    (shown,) = data(jnd, "median")
    assert shown["median"].iloc[0] == 2.834
    assert "opponent held, width 1, 300,000 agent steps." in jnd.caption
    nothing = gather([], NOWHERE)
    assert distance.displacement(nothing).missing
    assert distance.sensitivity(nothing).missing
    assert distance.thresholds(nothing.measurements).missing


def test_shams_are_a_table_of_each_game(tmp_path: Path) -> None:
    run = copy(tmp_path, seed=4)
    lines = [("change", "features", "pasted", 0.0), ("change", "features", "paddle moved", 0.25),
             ("change_over_sd", "outputs", "pasted", 0.0), ("change", "conv1", "pasted", 9.0),
             ("change_over_sd", "outputs", "paddle moved", math.nan)]  # fmt: skip
    shams = pd.DataFrame(lines, columns=["quantity", "layer", "sham", "value"])
    shams.to_parquet(run / "evaluation" / "shams.parquet")
    body = str(noticed(gather([run, REAL], NOWHERE)).body)
    assert "Shams in Pong" in body
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", body)
    assert [c.strip() for c in cells] == ["nature/seed4", "0.00 / 0.00", "0.25 / –"]
    assert "Shams in" not in str(noticed(gather([REAL], NOWHERE)).body)


def test_a_jnd_that_is_never_reached_is_drawn(tmp_path: Path) -> None:
    found = [m for m in know_and_pay() if m.measure == "jnd_px"]
    blind = [replace(m, value=math.inf) if m.row == "gap@0.5" and m.seed < 6 else m for m in found]
    (panel,) = distance.thresholds(study(tmp_path / "some", blind).measurements).panels
    (dots,), (centres,) = data(panel, "seed", "value_said"), data(panel, "median_said")
    assert len(dots) == 40
    assert (dots["value"] == censored.MARGIN_PX).sum() == 6
    gap = centres.set_index("row").loc["gap@0.5"]
    assert (gap["median_said"], gap["high_said"]) == ("∞ (never)", "∞ (never)")
    known = sorted(m.value for m in blind if m.row == "gap@0.5")
    assert gap["low"] == pytest.approx(known[1], rel=1e-3)  # ranks 2 and 9 of 10
    assert "Never reached: 6 seeds of 40." in panel.caption
    assert "which covers 97.9 %" in panel.caption
    assert "opponent held, width 0.5, 1,000 updates." in panel.caption
    assert panel.alt.endswith("most gap@0.5 ∞ (never). Never reached: 6 seeds of 40.")
    assert "∞" in drawn_marks(panel)
    nobody = [replace(m, value=math.inf) for m in found]
    (panel,) = distance.thresholds(study(tmp_path / "all", nobody).measurements).panels
    assert set(data(panel, "median_said")[0]["median_said"]) == {"∞ (never)"}


def d_primes(folder: Path, values: Sequence[float]) -> Gathered:
    """Return an agent with these d′ at 1 px, one a place, and the tenth of them at 2 px."""
    table = [
        {"quantity": "d_prime", "axis": "x", "kind": "roaming", "delta_screen": delta,
         "value": value / delta**3.33}
        for delta in (1.0, 2.0) for value in values
    ]  # fmt: skip
    run = copy(folder)
    pd.DataFrame(table).to_parquet(run / "evaluation" / "jnd.parquet")
    return gather([run], NOWHERE)


def test_d_prime_is_the_median_over_places_as_the_jnd_has_it(tmp_path: Path) -> None:
    (panel,) = distance.sensitivity(d_primes(tmp_path / "a", [0.5, 0.8, 9.0])).panels
    means = data(panel, "mean_measured")[0]
    assert means["mean"].iloc[0] == 0.8
    # Drawn at the edge, told as it is.
    (panel,) = distance.sensitivity(d_primes(tmp_path / "b", [-0.2, -0.2, 9.0])).panels
    means = data(panel, "mean_measured")[0]
    assert means["mean"].iloc[0] == distance.D_LEAST
    assert means["mean_measured"].iloc[0] == -0.2
    assert '"field": "mean_measured"' in json.dumps(specification(panel))
    # A mean of clipped values would be another one.
    both = [d_primes(tmp_path / name, [d]) for name, d in (("c", -1.0), ("d", 3.0))]
    folders = [Path(run.source) for of in both for run in of.runs]
    change(folders[1] / "config.json", {"seed": 1})
    change(folders[1] / "agent.json", {"seed": 1})
    (panel,) = distance.sensitivity(gather(folders, NOWHERE)).panels
    assert data(panel, "mean")[0]["mean"].iloc[0] == 1.0
