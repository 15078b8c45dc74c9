"""What claims can use of an agent is of the agent that lies there."""

from __future__ import annotations

import json
from pathlib import Path

from report_runs import change, copy

from analysis.measurements import load
from studies.measuring.evaluation import unnormalised
from studies.measuring.measure import open_run
from studies.measuring.measure_agent import write_measurements


def published(run: Path) -> set[str]:
    write_measurements(open_run(run))
    return {m.measure for m in load(run / "evaluation" / "measurements.json")}


def test_games_without_a_reference_are_named(tmp_path: Path) -> None:
    """Once each, however many runs; nothing is said of the others."""
    pong = copy(tmp_path)
    breakout = [copy(tmp_path, seed=seed) for seed in (1, 2)]
    for run in breakout:
        change(run / "config.json", {"game": "breakout"})
    assert unnormalised([open_run(pong)]) == []
    (line,) = unnormalised([open_run(run) for run in (pong, *breakout)])
    assert line.startswith("Breakout has no normalised score yet")
    assert published(breakout[0]).isdisjoint({"score", "score_gain"})


def test_what_was_read_off_another_agent_is_left_out(tmp_path: Path) -> None:
    """Entries that do not say of which agent they are count as of this one."""
    run = copy(tmp_path)
    everything = published(run)
    probed = {"coarse_r2", "phase_r2", "where_r2"}
    assert probed < everything
    card = run / "evaluation" / "measures.json"
    entry = json.loads(card.read_text())["probes"]
    sha256 = json.loads((run / "agent.json").read_text())["sha256"]
    change(card, {"probes": {**entry, "agent_sha256": sha256}})
    assert published(run) == everything
    change(run / "agent.json", {"sha256": "0" * 64})  # trained anew, and not measured since
    assert published(run) == everything - probed
    assert json.loads(card.read_text())["probes"]["readings"], "what is known is not thrown away"
