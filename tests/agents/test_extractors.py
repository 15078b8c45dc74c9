"""Rows under SB3's DQN, and what users get for what they type."""

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from safetensors.torch import load, save
from stable_baselines3 import DQN
from stable_baselines3.common.logger import Logger

from agents import heads, layers, parts
from agents.architectures import ROWS, ZOO, find
from agents.extractors import (
    ZooExtractor,
    build,
    check,
    describe,
    directory_name,
    policy_kwargs,
)
from agents.geometry import ledger
from agents.parts import Part
from agents.shapes import Step
from commandline import BadInput

PICTURES = spaces.Box(0, 255, (4, 84, 84), dtype=np.uint8)


class Noise(gym.Env[np.ndarray, np.int64]):
    """Pictures of noise, rewards of noise, for ever."""

    observation_space = PICTURES
    action_space = spaces.Discrete(6)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        return self._picture(), {}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        return self._picture(), float(self.np_random.normal()), False, False, {}

    def _picture(self) -> np.ndarray:
        return self.np_random.integers(256, size=(4, 84, 84), dtype=np.uint8)


def agent(name: str, seed: int) -> DQN:
    return DQN(
        "CnnPolicy",
        Noise(),
        policy_kwargs=policy_kwargs(name),
        buffer_size=8,
        batch_size=2,
        learning_starts=4,
        train_freq=5,
        seed=seed,
        device="cpu",
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name == "no_stride"))
        for name in (*ZOO, "half_max@0.5", "capsule@0.5", "impala_max@0.25")
    ],
)
def test_a_row_trains_saves_and_loads(name: str) -> None:
    model = agent(name, seed=0)
    assert isinstance(model.policy.q_net.features_extractor, ZooExtractor)
    before = {k: v.clone() for k, v in model.policy.q_net.named_parameters()}
    model.learn(5)  # five steps of play, one update
    for key, parameter in model.policy.q_net.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().max() > 0, key
        assert not torch.equal(parameter, before[key]), key

    stored = save(model.policy.state_dict())
    other = agent(name, seed=1)
    pictures = torch.randint(256, (2, 4, 84, 84), dtype=torch.uint8)
    with torch.no_grad():
        expected = model.policy.q_net(pictures)
        assert not torch.equal(other.policy.q_net(pictures), expected)
        other.policy.load_state_dict(load(stored))
        assert torch.equal(other.policy.q_net(pictures), expected)


