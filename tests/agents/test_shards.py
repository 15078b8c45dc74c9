"""The replay on disk: what was added comes back, whatever the ring has overwritten."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import shards
from agents.replay import FrameReplayBuffer
from agents.shards import Span
from commandline import BadInput

SPACE = spaces.Box(0, 255, (4, 5, 5), np.uint8)


def buffer(capacity: int, n_envs: int) -> FrameReplayBuffer:
    return FrameReplayBuffer(
        capacity * n_envs, SPACE, spaces.Discrete(6), "cpu", n_envs,
        n_steps=3, gamma=0.9, rng=np.random.default_rng(0),
    )  # fmt: skip


class Player:
    """Plays into a buffer: random frames, episodes that end in every way at random moments."""

    def __init__(self, capacity: int, n_envs: int, seed: int) -> None:
        self.rng, self.into = np.random.default_rng(seed), buffer(capacity, n_envs)
        self.n_envs = n_envs
        self.obs = self.fresh()

    def fresh(self) -> np.ndarray:
        obs = np.zeros((self.n_envs, 4, 5, 5), np.uint8)
        obs[:, -1] = self.rng.integers(1, 256, (self.n_envs, 5, 5))
        return obs

    def play(self, steps: int) -> None:
        for _ in range(steps):
            seen = np.roll(self.obs, -1, axis=1)
            seen[:, -1] = self.rng.integers(1, 256, (self.n_envs, 5, 5))
            kinds = self.rng.choice(["on", "over", "life", "time"], self.n_envs)
            infos = [{"TimeLimit.truncated": kind == "time"} for kind in kinds]
            onward, fresh = seen.copy(), self.fresh()
            for e in np.flatnonzero((kinds == "over") | (kinds == "time")):
                onward[e] = fresh[e]
            actions = self.rng.integers(6, size=self.n_envs)
            rewards = self.rng.normal(size=self.n_envs).astype(np.float32)
            self.into.add(self.obs, seen, actions, rewards, kinds != "on", infos)
            self.obs = onward

    def boundary(self) -> None:
        self.into.cut()
        self.obs = self.fresh()


def everything(replay: FrameReplayBuffer) -> list[Any]:
    """Return every transition that can be sampled, newest first."""
    slots = (replay.pos - 1 - np.arange(replay.size())) % replay.length
    n = len(slots)
    found = replay.gather(np.repeat(slots, replay.n_envs), np.tile(range(replay.n_envs), n))
    return [t.numpy() for t in found]


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_envs=st.integers(1, 3),
    capacity=st.integers(2, 12),
    stretches=st.lists(st.integers(1, 20), min_size=1, max_size=5),
)
def test_every_transition_comes_back_from_shards(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    n_envs: int,
    capacity: int,
    stretches: list[int],
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    player, spans = Player(capacity, n_envs, seed), []
    for steps in stretches:
        player.play(steps)
        player.boundary()
        added = player.into.steps_added
        start = max(shards.live(player.into, added).start, spans[-1].stop if spans else 0)
        spans.append(Span(start, added))
        shards.write(player.into, spans[-1], folder / spans[-1].name)
    again = buffer(capacity, n_envs)
    alive = shards.live(again, player.into.steps_added)
    for span in spans:
        if span.stop > alive.start:  # the others can be dropped
            shards.read(again, span, alive, folder / span.name)
    again.steps_added = player.into.steps_added
    again.pos = player.into.pos
    for ours, theirs in zip(everything(player.into), everything(again), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert again.final_frames.keys() <= player.into.final_frames.keys()


@pytest.fixture
def shard(tmp_path: Path) -> tuple[FrameReplayBuffer, Span, Path]:
    player = Player(20, 2, 0)
    player.play(10)
    player.boundary()
    span = Span(0, 10)
    shards.write(player.into, span, tmp_path / span.name)
    return player.into, span, tmp_path / span.name


def test_it_is_an_npz_that_numpy_reads_without_pickle_and_the_same_bytes_each_time(
    shard: tuple[FrameReplayBuffer, Span, Path],
) -> None:
    replay, span, path = shard
    with np.load(path, allow_pickle=False) as found:
        np.testing.assert_array_equal(found["frames"], replay.frames[:10])
        np.testing.assert_array_equal(found["rewards"], replay.rewards[:10])
    before = path.read_bytes()
    shards.write(replay, span, path)
    assert path.read_bytes() == before


class Trap:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)  # which returns nothing


def forge(path: Path, **changed: np.ndarray | bytes) -> None:
    """Write the archive again with some members changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    path.unlink()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            new = changed.get(name.removesuffix(".npy"))
            if isinstance(new, np.ndarray):
                with archive.open(name, "w") as member:
                    np.lib.format.write_array(member, new, allow_pickle=True)
            else:
                archive.writestr(name, new if isinstance(new, bytes) else content)


