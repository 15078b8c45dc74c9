"""Study files: the whole grid, seeds in rounds, the same for W&B's agent and for train.py."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import yaml

import train
from agents import architectures
from agents.settings import fingerprint, training_protocol
from analysis.tasks import tuning
from commandline import BadInput
from studies import grid
from studies.running.directory import RunSpec

STUDIES = Path(grid.__file__).parent


@functools.cache
def planned(*names: str) -> list[RunSpec]:
    """Return the runs of studies that come along, by their names."""
    return train.plan(train.Arguments(study=[STUDIES / f"{name}.yaml" for name in names]))


def write(folder: Path, content: object, name: str = "s.yaml") -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(content))
    return path


def sweep(**parameters: object) -> dict[str, object]:
    return {
        "method": "grid",
        "parameters": {
            name: {"values": v} if isinstance(v, list) else {"value": v}
            for name, v in parameters.items()
        },
    }


def test_seeds_in_rounds_over_all_studies(tmp_path: Path) -> None:
    """However the file orders its parameters, and also over two files."""
    one = write(tmp_path, sweep(extractor=["nature", "gap"], game="catch", seed=[4, 2]), "one.yaml")
    two = write(tmp_path, sweep(seed=[0, 1], extractor="sort", game="catch"), "two.yaml")
    specs = train.plan(train.Arguments(study=[one, two]))
    assert [s.title for s in specs] == [
        "one/catch/nature/seed4", "one/catch/gap/seed4", "two/catch/sort/seed0",
        "one/catch/nature/seed2", "one/catch/gap/seed2", "two/catch/sort/seed1",
    ]  # fmt: skip


def test_copies_with_other_seeds_are_parts_of_one_study(tmp_path: Path) -> None:
    """As docs/clusters.md divides a study between two jobs."""
    content = yaml.safe_load((STUDIES / "catch.yaml").read_text())
    parts = []
    for name, seeds in (("a.yaml", [0, 1, 2, 3]), ("b.yaml", [4, 5, 6, 7, 8, 9])):
        content["parameters"]["seed"] = {"values": seeds}
        parts += train.plan(train.Arguments(study=[write(tmp_path, content, name)]))
    assert parts == planned("catch")


def test_a_point_is_what_the_command_line_would_ask_for(tmp_path: Path) -> None:
    """`wandb agent` calls train.py with a point's parameters; the run is the same one."""
    parameters = {
        "game": "catch", "extractor": "gap@0.5", "seed": 3, "learning_rate": 2e-4,
        "study_name": "mine", "preset": "demo", "precision": "bfloat16",
    }  # fmt: skip
    path = write(tmp_path, sweep(**parameters))
    (spec,) = train.plan(train.Arguments(study=[path]))
    words = ["--game=catch", "--extractor=gap@0.5", "--seed=3", "--learning_rate=0.0002",
             "--study_name=mine", "--preset=demo", "--precision=bfloat16"]  # fmt: skip
    (typed,) = train.plan(train.commandline.parse(train.Arguments, words, "train.py", ""))
    assert spec == typed


def test_numbers_as_yaml_writes_them(tmp_path: Path) -> None:
    """YAML 1.1 reads 1e-4 as a word and 1 as a whole number."""
    path = tmp_path / "s.yaml"
    path.write_text("method: grid\nparameters: {learning_rate: {values: [1e-4, 3.0e-4, 1]}}\n")
    assert [p["learning_rate"] for p in grid.read(path).points] == [1e-4, 3e-4, 1.0]


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda p: p.stem)
def test_the_studies_that_come_along(path: Path) -> None:
    """They can be trained, lie in a folder of their own name, and say so to W&B's agent too."""
    content = yaml.safe_load(path.read_text())
    assert (content["program"], content["method"]) == ("train.py", "grid")
    specs = planned(path.stem)
    assert specs
    if path.stem.startswith("tune_"):
        folders = {f"{path.stem}-rate{rate:g}" for rate in tuning.RATES}
        assert {spec.seed for spec in specs} == set(tuning.TUNING_SEEDS)
        assert {spec.rate_from for spec in specs} == {"given"}
    else:
        folders = {path.stem}
        assert not {spec.seed for spec in specs} & set(tuning.TUNING_SEEDS)
    assert {spec.study for spec in specs} == folders
    text = path.read_text()
    assert text.startswith("# ")
    if path.stem != "demo":
        head = [line for line in text.splitlines() if line.startswith("# ")]
        for word in ("Question: ", "Budget: ", "Cost: "):
            assert sum(line.startswith(f"# {word}") for line in head) == 1, word


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda p: p.stem)
def test_wandb_agent_asks_for_the_same_runs(path: Path) -> None:
    """W&B's own code makes the command line of the first and of the last point."""
    from wandb.sdk.launch.sweeps import utils

    config = yaml.safe_load(path.read_text())
    given = config["parameters"]
    shape = {name: setting.get("values", [setting.get("value")]) for name, setting in given.items()}
    for at in (0, -1):
        point = {name: {"value": values[at]} for name, values in shape.items()}
        words: list[str] = []
        for chunk in utils.create_sweep_command(list(config["command"])):
            args = utils.create_sweep_command_args({"args": point})["args"]
            words += args if chunk == "${args}" else [chunk]
        env, interpreter, program, *words = words
        assert (env, interpreter, program) == ("${env}", "${interpreter}", "${program}")
        asked = train.commandline.parse(train.Arguments, words, "train.py", "")
        assert asked.wandb == "online"
        assert asked.device == "auto", "or W&B's agent would train on the CPU beside a GPU"
        assert asked.results == (None if path.stem == "demo" else Path("results"))
        (one,) = train.plan(asked)
        assert one == planned(path.stem)[at]