def test_one_update_is_the_same_twice() -> None:
    def weights(seed: int) -> dict[str, torch.Tensor]:
        model = agent("half_max@0.5", seed)
        model.set_logger(Logger(None, []))
        model.learn(5)
        return model.policy.state_dict()

    one, again, other = weights(0), weights(0), weights(1)
    assert all(torch.equal(one[key], again[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_stages_can_be_read_by_name() -> None:
    extractor = ZooExtractor(PICTURES, ZOO["twin_max_gain"])
    expected = "conv1 pool1 gain1 conv2 pool2 gain2 conv3"
    assert [name for name, _ in extractor.stages.named_children()] == expected.split()
    heard = []
    extractor.stages.get_submodule("pool2").register_forward_hook(
        lambda _module, _inputs, output: heard.append(tuple(output.shape))
    )
    extractor(torch.zeros(2, 4, 84, 84))
    assert heard == [(2, 64, 9, 9)]


def test_the_hidden_layer_is_sb3s() -> None:
    kwargs = policy_kwargs("half_max@0.5")
    assert kwargs == {
        "features_extractor_class": ZooExtractor,
        "features_extractor_kwargs": {"architecture": find("half_max@0.5")},
        "net_arch": [256],
    }


@pytest.mark.parametrize("shape", [(84, 84), (4, 84, 60)])
def test_pictures_are_square(shape: tuple[int, ...]) -> None:
    box = spaces.Box(0, 255, shape, dtype=np.uint8)
    with pytest.raises(ValueError, match=r"expected pictures of \(channels, side, side\), got"):
        ZooExtractor(box, ZOO["nature"])


def test_a_part_without_a_module() -> None:
    with pytest.raises(TypeError, match="no module is known for Part"):
        build(Part(), Step("input", (4, 84, 84)), 1)


FIVE = [[3, 9, 4, 0, 7], [1, 5, 2, 8, 6], [0, 0, 1, 1, 5], [0, 4, 1, 3, 2], [6, 8, 9, 7, 1]]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (parts.MaxPool(2), [[9, 8, 7], [4, 3, 5], [8, 9, 1]]),
        (parts.AvgPool(2), [[4.5, 3.5, 6.5], [1, 1.5, 3.5], [7, 8, 1]]),
        (parts.MedianPool(2), [[4, 3, 6.5], [0, 1, 3.5], [7, 8, 1]]),
        (parts.CornerPick(2), [[3, 4, 7], [0, 1, 5], [6, 9, 1]]),
        # Windows of 3 at distance 2, the first one column and row outside: 2 × 2 cells of it count.
        (parts.OverlapMax(), [[9, 9, 8], [5, 8, 8], [8, 9, 7]]),
        (
            parts.OverlapAvg(),
            [[18 / 4, 28 / 6, 21 / 4], [10 / 6, 25 / 9, 25 / 6], [4.5, 32 / 6, 13 / 4]],
        ),
        # Cells of 3 that overlap by one.
        (parts.AdaptiveMax(2), [[9, 8], [9, 9]]),
        (parts.AdaptiveAvg(2), [[25 / 9, 34 / 9], [29 / 9, 30 / 9]]),
        (parts.GlobalMax(), [[9]]),
        (parts.GlobalMean(), [[93 / 25]]),
        (parts.Relu(), FIVE),
        (parts.Gain(2.0), [[2 * value for value in row] for row in FIVE]),
    ],
)
def test_a_part_becomes_the_module_that_it_describes(part: Part, expected: list[Any]) -> None:
    a = torch.tensor(FIVE, dtype=torch.float32)[None, None]
    out = build(part, Step("input", (1, 5, 5)), 1)(a)
    torch.testing.assert_close(out[0, 0], torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize("part", [parts.Relu(), parts.Conv(3, 2), parts.LinearConv(3, 2)])
def test_what_is_rectified(part: Part) -> None:
    torch.manual_seed(0)
    out = build(part, Step("input", (1, 5, 5)), 1)(torch.linspace(-9, 9, 25).view(1, 1, 5, 5))
    assert (out.min() < 0) == isinstance(part, parts.LinearConv)


def test_parts_that_mix_channels_or_places() -> None:
    before = Step("input", (16, 8, 8))
    expected = {
        parts.BlurPool(4): layers.BlurPool,
        parts.CellPick(4): layers.CellPick,
        parts.Residual(): layers.Residual,
        parts.Coordinates(): layers.Coordinates,
        parts.LearnedMean(): heads.LearnedMean,
        parts.Sort(): heads.Sort,
        parts.SpatialSoftmax(): heads.SpatialSoftmax,
        parts.Capsules(): heads.Capsules,
    }
    for part, kind in expected.items():
        assert type(build(part, before, 1)) is kind
    one, two = (build(parts.CellPick(4), before, ordinal) for ordinal in (1, 2))
    assert not torch.equal(one.place, two.place)
    torus = build(parts.Conv(4, 4, padding="circular"), before, 1)
    a = torch.rand(1, 16, 8, 8)
    torch.testing.assert_close(torus(a.roll(3, 2)), torus(a).roll(3, 2))


def test_building_leaves_the_generator_alike_for_every_row() -> None:
    states = []
    for name in ("nature", "gap_learned", "impala_max"):
        torch.manual_seed(0)
        ZooExtractor(PICTURES, ZOO[name])
        states.append(torch.get_rng_state())
    assert all(torch.equal(states[0], state) for state in states)


@pytest.mark.parametrize("row", ROWS)
def test_facts_of_a_row_fit_json(row: Any) -> None:
    facts = describe(row.name)
    assert json.loads(json.dumps(facts)) == facts == ledger(row).facts()


def test_a_costly_row_is_asked_for_twice() -> None:
    with pytest.raises(BadInput) as refused:
        check("no_stride")
    for part in ("--extractor: no_stride", "169,950,886", "101 × nature", "3.4 GB", "589 million"):
        assert part in str(refused.value)
    assert "63 × nature" in str(refused.value)
    assert "--really" in str(refused.value)
    check("no_stride", allow_costly=True)


def test_only_one_row_is_costly() -> None:
    for name in {*ZOO} - {"no_stride"}:
        check(name)
    check("no_stride@0.25")
    with pytest.raises(BadInput, match=r"nature@16 has .* --really"):
        check("nature@16")


@pytest.mark.parametrize("call", [policy_kwargs, describe, check, directory_name])
def test_unknown_names(call: Any) -> None:
    with pytest.raises(BadInput, match=r"--extractor: .*did you mean 'half_max'"):
        call("half_mox")


@pytest.mark.parametrize(
    ("spec", "folder"),
    [("half_max", "half_max"), ("half_max@0.50", "half_max@0.5"), ("half_max@1", "half_max")],
)
def test_folders_of_rows(spec: str, folder: str) -> None:
    assert directory_name(spec) == folder


OWN = """
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn


class MyNet(BaseFeaturesExtractor):
    def __init__(self, observation_space):
        super().__init__(observation_space, features_dim=10)
        self.stack = nn.Sequential(nn.Conv2d(4, 10, 8, 8), nn.AdaptiveMaxPool2d(1), nn.Flatten())

    def forward(self, observations):
        return self.stack(observations)
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "my_net.py"
    path.write_text(OWN)
    return path


def test_an_extractor_of_ones_own_trains(own: Path) -> None:
    spec = f"{own}:MyNet"
    check(spec)
    model = agent(spec, seed=0)
    assert model.policy.net_arch == [512]
    model.learn(5)
    grad = model.policy.q_net.features_extractor.stack[0].weight.grad
    assert grad is not None
    assert grad.abs().max() > 0


def test_facts_of_ones_own_say_which_version_it_was(own: Path) -> None:
    facts = describe(f"{own}:MyNet")
    folder = directory_name(f"{own}:MyNet")
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["file"], facts["class"], facts["features"]) == ("my_net.py", "MyNet", 10)
    # 4·10·64 + 10 in the convolution, 10·512 + 512 and 512·6 + 6 behind it
    assert facts["parameters"] == 2_570 + 5_632 + 3_078
    assert len(facts["sha256"]) == 64
    assert facts["name"] == folder == f"MyNet-{facts['sha256'][:8]}"
    own.write_text(OWN.replace("8, 8", "6, 6"))
    assert describe(f"{own}:MyNet")["sha256"] != facts["sha256"]
    assert describe(f"{own}:MyNet")["parameters"] == 1_450 + 5_632 + 3_078
    assert directory_name(f"{own}:MyNet") != folder


def test_trying_ones_own_leaves_the_generator_alone(own: Path) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    check(f"{own}:MyNet")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("class MyNet", "class MyNat"), r"my_net\.py: expected one of MyNat; got 'MyNet'"),
        (("(BaseFeaturesExtractor)", ""), "expected a subclass of .*BaseFeaturesExtractor in .*"),
        (
            ("import torch\n", "import torhc\n"),
            r"does not run: line 2: ModuleNotFoundError: .*torhc",
        ),
        (("class MyNet(", "class MyNet(("), r"does not run: SyntaxError: .*line 7"),
        (("(self, observation_space)", "(self)"), r"MyNet fails on .*: TypeError: "),
        (("Conv2d(4, 10", "Conv2d(3, 10"), r"MyNet fails on .*: line 13: RuntimeError: "),
        (("features_dim=10", "features_dim=9"), r"promises 9 .*output of \(2, 9\), got \(2, 10\)"),
    ],
)
def test_what_can_be_wrong_with_ones_own(own: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in OWN
    own.write_text(OWN.replace(*change))
    with pytest.raises(BadInput, match=message) as refused:
        check(f"{own}:MyNet")
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith("--extractor")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nowhere.py:MyNet", "expected a file, found none at nowhere.py"),
        ("my_net.py", r"expected path/to/file\.py:ClassName, got 'my_net\.py'"),
        ("my_net.py:", r"expected path/to/file\.py:ClassName"),
        ("my_net.txt:MyNet", r"expected path/to/file\.py:ClassName"),
        ("my_net.py:My Net", r"expected path/to/file\.py:ClassName"),
    ],
)
def test_what_can_be_wrong_with_its_name(spec: str, message: str) -> None:
    for call in (policy_kwargs, describe, check, directory_name):
        with pytest.raises(BadInput, match=f"--extractor: {message}"):
            call(spec)