def header(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    import io

    into = io.BytesIO()
    facts = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(into, facts)
    return into.getvalue()


def test_a_pickle_inside_is_not_loaded(
    shard: tuple[FrameReplayBuffer, Span, Path], tmp_path: Path
) -> None:
    replay, span, path = shard
    mark = tmp_path / "ran"
    trap = np.array([Trap(mark)], object)
    forge(path, actions=trap)
    with pytest.raises(BadInput, match=r"expected a replay shard.*actions of type object"):
        shards.read(replay, span, span, path)
    assert not mark.exists()
    with np.load(path, allow_pickle=True) as found:
        assert found["actions"].shape == (1,)
    assert mark.exists(), "the trap goes off where pickles are loaded"


FORGED = {
    "absurd size": {"frames": header((10**9, 2, 5, 5))},
    "absurd dimensions": {"frames": header((10**18, 10**18, 5, 5))},
    "another shape": {"rewards": np.zeros((9, 2), np.float32)},
    "another type": {"rewards": np.zeros((10, 2), np.float64)},
    "too short": {"actions": header((10, 2)) + b"123"},
    "too long": {"actions": header((10, 2)) + bytes(21)},
    "an action that is none": {"actions": np.full((10, 2), 6, np.uint8)},
    "an age that is none": {"ages": np.full((10, 2), 4, np.uint8)},
    "a bool that is none": {"dones": header((10, 2), "|b1") + b"\x02" * 20},
    "no number": {"rewards": np.full((10, 2), np.nan, np.float32)},
    "last pictures of other slots": {"final_keys": np.array([20], np.int64)},
    "last pictures twice": {"final_keys": np.array([3, 3], np.int64)},
    "more last pictures than slots": {"final_keys": header((10**15,), "<i8")},
    "no header": {"ages": b"nonsense"},
    "a header that is code": {"ages": b"\x93NUMPY\x01\x00\x14\x00__import__('os')....\n"},
}


@pytest.mark.parametrize("what", FORGED)
def test_what_was_forged_is_refused(what: str, shard: tuple[FrameReplayBuffer, Span, Path]) -> None:
    replay, span, path = shard
    forge(path, **FORGED[what])
    with pytest.raises(BadInput, match="expected a replay shard") as caught:
        shards.read(replay, span, span, path)
    assert "\n" not in str(caught.value)


def test_more_members_than_arrays_are_refused(shard: tuple[FrameReplayBuffer, Span, Path]) -> None:
    replay, span, path = shard
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../outside", "x")
    with pytest.raises(BadInput, match="expected the arrays"):
        shards.read(replay, span, span, path)


@pytest.mark.parametrize(
    "name",
    ["../0000000000-0000000010.npz", "/etc/passwd", "0000000000-0000000010.npz\n", "x.npz", "",
     "0000000010-0000000010.npz", "٠000000000-0000000010.npz", "0000000000-0000000010.npz/../x"],
)  # fmt: skip
def test_a_name_that_is_no_shards_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="expected the name of a replay shard"):
        Span.of(name)
    assert Span.of("0000000000-0000000010.npz") == Span(0, 10)
