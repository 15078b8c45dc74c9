"""Every command that the report shows is one that the programs take."""

from __future__ import annotations

import re
import shlex
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from simulated import where_study

import commandline
import evaluate
import train
from agents import extractors, geometry
from analysis import battery
from analysis.claims import CLAIMS, claims_table
from analysis.tasks import catalogue, tuning
from reporting import commands
from studies import tune
from studies.running.directory import RunSpec

RECORDS = claims_table([])
PARTS = [(part, record) for claim in CLAIMS for part in claim.parts for record in RECORDS
         if (part.id, part.regime) == (record["id"], record["regime"])]  # fmt: skip
OTHERS = [*commands.UNTRAINED, *commands.FIGURE, *commands.WHAT_AND_WHERE, commands.TRAIN,
          commands.score(), commands.score(["my runs/it's"]),
          commands.measures("probes"), commands.measures("values", "own_values")]  # fmt: skip


def words(command: str) -> list[str]:
    """Split as a shell would, `$(seq a b)` done."""
    whole = re.sub(
        r"\$\(seq (\d+) (\d+)\)",
        lambda m: " ".join(map(str, range(int(m[1]), int(m[2]) + 1))),
        command,
    )
    return shlex.split(whole)


@cache
def plan(*studies: Path) -> list[RunSpec]:
    return train.plan(train.Arguments(study=list(studies)))


def check(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Let the program parse and check its arguments, and do nothing."""
    python, *given = words(command)
    assert python == ".venv/bin/python"
    match given:
        case ["-m", "agents.geometry", *rows]:
            assert geometry.main(rows) == 0
            assert all(row in capsys.readouterr().out for row in rows[:1])
        case ["evaluate.py", *rest]:
            asked = commandline.parse(evaluate.Arguments, rest, "evaluate.py", "")
            evaluate.check(asked)
            for row in asked.rows:
                extractors.check(row)
            for task in asked.supervised:
                for game in asked.game:
                    for condition, row in product(catalogue.TASKS[task].games[game], asked.rows):
                        extractors.check(catalogue.TASKS[task].network(row, condition))
            assert asked.seeds
        case ["train.py", *rest]:
            asked_of = commandline.parse(train.Arguments, rest, "train.py", "")
            assert plan(*asked_of.study) if asked_of.study else train.plan(asked_of)
        case ["-m", "studies.tune"]:
            commandline.parse(tune.Arguments, [], "tune", "")
        case _:
            raise AssertionError(command)


@pytest.mark.parametrize("command", dict.fromkeys(OTHERS))
def test_a_command_on_its_own(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    check(command, capsys)


def test_every_part_has_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(PARTS) == len(RECORDS)
    seen: set[str] = set()
    for part, record in PARTS:
        found = commands.for_part(part, record)
        assert found, part.id
        for command in found:
            if command not in seen:
                seen.add(command)
                check(command, capsys)
    assert len(seen) > 30


def test_what_is_missing_of_a_width_is_asked_for_at_that_width() -> None:
    part = next(p for c in CLAIMS for p in c.parts if p.id == "1G")
    bare = next(r for r in RECORDS if r["id"] == "1G")
    assert "--rows gap@0.5 nature@0.5 gmp@0.5" in commands.for_part(part, bare)[1]
    full = claims_table(where_study(np.random.default_rng(0), {}, n=5))
    measured = next(r for r in full if r["id"] == "1G")
    tune, judged = commands.for_part(part, measured)
    assert "--rows gap nature gmp sort gap_wide gap_learned" in judged
    assert tune.endswith("--tune")
    assert judged.endswith("--seeds 0 1 2 3 4 5 6 7 8 9")


def test_agents_are_those_of_the_studies_with_their_rows_tuned() -> None:
    by_id = {part.id: (part, record) for part, record in PARTS if part.regime == "reinforcement"}
    tuned, chosen, trained = commands.for_part(*by_id["3L"])
    assert tuned == ".venv/bin/python train.py --study studies/tune_catch.yaml"
    assert chosen == ".venv/bin/python -m studies.tune"
    assert trained == ".venv/bin/python train.py --study studies/catch.yaml"
    *_, trained = commands.for_part(*by_id["3G"])
    assert trained == ".venv/bin/python train.py --study studies/catch.yaml", "gap_wide is in it"
    *_, trained = commands.for_part(*by_id["14 play"])
    assert trained.endswith("--study studies/catch.yaml studies/catch_pairs.yaml")
    part, record = by_id["3L"]
    alone, scored = commands.for_part(part, {**record, "width": 0.25, "budget": 1_000})
    assert "--extractor nature@0.25 half_max@0.25" in alone
    assert scored == ".venv/bin/python evaluate.py runs/fast"
    part, record = by_id["4"]
    _, measured = commands.for_part(part, {**record, "width": 0.25, "budget": 1_000})
    assert measured == ".venv/bin/python evaluate.py runs/fast --measures shifts"


def test_study_files_are_those_of_the_rows() -> None:
    for game, published in commands.AGENTS_OF.items():
        for one in published:
            for name, seeds in ((one.study, range(10)), (one.tuning, tuning.TUNING_SEEDS)):
                specs = plan(commands.STUDIES / f"{name}.yaml")
                assert {s.extractor for s in specs} == {*one.rows}, name
                assert {s.game for s in specs} == {game}
                assert {s.seed for s in specs} == {*seeds}


def test_every_measure_of_agents_but_the_score_has_its_instrument() -> None:
    cells = {c.measure for part, _ in PARTS if part.regime == "reinforcement" for c in part.cells}
    assert cells == {"score", *battery.CLAIMED}
    assert {*battery.CLAIMED.values()} <= battery.INSTRUMENTS.keys()


def test_borrowed_learning_rates_are_tuned_where_they_come_from() -> None:
    part = next(p for c in CLAIMS for p in c.parts if p.id == "12d")
    record = next(r for r in RECORDS if r["id"] == "12d")
    assert commands.for_part(part, record) == (
        ".venv/bin/python evaluate.py --supervised where --game pong "
        "--rows half_max@0.5 nature@0.5 sort@0.5 gap@0.5 --tune",
        ".venv/bin/python evaluate.py --supervised overfitting --game pong "
        "--rows half_max@0.5 nature@0.5 --seeds 0 1 2 3 4 5 6 7 8 9",
        ".venv/bin/python evaluate.py --supervised where --game pong "
        "--rows half_max@0.5 nature@0.5 sort@0.5 gap@0.5 --seeds 0 1 2 3 4 5 6 7 8 9",
    ), "the positive control is another task's"


def test_folders_are_quoted_as_a_shell_needs_it() -> None:
    command = commands.measures("jnd", agents=["my runs/it's", "runs/fast"])
    assert shlex.split(command)[1:] == ["evaluate.py", "my runs/it's", "runs/fast",
                                        "--measures", "jnd"]  # fmt: skip
