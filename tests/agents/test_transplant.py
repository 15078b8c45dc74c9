"""The same weights in several networks: what is equal to the bit, what differs, and by what."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from gymnasium import spaces
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor

from agents.architectures import POOLED, find
from agents.extractors import ZooExtractor, policy_kwargs
from agents.layers import Gain
from agents.transplant import coarsen, restore_rms, rms, transplant

PICTURES = spaces.Box(0, 255, (4, 84, 84), dtype=np.uint8)
P1 = [row.name for row in POOLED]
CORNERS = ["corner_twin", "corner_half"]


def q_network(name: str, seed: int = 0) -> QNetwork:
    torch.manual_seed(seed)
    kwargs = policy_kwargs(name)
    return DQNPolicy(PICTURES, spaces.Discrete(6), lambda _: 1e-4, **kwargs).q_net


def q_values(network: QNetwork, pictures: Tensor) -> Tensor:
    """Q for pictures in [0, 1], whatever their precision."""
    with torch.no_grad():
        return network.q_net(network.features_extractor(pictures))


def frames(n: int = 4) -> Tensor:
    """Noise and a few hard edges, in multiples of 1/256 and below 1."""
    grey = np.random.default_rng(0).integers(256, size=(n, 4, 84, 84))
    grey[n // 2 :, :, 20:50, 30:40] = 255
    return torch.from_numpy(grey).double() / 256


@pytest.mark.parametrize("name", CORNERS)
def test_corner_picking_is_nature_bit_for_bit(name: str) -> None:
    """Q of all frames, in sums that are exact and so the same by any convolution algorithm."""
    nature, row = q_network("nature", seed=0), q_network(name, seed=1)
    coarsen(nature)
    coarsen(row)
    assert not torch.equal(q_values(nature, frames()), q_values(row, frames()))
    assert transplant(nature, row) == ()
    assert torch.equal(q_values(nature, frames()), q_values(row, frames()))


def test_coarse_weights_make_sums_exact() -> None:
    """Nature's stack with every sum taken backwards: the same bits, unless weights are fine."""

    def backwards(stack: torch.nn.Sequential, a: Tensor) -> Tensor:
        for conv in stack.children():
            assert isinstance(conv, torch.nn.Conv2d)
            side = (a.shape[-1] - conv.kernel_size[0]) // conv.stride[0] + 1
            terms = F.unfold(a, conv.kernel_size, stride=conv.stride).flip(1)
            sums = conv.weight.flatten(1).flip(1) @ terms + conv.bias[:, None]
            a = F.relu(sums).unflatten(-1, (side, side))
        return a

    nature = extractor("nature").double()
    with torch.no_grad():
        assert not torch.equal(nature.stages(frames()), backwards(nature.stages, frames()))
        coarsen(nature)
        assert torch.equal(nature.stages(frames()), backwards(nature.stages, frames()))