def test_rates_are_tuned_for_the_studies_that_use_them() -> None:
    """The same rows, trained in the same way for as long."""
    for name, of in (
        ("tune_catch", "catch"),
        ("tune_pong", "blog_pong"),
        ("tune_breakout", "blog_breakout"),
        ("tune_catch_pairs", "catch_pairs"),
        ("tune_pong_pairs", "blog_pairs"),
        ("tune_pong_cpu", "blog_pong_cpu"),
    ):
        tuned, used = (
            {
                (s.game, s.extractor, s.length, fingerprint(training_protocol(s.settings)))
                for s in planned(study)
            }
            for study in (name, of)
        )
        assert tuned == used


def test_the_pairs_are_whole_and_no_run_is_done_twice() -> None:
    """What a pairs file leaves out lies in the study that its first lines name."""
    for pairs, beside, at in (("blog_pairs", "blog_pong", ""), ("catch_pairs", "catch", "@0.5")):
        found = [(s.extractor, s.seed) for s in (*planned(beside), *planned(pairs))]
        assert len(found) == len(set(found))
        rows = {row for row, _ in found}
        for row in architectures.ranked():
            # Median and gain are asked of the halves alone: twins cost more. P6 only describes.
            wanted = row.pair in ("P1", "P2", "P3", "P4", "P5") and not row.name.startswith("twin_")
            if wanted and not row.name.endswith(("_gain", "_median")):
                assert {row.name + at, row.against + at} <= rows


def test_what_a_study_varies_is_part_of_the_path(tmp_path: Path) -> None:
    """Two rates are two folders, by a name of one's own or by itself."""
    swept = sweep(game="catch", learning_rate=[1e-3, 3e-5], seed=1)
    (one, two) = train.plan(train.Arguments(study=[write(tmp_path, swept)]))
    assert (one.study, two.study) == ("s-learning_rate0.001", "s-learning_rate3e-05")
    assert one.directory != two.directory
    named = sweep(game="catch", learning_rate=[1e-3], seed=1, study_name="t-{preset}-{steps}")
    (one,) = train.plan(train.Arguments(study=[write(tmp_path, named)]))
    assert one.study == "t-fast-40000"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"method": "random", "parameters": {"seed": {"values": [0]}}}, "got 'random'; a study"),
        ({"method": "bayes", "parameters": {"seed": {"values": [0]}}}, "got 'bayes'"),
        ({"parameters": {"seed": {"values": [0]}}}, "expected method: grid, got no method"),
        ({"method": "grid"}, "expected options of train.py, got none"),
        ({**sweep(seed=[0]), "early_terminate": {}}, "'early_terminate', which would end runs"),
        ({**sweep(seed=[0]), "program": "mine.py"}, "program: expected train.py, got 'mine.py'"),
        ({**sweep(seed=[0]), "command": ["${program}", "--steps=9"]}, "command: expected what"),
        ({**sweep(seed=[0]), "command": "${args}"}, "command: expected a list of words"),
        ({**sweep(seed=[0]), "run_cap": 3}, "'run_cap', which would end runs early or leave"),
        (sweep(workers=2), "expected one of game, extractor"),
        (sweep(extractr="gap"), "did you mean 'extractor'?"),
        (sweep(seed=["one"]), "seed: expected int, got 'one'"),
        (sweep(seed=[True]), "seed: expected int, got True"),
        (sweep(seed=[]), "seed: expected a list, got []"),
        ({"method": "grid", "parameters": {"seed": {"min": 0, "max": 3}}}, "expected value: or"),
        ({"method": "grid", "parameters": {"seed": 3}}, "expected value: or values:, got 3"),
        (sweep(seed=list(range(400)), steps=list(range(1, 400))), "at most 100,000 runs, got 159,"),
        (sweep(game="chess"), "expected one of pong"),
        (sweep(seed=-1), "--seed: expected"),
        (sweep(steps=[8, 9], study_name="s"), "expected {steps} in it, because steps has 2 values"),
        (sweep(steps=9, study_name="s{step}"), "--study-name: expected one of preset, steps"),
        ("just words", "expected a W&B sweep, got a str"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: object, told: str) -> None:
    with pytest.raises(BadInput) as error:
        train.plan(train.Arguments(study=[write(tmp_path, content)]))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_beside_a_study(tmp_path: Path) -> None:
    path = write(tmp_path, sweep(seed=[0]))
    with pytest.raises(BadInput, match="--seed: expected nothing beside --study"):
        train.plan(train.Arguments(study=[path], seed=[1]))
    with pytest.raises(BadInput, match="each run in one study only"):
        train.plan(train.Arguments(study=[path, path]))
    with pytest.raises(BadInput, match=r"cannot read .*: No such file"):
        train.plan(train.Arguments(study=[tmp_path / "none.yaml"]))
