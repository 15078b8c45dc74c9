"""Charts show the numbers they were given, keep apart what was made apart, and say what lacks."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from chart_data import JND, NOWHERE, SHARE, data, drawn_marks, know_and_pay, narrow, study
from report_runs import REAL, RESULTS, change, copy
from scipy import stats
from simulated import cells, draw

from analysis.claims import CLAIMS
from reporting.charts import (
    answer,
    dissociation,
    distance,
    learning,
    maps,
    place,
    strips,
    verdicts,
)
from reporting.charts import panel as panels
from reporting.charts.panel import Drawn, as_json, slug, specification, summary
from reporting.gather import Gathered, gather
from reporting.sections.answer import before_training
from reporting.sections.claims import numbered


@cache
def published() -> Gathered:
    """Return what lies in results/."""
    return gather([], RESULTS)


def test_the_figure_shows_every_seed_and_the_centre_of_each_row(tmp_path: Path) -> None:
    gathered = study(tmp_path, know_and_pay())
    drawn = answer.figure(gathered.measurements)
    assert [p.title for p in drawn.panels] == ["Pong, opponent held", "Pong, opponent moved along"]
    assert drawn.missing == ()
    panel = drawn.panels[0]
    (dots,) = data(panel, "seed", "share")
    assert len(dots) == 40
    (centres,) = data(panel, "median_said")
    known = gathered.measurements.query("measure == 'jnd_px' and row == 'gap@0.5'")["value"]
    gap = centres.set_index("row").loc["gap@0.5"]
    assert gap["x"] == pytest.approx(np.median(known), rel=1e-3)
    assert gap["median_said"] == f"{np.median(known):.4g}"
    assert gap["x_low"] == pytest.approx(sorted(known)[1], rel=1e-3)  # ranks 2 and 9 of 10: .979
    assert gap["x_high"] == pytest.approx(sorted(known)[8], rel=1e-3)
    svg = drawn_marks(panel)
    assert all(row in svg for row in narrow(JND))


def test_arrows_join_rows_of_the_same_weights_and_are_counted(tmp_path: Path) -> None:
    panel = answer.figure(study(tmp_path, know_and_pay()).measurements).panels[0]
    (arrows,) = data(panel, "pair")
    assert set(arrows["pair"]) == {"nature@0.5 → half_max@0.5", "nature@0.5 → half_avg@0.5"}
    # half_max knows less and foretells less, half_avg more of both.
    assert "1 of 2 arrows into pooling go right and down" in panel.caption


def test_the_figure_says_what_it_lacks(tmp_path: Path) -> None:
    only_jnd = [m for m in know_and_pay() if m.measure == "jnd_px"]
    drawn = answer.figure(study(tmp_path, only_jnd).measurements)
    assert drawn.panels == ()
    (gap,) = drawn.missing
    assert gap.what.endswith(": the explainable share of the potential reward")
    assert "--supervised where reward" in gap.commands[0]
    assert answer.figure(gather([], NOWHERE).measurements).missing[0].what.count("JND") == 1


def test_different_budgets_fingerprints_and_widths_are_different_charts(tmp_path: Path) -> None:
    once = know_and_pay()
    longer = [replace(m, budget=9_000) for m in once if m.measure == "reward_share"]
    other = [replace(m, fingerprint="other") for m in once if m.measure == "jnd_px"]
    wide = [replace(m, row=m.row.partition("@")[0]) for m in once]
    counts = {"once": 2, "longer": 4, "other": 4, "wide": 4}
    for name, more in zip(counts, ([], longer, other, wide), strict=True):
        folder = tmp_path / name
        gathered = study(folder, once + more)
        assert len(answer.figure(gathered.measurements).panels) == counts[name], name


def trained(row: str, seed: int, rmse_px: float, **other: object) -> dict[str, object]:
    """Return what a report needs of a published row, as `studies.networks` writes them."""
    r2 = 1 - (rmse_px / 26) ** 2
    return {
        "stage": "tuned", "task": "where", "game": "pong", "condition": "held", "row": row,
        "seed": seed, "settings": {"updates": 20_000}, "fingerprint": "f", "commit": "c",
        "rmse_px": rmse_px, "rmse_x_px": rmse_px, "rmse_y_px": rmse_px, "r2_x": r2, "r2_y": r2,
    } | other  # fmt: skip


def test_networks_trained_on_place() -> None:
    rows = [trained("nature@0.5", seed, px) for seed, px in enumerate((1.0, 2.0, 4.0))]
    rows += [trained("gap@0.5", 0, 16.0), trained("gap@0.5", 0, 9.0, stage="common")]
    rows += [trained("gap@0.5", 100, 9.0, stage="tuning"), trained("gap@0.5", 0, 9.0, task="what")]
    (panel,) = strips.trained_place(rows).panels
    means = data(panel, "mean", "seeds")[0].set_index("row")
    assert list(means["seeds"]) == [3, 1]
    assert means.loc["nature@0.5", "mean"] == pytest.approx(2)  # geometric
    assert means.loc["gap@0.5", "mean"] == pytest.approx(16)
    assert means.loc["nature@0.5", "low"] > 0
    assert "says the middle is off by 26.0 px" in panel.caption
    assert "20,000 updates" in panel.caption
    assert len(strips.trained_place([*rows, trained("gap", 0, 9.0)]).panels) == 2
    (gap,) = strips.trained_place([]).missing
    assert "--supervised where" in gap.commands[1]


def test_random_weights() -> None:
    drawn = strips.untrained_place(published().measurements)
    (panel,) = drawn.panels
    means = data(panel, "mean", "seeds")[0]
    nature = means.set_index("row").loc["nature@0.5"]
    assert nature["seeds"] == 50
    assert nature["mean"] == pytest.approx(0.704, abs=5e-4)  # docs/experiments.md
    assert means["row"].nunique() >= 35
    assert set(panel.pooling) - {"no network of the zoo"} == {
        "no pooling", "local pooling", "global pooling", "global, place restored"
    }  # fmt: skip
    made_otherwise = published().measurements.copy()
    made_otherwise.loc[made_otherwise.index[::2], "fingerprint"] = "other"
    assert len(strips.untrained_place(made_otherwise).panels) == 2
    assert strips.untrained_place(made_otherwise.iloc[:0]).missing


def test_the_input_itself_is_a_line_beside_random_weights(tmp_path: Path) -> None:
    """Where the data are the same; it is no network and is counted as none."""
    nets = {f"nature@{width}": 0.7 for width in ("0.5", "0.25")}
    found = draw(cells("where_r2", nets, "held"), np.random.default_rng(0), "untrained", budget=0)
    (limit,) = draw(cells("where_r2", {"raw_pixels": 0.9}, "held"), np.random.default_rng(0),
                    "untrained", n=1, budget=0)  # fmt: skip
    for pixels, rows in ((limit, 2), (replace(limit, fingerprint="other"), 1)):
        shown = study(tmp_path, [*found, pixels]).measurements
        drawn = strips.untrained_place(shown).panels
        assert len(drawn) == 2
        for panel in drawn:
            assert len(data(panel, "mean", "seeds")[0]) == rows
            assert "10 seeds of nature" in panel.caption
            assert ("raw_pixels is the input" in panel.caption) is (rows == 2)
            assert "1 untrained network in" in panel.alt
        assert "raw_pixels" not in before_training(shown)
    alone = study(tmp_path, [limit]).measurements
    assert strips.untrained_place(alone).missing
    assert before_training(alone) == before_training(alone.iloc[:0])


def test_a_summary_is_scipys() -> None:
    values = np.array([0.1, 0.4, 0.25, 0.7])
    table = pd.DataFrame({"row": ["a"] * 4 + ["b"] * 2, "value": [*values, 1.0, 3.0]})
    a, b = summary(table, ["row"]).to_dict("records")
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert (a["mean"], a["low"], a["high"]) == pytest.approx((values.mean(), low, high))
    assert (b["mean"], b["seeds"]) == (2.0, 2)
    assert math.isnan(b["low"])  # two seeds make no interval


def test_learning_curves(tmp_path: Path) -> None:
    runs = [copy(tmp_path, row=row, seed=s) for row in ("nature", "gap") for s in range(3)]
    (panel,) = learning.curves(gather(runs, NOWHERE).runs).panels
    means = next(t for t in data(panel, "mean", "low") if len(t) == 26)
    assert set(means["agent_steps"]) == set(range(0, 300_001, 25_000))
    assert means.groupby("row")["mean"].last().to_dict() == {"gap": 16.6, "nature": 16.6}
    assert "the band its 95 % t interval" in panel.caption
    assert "3 seeds of each row" in panel.caption
    other = copy(tmp_path, seed=9, eval_epsilon=0.01)
    apart = learning.curves(gather([*runs, other], NOWHERE).runs)
    assert len(apart.panels) == 2
    (alone,) = learning.curves(gather([other], NOWHERE).runs).panels
    assert "takes three seeds or more" in alone.caption
    # One row of five has an interval: that is a band, and the caption says so.
    few = [*runs[:3], *(copy(tmp_path, row=row) for row in ("gmp", "sort", "half_max", "half_avg"))]
    (panel,) = learning.curves(gather(few, NOWHERE).runs).panels
    assert "the band its 95 % t interval" in panel.caption
    assert '"type": "area"' in json.dumps(specification(panel))
    assert learning.curves([]).missing[0].commands


def test_rates_tried_are_a_grid_and_stages_are_not_mixed() -> None:
    rows = [r for r in published().trained if r["task"] == "where"]
    (panel, *_) = learning.rates(rows).panels
    (grid,) = data(panel, "learning_rate", "skill")
    tried = [r for r in rows if r["row"] == "nature@0.5"
             and r["settings"]["learning_rate"] == 0.001]  # fmt: skip
    cell = grid[(grid["row"] == "nature@0.5") & (grid["learning_rate"] == 0.001)].iloc[0]
    mean = np.mean([r["best_validation_skill"] for r in tried])
    assert cell["skill"] == pytest.approx(mean, rel=1e-3)
    tuning = [r for r in rows if r["stage"] == "tuning"]
    assert learning.trained(tuning).missing
    tuned = [{**r, "stage": "tuned"} for r in tuning[:3]]
    assert learning.trained(tuned).panels
    assert learning.trained(tuned, "common").missing


def features_r2() -> float:
    """Return R² on the last features by the read-out that was fitted on as much as the others."""
    table = pd.read_parquet(REAL / "evaluation" / "probes.parquet")
    asked = table.query(
        "layer == 'features' and view == 'full' and target == 'place' and probe == 'ridge'"
        " and split == 'scenes' and metric == 'r2' and axis == 'mean'"
    )
    assert len(asked) == 2
    return float(asked.sort_values("fitted_on")["value"].iloc[0])


def test_seeds_are_counted_and_not_lines() -> None:
    table = pd.DataFrame({"row": "gap", "seed": [0, 0, 1, 2], "value": [1.0, 3.0, 4.0, 6.0]})
    (line,) = summary(table, ["row"]).to_dict("records")
    assert (line["seeds"], line["mean"]) == (3, 4)


def test_read_outs_by_layer() -> None:
    drawn = place.read_outs(gather([REAL], NOWHERE))
    assert len(drawn.panels) == 4
    means = data(drawn.panels[0], "mean")[0]
    assert list(means["layer"]) == ["conv1", "conv2", "features", "hidden", "outputs"]
    assert means["mean"].iloc[0] == pytest.approx(0.9033, abs=1e-4)
    assert list(means["seeds"]) == [1] * 5, "the last features were read out twice"
    assert means["mean"].iloc[2] == pytest.approx(features_r2(), abs=1e-4)
    assert place.read_outs(gather([], NOWHERE)).missing[0].commands


def test_what_against_where(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    found = draw(cells("where_r2", narrow(SHARE), dissociation.SAME_PICTURES), rng)
    gap = dissociation.what_and_where(study(tmp_path / "a", found).measurements)
    assert gap.missing[0].what.endswith("networks trained on WHAT")
    what = {"nature": 0.5, "half_max": 0.4, "half_avg": 0.6, "gap": 0.8}
    found += draw(cells("what_skill", narrow(what)), rng, budget=500)
    (panel,) = dissociation.what_and_where(study(tmp_path / "b", found).measurements).panels
    assert len(data(panel, "seed")[0]) == 40
    # gap is better at WHAT and worse at WHERE; half_max is worse, half_avg better at both.
    assert "by seed): gap@0.5 of 3 rows" in panel.caption
    others = [m for m in found if m.row != "nature@0.5"]
    (panel,) = dissociation.what_and_where(study(tmp_path / "c", others).measurements).panels
    assert "nature is not among them" in panel.caption


def test_an_opponent_is_named_where_there_is_one(tmp_path: Path) -> None:
    assert panels.arm_said("pong", "moved,policy=random") == "opponent moved along, policy=random"
    assert panels.arm_said("breakout", "held") == panels.arm_said("catch", "") == ""
    assert panels.budget_said("reinforcement", 300_000) == "300,000 agent steps"
    assert panels.budget_said("untrained", 0) == ""
    rows = [trained("nature@0.5", 0, 1.0, game="breakout", condition="")]
    jnd = [
        replace(m, game="breakout", condition="") for m in know_and_pay() if m.measure == "jnd_px"
    ]
    rng = np.random.default_rng(0)
    jnd += draw(cells("where_r2", narrow(SHARE)), rng, "untrained", "breakout")
    found = study(tmp_path, jnd).measurements
    drawn = distance.thresholds(found) + strips.untrained_place(found) + strips.trained_place(rows)
    assert len(drawn.panels) == 3
    assert not [panel.caption for panel in drawn.panels if "opponent" in panel.caption]
    run = copy(tmp_path / "runs", row="nature", seed=3)
    change(run / "config.json", {"game": "breakout"})
    for panel in maps.worth_and_value(gather([run], NOWHERE)).panels:
        assert "opponent" not in panel.caption
    (panel, _) = maps.worth_and_value(gather([REAL], NOWHERE)).panels
    assert "plays on, opponent held;" in panel.caption


def test_the_overview_has_a_square_for_each_judged_part_and_game() -> None:
    agents = gather([REAL], NOWHERE)  # its game replicates what Catch decides
    records = numbered(agents.verdicts)
    assert any(r["replication"] for r in records)
    texts = {c.number: c.text for c in CLAIMS}
    (panel,) = verdicts.overview(records, texts).panels
    squares = data(panel, "letter", "column")[0]
    assert len(squares) == len(records) > sum(len(c.parts) for c in CLAIMS)
    assert not squares.duplicated(["part", "column"]).any(), "no square lies on another"
    assert set(squares["part"]) == {f"{r['id']}{'★' * r['primary']}" for r in records}
    seventeen = squares[squares["claim"] == 17]
    assert list(seventeen["letter"]) == ["+", "−"]
    assert "A smaller square replicates" in panel.caption
    svg = drawn_marks(panel)
    assert svg.count(">+<") == (squares["letter"] == "+").sum()
    assert svg.count(">·<") == (squares["letter"] == "·").sum()
    halves = verdicts.overview(records, texts, halves=True).panels
    assert sum(len(data(half, "letter", "column")[0]) for half in halves) == len(records)
    assert [half.title for half in halves] == ["Claims 1 to 13 at a glance",
                                               "Claims 14 to 20 at a glance"]  # fmt: skip


def test_seeds_are_counted_row_by_row() -> None:
    table = pd.DataFrame({"row": [*"aaabbbcd"], "seed": [0, 1, 2, 0, 1, 2, 0, 0]})
    assert panels.seeds_said(table[table["row"].isin(["a", "b"])]) == "3 seeds of each row"
    assert (
        panels.seeds_said(table[table["row"] != "d"]) == "1 seed of c; 3 seeds of every other row"
    )
    assert panels.seeds_said(table[table["row"] == "c"]) == "1 seed of c"


def every(gathered: Gathered) -> Drawn:
    found = [
        strips.untrained_place(gathered.measurements), learning.curves(gathered.runs),
        learning.rates(gathered.trained), place.read_outs(gathered),
        distance.displacement(gathered), distance.sensitivity(gathered),
        distance.thresholds(gathered.measurements), maps.worth_and_value(gathered),
        maps.rewards(gathered),
    ]  # fmt: skip
    return sum(found, Drawn())


def test_every_chart_says_in_words_what_it_shows() -> None:
    drawn = every(gather([REAL], RESULTS))
    assert len(drawn.panels) >= 20
    for panel in drawn.panels:
        spec: dict[str, Any] = specification(panel)
        assert len(panel.alt) > 40
        assert spec["description"] == panel.alt
        assert len(as_json(spec)) < 200_000
    assert drawn_marks(drawn.panels[-1]).count("<path") > 40  # cells of a map


def test_names_of_files() -> None:
    assert slug("Does it know?", "", 0.5) == "does-it-know-0-5"
    assert slug("<script>", "🏓") == "script"
    assert slug("🏓") == "chart"
    assert len(slug("x" * 300)) == 80