@pytest.mark.parametrize("width", ["@0.5", ""])
@pytest.mark.parametrize("name", CORNERS)
def test_corner_picking_is_nature_as_trained(name: str, width: str) -> None:
    """Weights as they come, float32: equal up to the rounding of a sum in another order."""
    nature, row = q_network(f"nature{width}"), q_network(name + width, seed=1)
    transplant(nature, row)
    pictures = frames().float()
    torch.testing.assert_close(
        q_values(nature, pictures), q_values(row, pictures), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", [*P1, *(f"{name}_gain" for name in P1)])
def test_every_other_aggregator_differs_from_nature(name: str) -> None:
    nature, row = q_network("nature"), q_network(name, seed=1)
    assert transplant(nature, row) == ()
    difference = q_values(nature, frames().float()) - q_values(row, frames().float())
    assert difference.abs().max() > 1e-3


@pytest.mark.parametrize("name", ["impala_max", "impala_avg"])
def test_weights_of_p2_fit_as_well(name: str) -> None:
    source, row = q_network("impala_stride"), q_network(name, seed=1)
    assert transplant(source, row) == ()


def test_gap_learned_at_one_49th_is_gap() -> None:
    gap, learned = q_network("gap"), q_network("gap_learned", seed=1)
    left = transplant(gap, learned)
    assert left == ("features_extractor.stages.pool1.weight",)
    pictures = frames()
    gap.double(), learned.double()
    assert not torch.allclose(q_values(gap, pictures), q_values(learned, pictures))
    with torch.no_grad():
        learned.get_parameter(left[0]).fill_(1 / 49)
    torch.testing.assert_close(
        q_values(gap, pictures), q_values(learned, pictures), rtol=1e-12, atol=1e-14
    )


def test_what_does_not_fit_is_named_and_nothing_is_copied() -> None:
    nature, gap = q_network("nature"), q_network("gap", seed=1)
    before = gap.features_extractor.stages.conv1.weight.clone()
    with pytest.raises(ValueError, match=r"every parameter, found none for \['q_net\.0\.weight"):
        transplant(nature, gap)
    assert torch.equal(before, gap.features_extractor.stages.conv1.weight)


def extractor(name: str, seed: int = 0) -> ZooExtractor:
    torch.manual_seed(seed)
    return ZooExtractor(PICTURES, find(name))


@pytest.mark.parametrize("name", P1)
def test_gains_restore_the_rms_of_nature(name: str) -> None:
    nature, row = extractor("nature"), extractor(f"{name}_gain")
    pictures = frames().float()
    gains = restore_rms(nature, row, pictures)
    assert len(gains) == 2
    with torch.no_grad():
        wanted = nature.stages[:2]  # conv1, conv2
        given = row.stages[:6]  # conv1, pool1, gain1, conv2, pool2, gain2
        assert rms(given(pictures)) == pytest.approx(rms(wanted(pictures)), rel=1e-5)
        first = rms(row.stages[:3](pictures))
    assert first == pytest.approx(rms(nature.stages[0](pictures).detach()), rel=1e-5)


def test_gains_come_from_the_row_until_they_are_set() -> None:
    row = extractor("twin_max_gain")
    gains = [stage.gain.item() for stage in row.stages if isinstance(stage, Gain)]
    assert gains == pytest.approx([0.874, 0.949])
    plain = extractor("twin_max")
    pictures = frames().float()
    with torch.no_grad():
        assert not torch.equal(row(pictures), plain(pictures))
        for stage in row.stages:
            if isinstance(stage, Gain):
                stage.gain.fill_(1)
        assert torch.equal(row(pictures), plain(pictures))


def test_rms() -> None:
    assert rms(torch.tensor([[3.0, -4.0], [0, 0]])) == 2.5


def test_a_torus_without_stride_is_blind() -> None:
    blind, gap = extractor("dense_circular_gap").double(), extractor("gap").double()
    field = torch.zeros(1, 4, 84, 84, dtype=torch.float64)
    field[..., 40:44, 30:32] = 1
    for shift in ((1, 0), (5, 11), (43, -31), (60, 60)):
        moved = field.roll(shift, (2, 3))
        with torch.no_grad():
            torch.testing.assert_close(blind(field), blind(moved), rtol=1e-12, atol=1e-14)
            assert (gap(field) - gap(moved)).abs().max() > 1e-4, shift
    with torch.no_grad():  # of where, not of what
        assert (blind(field) - blind(2 * field)).abs().max() > 1e-4


def test_same_seed_same_weights_wherever_shapes_agree() -> None:
    nature = dict(q_network("nature").named_parameters())
    for name in ("twin_max", "half_pick", "corner_twin", "sort"):
        for key, value in q_network(name).named_parameters():
            assert torch.equal(value, nature[key]), (name, key)
    gap = dict(q_network("gap").named_parameters())
    for name in ("gap_learned", "coord_in_gap", "coord_last_gap", "gmp"):
        same = {
            key
            for key, value in q_network(name).named_parameters()
            if key in gap and value.shape == gap[key].shape
        }
        assert len(same) >= 9, name
        row = dict(q_network(name).named_parameters())
        # A convolution with another fan-in also scales its bias otherwise.
        odd = {f"features_extractor.stages.{s}.bias" for s in ("conv1", "conv3")}
        for key in same - (odd if name.startswith("coord") else set()):
            assert torch.equal(row[key], gap[key]), (name, key)


def test_other_seed_other_weights() -> None:
    one, other = q_network("nature", 0), q_network("nature", 1)
    for (name, a), (_, b) in zip(one.named_parameters(), other.named_parameters(), strict=True):
        assert not torch.equal(a, b), name


def test_stages_do_not_repeat_each_other() -> None:
    blocks = extractor("impala_max").stages
    assert not torch.equal(blocks.residual3.first.weight, blocks.residual4.first.weight)


def test_weights_start_in_torchs_range() -> None:
    for name, fan_in in (("conv1", 4 * 64), ("conv2", 32 * 16), ("conv3", 64 * 9)):
        weight = extractor("nature").stages.get_submodule(name).weight
        bound = fan_in**-0.5
        assert 0.98 * bound < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
