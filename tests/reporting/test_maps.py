"""Maps lie on the playfield, have ends that fit their numbers, and say what is left out."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pandas as pd
import pytest
from chart_data import NOWHERE, data
from PIL import Image
from report_runs import REAL, copy

from envs.games import find
from reporting.charts import maps
from reporting.charts.panel import Panel, specification
from reporting.gather import gather
from reporting.map_images import value_map_png


def test_maps_lie_on_the_playfield() -> None:
    gathered = gather([REAL], NOWHERE)
    worth, value = maps.worth_and_value(gathered).panels
    table = pd.read_parquet(REAL / "evaluation" / "values.parquet")
    (cells_,) = data(worth, "x", "y", "right", "value")
    assert len(cells_) == 400
    at = table[(table["quantity"] == "worth") & (table["ball_x_screen"] == cells_["x"][7])
               & (table["ball_y_screen"] == cells_["y"][7])]["value"]  # fmt: skip
    assert len(at) == 4  # velocities
    assert cells_["value"][7] == pytest.approx(at.mean(), abs=1e-3)
    assert cells_["right"][0] - cells_["x"][0] == pytest.approx(4, abs=0.3)
    assert "Spearman of V and G 0.03" in value.caption
    rewards = maps.rewards(gathered)
    assert len(rewards.panels) == 4
    assert all("ball going" in p.title for p in rewards.panels)
    (shown,) = data(rewards.panels[0], "x", "visits", "games", "low")
    assert (shown["games"] >= 20).all()
    assert ((shown["low"] <= shown["value"]) & (shown["value"] <= shown["high"])).all()


def test_maps_of_reward_reach_as_far_as_the_rewards(tmp_path: Path) -> None:
    def ends(panel: Panel) -> tuple[float, float]:
        spec = specification(panel)
        scales = [layer["encoding"]["color"]["scale"] for layer in spec["layer"]]
        (domain,) = [scale["domain"] for scale in scales if scale]
        return domain[0], domain[-1]

    real = gather([REAL], NOWHERE)
    assert {ends(panel) for panel in maps.rewards(real).panels} == {(-1, 1)}
    run = copy(tmp_path, seed=4)
    file = run / "evaluation" / "ball_rewards.parquet"
    table = pd.read_parquet(file)
    paid = (table["quantity"] == "return") & table["what"].isin(["mean", "low", "high"])
    table.loc[paid, "value"] *= 7
    table.to_parquet(file)
    far = table[paid & (table["what"] == "mean")]["value"].abs().max()
    found = [ends(panel) for panel in maps.rewards(gather([run], NOWHERE)).panels]
    assert found == [(-far, far)] * 4
    assert far > 1
    # Too few games in every cell: said, not left out.
    table.loc[paid, "value"] = math.nan
    table.to_parquet(file)
    drawn = maps.rewards(gather([run, REAL], NOWHERE))
    assert len(drawn.panels) == 4
    assert [gap.what for gap in drawn.missing] == [
        "reward by ball position of pong/nature/seed4: no cell was seen in 20 games or more"
    ]


def test_opponent_arms_are_named_and_never_mixed(tmp_path: Path) -> None:
    """Maps of each stand apart, on a page and in W&B's picture; beside rewards stand both."""
    run = copy(tmp_path, seed=4)
    file = run / "evaluation" / "values.parquet"
    held = pd.read_parquet(file)
    along = held.assign(arm="along", value=-held["value"])
    pd.concat([held, along]).to_parquet(file)
    drawn = maps.worth_and_value(gather([run], NOWHERE)).panels
    said = [p.title.partition("; ")[2] for p in drawn]
    assert said == ["opponent moved along"] * 2 + ["opponent held"] * 2
    assert len({p.name for p in drawn}) == 4
    mean = held[held["quantity"] == "worth"]["value"].mean()
    for panel, sign in ((drawn[0], -1), (drawn[2], 1)):
        (cells_,) = data(panel, "x", "y", "right", "value")
        assert cells_["value"].mean() == pytest.approx(sign * mean, abs=1e-3)
    both = value_map_png(pd.read_parquet(file), find("pong"), "both")
    one = value_map_png(held, find("pong"), "one")
    heights = [Image.open(io.BytesIO(png)).height for png in (both, one)]
    assert heights[0] > 1.9 * heights[1]

    file = run / "evaluation" / "ball_rewards.parquet"
    assert not any("Spearman" in p.caption for p in maps.rewards(gather([run], NOWHERE)).panels)
    beside = [
        {"quantity": quantity, "what": what, "arm": arm, "policy": "tracker", "value": value}
        for arm, rank in (("held", 0.25), ("along", math.nan))
        for quantity, factor in (("return", 1), ("reward", -1))
        for what, value in (("cells", 38.0), ("spearman", factor * rank), ("pearson", 0.5))
    ]
    pd.concat([pd.read_parquet(file), pd.DataFrame(beside)]).to_parquet(file)
    panels = maps.rewards(gather([run, REAL], NOWHERE)).panels
    told = (
        "Spearman with the do-map: 0.25 (38 cells, opponent held, the tracker plays on); "
        "– (38 cells, opponent moved along, the tracker plays on)"
    )
    assert [told in p.caption for p in panels if "seed4" in p.title] == [True] * 4
    assert not any("Spearman" in p.caption for p in panels if "seed4" not in p.title)


def test_maps_of_many_agents_are_those_of_the_first_seeds(tmp_path: Path) -> None:
    runs = [copy(tmp_path, row=row, seed=s) for row in ("nature", "gap") for s in range(5)]
    drawn = maps.worth_and_value(gather(runs, NOWHERE))
    assert len(drawn.panels) == 2 * maps.MOST_AGENTS
    assert "2 more agents" in drawn.missing[0].what
    titles = [p.title.partition(":")[0] for p in drawn.panels[::2]]
    assert sorted(titles) == sorted(
        f"pong/{row}/seed{s}" for row in ("nature", "gap") for s in range(4)
    )
