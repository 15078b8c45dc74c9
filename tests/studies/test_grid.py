"""Study files: the whole grid, seeds in rounds, the same for W&B's agent and for train.py."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import train
from commandline import BadInput
from studies import grid

STUDIES = Path(grid.__file__).parent


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
    assert content["parameters"]["study_name"] == {"value": path.stem}
    specs = train.plan(train.Arguments(study=[path]))
    assert specs
    assert {spec.study for spec in specs} == {path.stem}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"method": "random", "parameters": {"seed": {"values": [0]}}}, "got 'random'; a study"),
        ({"method": "bayes", "parameters": {"seed": {"values": [0]}}}, "got 'bayes'"),
        ({"parameters": {"seed": {"values": [0]}}}, "expected method: grid, got no method"),
        ({"method": "grid"}, "expected options of train.py, got none"),
        ({**sweep(seed=[0]), "early_terminate": {}}, "'early_terminate', which would end runs"),
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
