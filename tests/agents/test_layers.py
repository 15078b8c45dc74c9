"""Every layer against values worked out by hand."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from agents.heads import Capsules, GlobalMax, GlobalMean, LearnedMean, Sort, SpatialSoftmax, squash
from agents.layers import (
    BlurPool,
    CellPick,
    ConvRelu,
    Coordinates,
    CornerPick,
    Gain,
    MedianPool,
    Residual,
)


def picture(*rows: list[float]) -> Tensor:
    """One picture of one channel."""
    return torch.tensor(rows, dtype=torch.float32)[None, None]


FIVE = picture(
    [3, 9, 4, 0, 7],
    [1, 5, 2, 8, 6],
    [0, 0, 1, 1, 5],
    [0, 4, 1, 3, 2],
    [6, 8, 9, 7, 1],
)


def test_the_threads_bar_at_three_offsets() -> None:
    """S1: max-pooling hides the first step of one pixel from the next layer, not the second."""
    behind = []
    for column in (2, 3, 4):
        bar = torch.zeros(1, 1, 8, 8)
        bar[..., column : column + 3] = 1
        pooled = F.max_pool2d(bar, 2)
        behind.append(F.conv2d(pooled, torch.ones(1, 1, 2, 2), stride=2)[0, 0].tolist())
    assert behind == [[[2, 2], [2, 2]], [[2, 2], [2, 2]], [[0, 4], [0, 4]]]


def test_conv_relu_cuts_below_zero() -> None:
    layer = ConvRelu(1, 2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[[1.0, 1], [1, 1]]], [[[-1.0, -1], [-1, -1]]]]))
        layer.bias.copy_(torch.tensor([-10.0, 20.0]))
    out = layer(picture([1, 2, 3], [4, 5, 6]))
    assert out.tolist() == [[[[2, 6]], [[8, 4]]]]


def test_residual_adds_what_its_convolutions_say() -> None:
    layer = Residual(1)
    centre = torch.zeros(1, 1, 3, 3)
    centre[..., 1, 1] = 1
    with torch.no_grad():
        layer.first.weight.copy_(2 * centre)
        layer.first.bias.fill_(-3)
        layer.second.weight.copy_(10 * centre)
        layer.second.bias.fill_(0.5)
    # a → relu(a) → 2a − 3 → relu → ·10 + .5, plus a
    assert layer(picture([-4, 1, 2])).tolist() == [[[[-3.5, 1.5, 12.5]]]]


def test_median_of_whole_and_cut_cells() -> None:
    expected = [[4, 3, 6.5], [0, 1, 3.5], [7, 8, 1]]  # [3 9 1 5] → (3 + 5) / 2, [6 8] → 7, [1] → 1
    assert MedianPool(2)(FIVE).tolist() == [[expected]]
    assert MedianPool(4)(FIVE).tolist() == [[[[1.5, 5.5], [7.5, 1]]]]


@pytest.mark.parametrize("size", [2, 3, 4])
def test_median_agrees_with_numpy(size: int) -> None:
    a = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 9, 9)))
    cells = a.unfold(2, size, size).unfold(3, size, size).flatten(4).numpy()
    whole = MedianPool(size)(a)[:, :, : 9 // size, : 9 // size]
    np.testing.assert_array_equal(whole.numpy(), np.median(cells, axis=-1))


def test_gradient_of_a_median_goes_to_the_middle() -> None:
    a = picture([3, 9], [1, 5]).requires_grad_()
    MedianPool(2)(a).sum().backward()
    assert a.grad is not None
    assert a.grad.tolist() == [[[[0.5, 0], [0, 0.5]]]]


def test_blur_of_a_spike() -> None:
    spike = torch.zeros(1, 1, 5, 5)
    spike[..., 2, 1] = 16
    # Centres at columns 0, 2, 4. The spike is the right neighbour of 0, and mirrored its left one
    # (2 of 4), and the left neighbour of 2 (1 of 4); it lies in row 2, itself a centre (2 of 4).
    assert BlurPool(2)(spike).tolist() == [[[[0, 0, 0], [4, 2, 0], [0, 0, 0]]]]


def test_blur_is_the_binomial_filter_once_for_each_octave() -> None:
    a = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 77, 77)))
    taps = torch.tensor([1.0, 2, 1], dtype=a.dtype)
    kernel = (taps[:, None] * taps / 16).expand(3, 1, 3, 3)
    expected = a
    for _ in range(2):
        padded = F.pad(expected, (1, 1, 1, 1), mode="reflect")
        expected = F.conv2d(padded, kernel, stride=2, groups=3)
    assert expected.shape[2:] == (20, 20)
    torch.testing.assert_close(BlurPool(4)(a), expected)


@pytest.mark.parametrize("size", [0, 1, 3, 6])
def test_blur_wants_a_power_of_two(size: int) -> None:
    with pytest.raises(ValueError, match=f"power of two from 2 on, got {size}"):
        BlurPool(size)


def test_corner_is_the_top_left() -> None:
    assert CornerPick(2)(FIVE).tolist() == [[[[3, 4, 7], [0, 1, 5], [6, 9, 1]]]]


def test_pick_takes_its_place_and_stops_at_the_edge() -> None:
    layer = CellPick(2, channels=2, ordinal=1)
    layer.place.copy_(torch.tensor([[0, 1], [1, 0]]))  # y, x of each channel
    out = layer(FIVE.expand(1, 2, 5, 5))
    assert out[0, 0].tolist() == [[9, 0, 7], [0, 1, 5], [8, 7, 1]]
    assert out[0, 1].tolist() == [[1, 2, 6], [0, 1, 2], [6, 9, 1]]


def test_places_of_a_pick_are_by_lot_and_fixed() -> None:
    torch.manual_seed(0)
    first = CellPick(4, 32, ordinal=1).place
    torch.manual_seed(1)
    assert torch.equal(first, CellPick(4, 32, ordinal=1).place)
    assert torch.equal(first[:16], CellPick(4, 16, ordinal=1).place)  # also of narrower rows
    assert not torch.equal(first, CellPick(4, 32, ordinal=2).place)
    assert {*first.flatten().tolist()} == {0, 1, 2, 3}
    assert "place" in CellPick(4, 32, ordinal=1).state_dict()


def test_gain_multiplies_and_has_nothing_to_learn() -> None:
    layer = Gain(0.5)
    assert layer(picture([2, -3])).tolist() == [[[[1, -1.5]]]]
    assert not list(layer.parameters())


def test_coordinates_stand_behind_the_channels() -> None:
    out = Coordinates()(picture([5, 6, 7], [8, 9, 10], [0, 0, 0]))[0]
    assert out.shape == (3, 3, 3)
    assert out[0, 0].tolist() == [5, 6, 7]
    assert out[1].tolist() == [[-1, 0, 1]] * 3
    assert out[2].tolist() == [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]


def test_global_pools() -> None:
    assert GlobalMean()(FIVE).item() == pytest.approx(FIVE.sum().item() / 25)
    assert GlobalMax()(FIVE).tolist() == [[[[9]]]]


def test_learned_mean_is_a_sum_for_each_channel_alone() -> None:
    layer = LearnedMean(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[[1.0, 0], [0, 2]]], [[[0.0, -1], [0, 0]]]]))
    a = torch.tensor([[[[1.0, 2], [3, 4]], [[5, 6], [7, 8]]]])
    assert layer(a).tolist() == [[[[9]], [[-6]]]]
    assert layer.bias is None


def test_sort_forgets_places_and_nothing_else() -> None:
    a = torch.tensor([[[[3.0, 1], [2, 0]], [[0, 0], [5, -1]]]])
    assert Sort()(a).tolist() == [[[0, 1, 2, 3], [-1, 0, 0, 5]]]
    shuffled = a.flatten(2)[:, :, [2, 0, 3, 1]].view_as(a)
    assert torch.equal(Sort()(a), Sort()(shuffled))
    assert not torch.equal(Sort()(a), Sort()(a + 1))


def test_expected_place() -> None:
    layer = SpatialSoftmax()
    a = torch.zeros(1, 3, 3, 3)
    a[0, 1, 0, 2] = 100  # all of the mass at the top right
    a[0, 2, 1, 0] = math.log(8)  # as much mass as the other eight cells together
    out = layer(a)[0]
    assert out[0].tolist() == pytest.approx([0, 0], abs=1e-7)
    assert out[1].tolist() == pytest.approx([1, -1])
    # 8 of 16 at x = −1 and y = 0; the rest: two more at −1, three at 0, three at 1
    assert out[2].tolist() == pytest.approx([(-8 - 2 + 3) / 16, (-3 + 3) / 16])


def test_heat_flattens_the_softmax() -> None:
    layer = SpatialSoftmax()
    with torch.no_grad():
        layer.log_temperature.fill_(math.log(2))
    out = layer(picture([0, 2 * math.log(3)], [0, 0]))  # 3 of 6 at the top right
    assert out[0, 0].tolist() == pytest.approx([(-2 + 4) / 6, (-4 + 2) / 6])


def test_squash() -> None:
    assert squash(torch.tensor([3.0, 4])).tolist() == pytest.approx([15 / 26, 20 / 26])
    nothing = torch.zeros(4, requires_grad=True)
    squash(nothing).sum().backward()
    assert nothing.grad is not None
    assert torch.isfinite(nothing.grad).all()


def test_capsules_take_channels_of_one_cell() -> None:
    layer = Capsules(channels=4, side=2, count=1, size=2, primary=2, routings=1)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[1, :, 0] = torch.eye(2)  # of channels 0 and 1, the second cell
        layer.weight[6, :, 0] = 2 * torch.eye(2)  # of channels 2 and 3, the third cell
    a = torch.zeros(1, 4, 2, 2)
    a[0, :2, 0, 1] = torch.tensor([3.0, 4])
    a[0, 2:, 1, 0] = torch.tensor([1.0, 0])
    s = torch.tensor([15 / 26 + 2 * 0.5, 20 / 26])  # one output: all of each vote goes to it
    torch.testing.assert_close(layer(a)[0, 0], squash(s))


def test_routing_follows_agreement() -> None:
    """Two capsules agree on output 0; the vote of the first for output 1 counts ever less."""
    layers = [Capsules(2, 1, count=2, size=1, primary=1, routings=r) for r in (1, 2, 3)]
    weight = torch.tensor([[[[4.0], [4.0]]], [[[4.0], [-3.0]]]])  # input, 1, output, 1
    a = torch.ones(1, 2, 1, 1)  # squashed to .5: votes (2, 2) and (2, −1.5)
    for layer in layers:
        with torch.no_grad():
            layer.weight.copy_(weight)
    first, second, third = (layer(a)[0, :, 0] for layer in layers)

    def length(s: float) -> float:
        return s * abs(s) / (1 + s * s)

    assert first.tolist() == pytest.approx([length(2), length(0.25)])
    b = np.array([[2, 2], [2, -1.5]]) * [length(2), length(0.25)]
    c = np.exp(b) / np.exp(b).sum(axis=1, keepdims=True)
    expected = [length(2 * c[0, 0] + 2 * c[1, 0]), length(2 * c[0, 1] - 1.5 * c[1, 1])]
    assert second.tolist() == pytest.approx(expected, rel=1e-5)
    assert third[0] > second[0] > first[0]
