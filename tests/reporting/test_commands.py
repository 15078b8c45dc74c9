"""Every command that the report shows is one that the programs take."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pytest
from simulated import where_study

import commandline
import evaluate
import train
from agents import extractors, geometry
from analysis.claims import CLAIMS, claims_table
from analysis.tasks import catalogue
from reporting import commands

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
                assert set(asked.game) <= set(catalogue.TASKS[task].games), command
            assert asked.seeds
        case ["train.py", *rest]:
            asked_of = commandline.parse(train.Arguments, rest, "train.py", "")
            assert train.plan(asked_of)
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


def test_borrowed_learning_rates_are_tuned_where_they_come_from() -> None:
    part = next(p for c in CLAIMS for p in c.parts if p.id == "12d")
    record = next(r for r in RECORDS if r["id"] == "12d")
    tune, judged = commands.for_part(part, record)
    assert tune.startswith(".venv/bin/python evaluate.py --supervised where --game pong")
    assert judged.startswith(
        ".venv/bin/python evaluate.py --supervised overfitting where --game pong"
    )


def test_folders_are_quoted_as_a_shell_needs_it() -> None:
    command = commands.measures("jnd", agents=["my runs/it's", "runs/fast"])
    assert shlex.split(command)[1:] == ["evaluate.py", "my runs/it's", "runs/fast",
                                        "--measures", "jnd"]  # fmt: skip
