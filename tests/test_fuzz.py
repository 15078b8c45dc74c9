"""Whatever a file or a command line says, the answer is a value or one line, never a traceback."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import commandline
import envs
import evaluate
import train
from agents.dqn import BallparkDQN
from agents.extractors import policy_kwargs
from agents.manifest import Manifest, Part, parse_manifest
from agents.settings import Settings, as_dict, parse_settings, resolve
from agents.shards import Span
from agents.state import State, parse_state
from agents.tuned import table
from commandline import BadInput
from envs.games import CATCH
from reporting.tracking import Mark, read_metrics
from studies.measuring.measure import open_run
from studies.publish import place
from studies.running.conductor import Memory
from studies.running.directory import RunSpec, config, state
from studies.status import standings
from studies.tune import choices, tuning_runs

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=8), x, max_size=4)
)
QUICK = settings(max_examples=150, deadline=None)


def spoilt(whole: Any) -> st.SearchStrategy[Any]:
    """Return JSON like `whole`, with something in it replaced, removed or added."""

    @st.composite
    def build(draw: st.DrawFn, value: Any) -> Any:
        if isinstance(value, dict) and value and draw(st.integers(0, 4)):
            key = draw(st.sampled_from(sorted(value)))
            kind = draw(st.sampled_from(["deeper", "deeper", "gone", "more"]))
            rest = {k: v for k, v in value.items() if k != key}
            if kind == "gone":
                return rest
            if kind == "more":
                return {**value, draw(st.text(max_size=8)): draw(JSON)}
            return {**rest, key: draw(build(value[key]))}
        return draw(JSON)

    return build(whole)


def answers(parse: Callable[[], Any]) -> None:
    """Call a parser; anything but a value or one line fails."""
    told = "a value"
    try:
        parse()
    except BadInput as error:
        told = str(error)
    except SystemExit as stop:  # asked for help
        told = "" if stop.code else "help"
    assert told
    assert "\n" not in told


PART = Part(3, "0" * 64)
MANIFEST = Manifest(
    60,
    dict.fromkeys(("policy.safetensors", "training.safetensors", "state.json"), PART),
    {Span(0, 15): PART},
).as_json()


@QUICK
@given(spoilt(MANIFEST))
def test_a_manifest(content: Any) -> None:
    if isinstance(content, dict):
        answers(lambda: parse_manifest(content))


def test_the_whole_ones_are_values() -> None:
    assert parse_manifest(MANIFEST).step == 60
    assert Memory.parse(MEMORY).boundary == 1
    settings = resolve("fast", "pong")
    assert parse_settings(as_dict(settings)) == settings


@pytest.fixture(scope="module")
def model() -> BallparkDQN:
    small = Settings(steps=100, num_envs=2, replay_size=100, update_every=2)
    agent = BallparkDQN(envs.make(CATCH, 2, seed=0), small, policy_kwargs("gap@0.5"), 0)
    agent.restart_environments([1, 2])
    agent.learn(20, reset_num_timesteps=False)
    return agent


@QUICK
@given(data=st.data())
def test_a_training_state(data: st.DataObject, model: BallparkDQN) -> None:
    whole = json.loads(json.dumps(State.of(model, "0" * 64, {"a": 1}).as_json()))
    assert parse_state(whole, model, 20).n_calls == 10
    content = data.draw(spoilt(whole))
    if isinstance(content, dict):
        answers(lambda: parse_state(content, model, 20).restore(model))


MEMORY = {
    "boundary": 1,
    "games": [{"r": 1.0, "clipped": 1.0, "l": 3, "t": 0.5}],
    "score": None,
    "metrics": {"size": 3, "sha256": "0" * 64},
    "pauses": {"evaluation": 0.5},
}


@QUICK
@given(spoilt(MEMORY))
def test_what_a_run_remembers(content: Any) -> None:
    if isinstance(content, dict):
        answers(lambda: Memory.parse(content))
        answers(lambda: Mark.parse(content))


@QUICK
@given(spoilt(as_dict(Settings())))
def test_settings(content: Any) -> None:
    answers(lambda: parse_settings(content))


WHOLE = config(RunSpec("s", "catch", "nature", 0, resolve("demo", "catch"), Path("runs")))


@QUICK
@given(facts=spoilt(WHOLE), agent=spoilt({"sha256": "0" * 64, "steps": 3, "updates": 1}))
def test_a_run_directory(facts: Any, agent: Any) -> None:
    with tempfile.TemporaryDirectory() as root:
        spec = RunSpec("s", "catch", "nature", 0, resolve("demo", "catch"), Path(root))
        spec.directory.mkdir(parents=True)
        (spec.directory / "config.json").write_text(json.dumps(facts))
        answers(lambda: state(spec))
        (spec.directory / "agent.json").write_text(json.dumps(agent))
        answers(lambda: open_run(spec.directory))


SPEC = RunSpec("s", "catch", "nature", 100, resolve("fast", "catch"), Path("runs"))
ROW = {
    **{key: WHOLE[key] for key in ("study", "game", "extractor", "training_fingerprint")},
    "seed": 100,
    "settings": as_dict(SPEC.settings),
    "finished": True,
    "curve": [[0, -0.7, None, 27.0, 50], [40_000, None, 1.0, 27.0, 50]],
    "scores": {"mean": 0.9},
    "seconds": 80.5,
    "steps_done": 40_000,
}
CHOICE = {"game": "catch", "training_fingerprint": "0" * 8, "rows": {"gap@0.5": {"rate": 1e-3}}}


@QUICK
@given(spoilt(ROW), spoilt(CHOICE))
@example(ROW, CHOICE)
def test_a_published_row_and_a_choice(row: Any, choice: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        path = place(SPEC, results)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(row))
        answers(lambda: standings([SPEC], results))
        answers(lambda: [choices([run]) for run in tuning_runs(results)])
        (results / "choice.json").write_text(json.dumps(choice))
        answers(lambda: table(results))


@QUICK
@given(st.binary(max_size=60) | st.lists(JSON.map(json.dumps), max_size=3).map(
    lambda lines: "\n".join(lines).encode()
))  # fmt: skip
@example(b'{"global_step": 1}\n\xff')
@example(b'{"global_step": 1}\n\n')
@example(b"[" * 30_000)
@example(b'{"global_step": ' + b"9" * 5_000 + b"}")
def test_rows_of_metrics(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        path.write_bytes(content)
        answers(lambda: read_metrics(path))


SWEEP = {
    "program": "train.py",
    "method": "grid",
    "name": "catch",
    "parameters": {
        "study_name": {"value": "catch"},
        "game": {"values": ["catch", "pong"]},
        "extractor": {"values": ["nature@0.5", "gap"]},
        "seed": {"values": [0, 1, 2]},
        "learning_rate": {"value": 1e-4},
        "steps": {"value": 40_000},
    },
}


@QUICK
@given(
    spoilt(SWEEP).map(lambda content: json.dumps(content).encode())
    | st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: f"method: grid\nparameters: {text}".encode())
)
@example(json.dumps(SWEEP).encode())
@example(b"a: &a [*a, *a]\nmethod: grid\nparameters: {seed: {values: *a}}")
@example(b"method: grid\nparameters: {seed: {values: [[1], {}, ~, 1.5, 2020-01-01, .nan]}}")
@example(b"!!python/object/apply:os.system ['true']")
@example(b"[" * 5_000)
@example(b"method: grid\n? [1, 2]\n: 3")
def test_a_study(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.yaml"
        path.write_bytes(content)
        answers(lambda: train.plan(train.Arguments(study=[path])))


WORDS = st.sampled_from([
    "--game", "pong", "catch", "--extractor", "nature", "half_max@0.5", "nature@", "nature@nan",
    "--seed", "0", "-1", "1e9", "--steps", "--replay-size", "--learning-rate", "--checkpoint-every",
    "--preset", "demo", "--workers", "--study-name", "..", "--wandb", "disabled", "--really",
    "--eval-games", "--games", "--epsilon", "--device", "cpu", "--out", "--again", "--threads",
    "--study", "studies", "--supervised", "where", "--rows", "--seeds", "--tune", "--updates",
    "--results", "none", "--status", "--json", "{steps}", "{",
    "inf", "nan", "", "--", "-", "=", "x.py:Y", ":", "/", "\0", "٣", "9" * 5000, "--=", "--game=",
]) | st.text(max_size=8)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=6))
def test_the_command_line_of_train(words: list[str]) -> None:
    def parse() -> None:
        train.plan(commandline.parse(train.Arguments, words, "train.py", ""))

    answers(parse)


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS, max_size=6))
def test_the_command_line_of_evaluate(words: list[str]) -> None:
    def parse() -> None:
        evaluate.check(commandline.parse(evaluate.Arguments, words, "evaluate.py", ""))

    answers(parse)
