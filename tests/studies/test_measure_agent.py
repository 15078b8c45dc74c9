"""What claims can use of an agent is of the agent that lies there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_runs import change, copy

from agents import tuned
from analysis.measurements import load
from commandline import BadInput
from studies.measuring.evaluation import unnormalised
from studies.measuring.measure import open_run
from studies.measuring.measure_agent import with_reference, write_measurements


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
    assert line.startswith("Breakout has no normalised score here")
    assert published(breakout[0]).isdisjoint({"score", "score_gain"})


def test_breakout_is_normalised_by_natures_tuning_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the chosen rate, trained the same way, as long, and as wide; of others nothing counts."""
    monkeypatch.setattr(tuned, "FOLDER", tmp_path / "tuning")
    (tmp_path / "tuning").mkdir()
    run = copy(tmp_path)
    change(run / "config.json", {"game": "breakout"})
    opened = open_run(run)
    _, at, width = opened.extractor.partition("@")
    chosen = {
        "rate": 0.001,
        "rates": {
            "0.0003": {"heights": {"100": 1.0, "101": 1.0, "102": 1.0}},
            "0.001": {"heights": {"100": 30.0, "101": 40.0, "102": 80.0}},
        },
    }
    choice = {
        "game": "breakout",
        "training_fingerprint": opened.config["training_fingerprint"],
        "steps": opened.settings.steps,
        "rows": {f"nature{at}{width}": chosen},
    }
    file = tmp_path / "tuning" / "breakout.json"
    for changed in ({"steps": 1}, {"training_fingerprint": "other"}, {"rows": {"gap": chosen}}):
        file.write_text(json.dumps({**choice, **changed}))
        assert unnormalised([open_run(run)])
    file.write_text(json.dumps(choice))
    assert with_reference(open_run(run)).reference_score == 50.0
    assert unnormalised([open_run(run)]) == []
    assert published(run) >= {"score", "score_gain"}
    file.write_text(json.dumps({**choice, "rows": {f"nature{at}{width}": {"rate": 0.001}}}))
    with pytest.raises(BadInput, match="expected tuned rows"):
        with_reference(open_run(run))


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
