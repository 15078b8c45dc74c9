"""A checkpoint brings everything back; a damaged one gives way to the one before it."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

import envs
from agents.dqn import BallparkDQN
from agents.extractors import policy_kwargs
from agents.resume import CheckpointStore, Resumed
from agents.settings import Settings
from commandline import BadInput
from envs.games import CATCH

SMALL = Settings(
    steps=2_000, num_envs=2, replay_size=100, learning_starts=20, update_every=2, batch_size=8,
    target_update_every=30, exploration_steps=500, final_epsilon=0.5,
)  # fmt: skip
ROW = "gap@0.5"  # small, so that these tests are quick
SEEDS = [[1, 2], [3, 4], [5, 6]]


def agent(row: str = ROW, seed: int = 0, **changed: Any) -> BallparkDQN:
    settings = dataclasses.replace(SMALL, **changed)
    return BallparkDQN(envs.make(CATCH, 2, seed=0), settings, policy_kwargs(row), seed)


class Trained:
    """An agent that crosses boundaries and remembers its actions, as the conductor does."""

    def __init__(self, model: BallparkDQN) -> None:
        self.model, self.actions = model, list[np.ndarray]()

    def boundary(self, number: int) -> None:
        self.model.restart_environments(SEEDS[number])
        self.actions = []

    def learn(self, steps: int) -> None:
        self.model._total_timesteps = SMALL.steps

        def remember(local: dict[str, Any], _: dict[str, Any]) -> bool:
            self.actions.append(np.asarray(local["actions"], np.uint8))
            return True

        self.model.learn(steps, remember, log_interval=10**9, reset_num_timesteps=False)

    def save(self, store: CheckpointStore) -> None:
        played = np.array(self.actions, np.uint8).reshape(len(self.actions), 2)
        store.save(self.model, played, {"hello": 1})


def weights(model: BallparkDQN) -> bytes:
    return b"".join(t.numpy().tobytes() for t in model.policy.state_dict().values())


def memories(model: BallparkDQN) -> list[np.ndarray]:
    """Return every transition in an agent's replay."""
    replay = model.replay_buffer
    slots = (replay.pos - 1 - np.arange(replay.size())) % replay.length
    found = replay.gather(np.repeat(slots, 2), np.tile([0, 1], len(slots)))
    return [t.numpy() for t in found if t is not None]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two checkpoints, at agent steps 60 and 120, each at a boundary."""
    folder = tmp_path_factory.mktemp("run") / "checkpoint"
    trained, store = Trained(agent()), CheckpointStore(folder)
    for number in (0, 1):
        trained.boundary(number)
        trained.learn(60)
        trained.boundary(number + 1)
        trained.save(store)
    return folder


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    shutil.copytree(saved, tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


@pytest.mark.parametrize("at_a_boundary", [True, False])
@pytest.mark.parametrize(
    "kind", [{}, {"precision": "bfloat16"}, {"replay_compression": "zlib"}], ids=str
)
def test_what_goes_on_equals_what_never_stopped(
    kind: dict[str, Any], at_a_boundary: bool, tmp_path: Path
) -> None:
    alone = Trained(agent(**kind))
    alone.boundary(0)
    alone.learn(140)  # the ring of 50 slots is overwritten
    if at_a_boundary:
        alone.boundary(1)
    alone.save(CheckpointStore(tmp_path / "checkpoint"))

    other = Trained(agent(seed=9, **kind))
    torch.manual_seed(123)
    resumed = CheckpointStore(tmp_path / "checkpoint").load(other.model)
    assert (resumed.step, resumed.run, resumed.notes) == (140, {"hello": 1}, ())
    assert len(resumed.actions) == (0 if at_a_boundary else 70)
    other.model.return_to(SEEDS[int(at_a_boundary)], resumed.actions)
    assert weights(other.model) == weights(alone.model)
    assert other.model.exploration_rate == alone.model.exploration_rate
    for ours, theirs in zip(*(memories(t.model) for t in (alone, other)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for trained in (alone, other):
        trained.learn(80)
    assert weights(other.model) == weights(alone.model)
    assert other.model.read_losses() == alone.model.read_losses()
    for name in ("num_timesteps", "_n_calls", "_n_updates", "_episode_num", "exploration_rate"):
        assert getattr(other.model, name) == getattr(alone.model, name), name
    lengths = [[e["l"] for e in t.model.ep_info_buffer or ()] for t in (alone, other)]
    assert lengths[0] == lengths[1]
    assert lengths[0]
    generators = [
        {n: r.bit_generator.state for n, r in t.model.rngs.items()} for t in (alone, other)
    ]
    assert generators[0] == generators[1]
    moments = [t.model.policy.optimizer.state_dict()["state"] for t in (alone, other)]
    for i, slots in moments[0].items():
        assert all(tensor.equal(moments[1][i][name]) for name, tensor in slots.items())


def test_a_checkpoint_costs_only_what_is_new_and_old_shards_go(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    trained, store = Trained(agent()), CheckpointStore(folder)
    seen: dict[str, bytes] = {}
    for _ in range(6):
        trained.boundary(0)
        trained.learn(30)  # 15 slots
        trained.boundary(0)
        trained.save(store)
        there = {p.name: p.read_bytes() for p in (folder / "replay").iterdir()}
        assert all(there[name] == seen[name] for name in there.keys() & seen.keys()), "immutable"
        seen |= there
    assert len(seen) == 6, "one shard a checkpoint"
    # The ring has 54 slots; the oldest checkpoint kept, at slot 75, still needs slots 22 to 75.
    assert sorted(there) == [f"{a:010d}-{a + 15:010d}.npz" for a in (15, 30, 45, 60, 75)]
    assert sorted(p.name for p in folder.iterdir()) == ["000000000150", "000000000180", "replay"]


def test_no_file_is_a_pickle(saved: Path) -> None:
    assert {p.suffix for p in saved.rglob("*") if p.is_file()} == {".safetensors", ".json", ".npz"}
    for path in saved.rglob("*.npz"):
        for array in np.load(path, allow_pickle=False).values():
            assert array.dtype != object


def refusal(folder: Path) -> str:
    with pytest.raises(BadInput) as caught:
        CheckpointStore(folder).load(agent())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_another_version_is_refused(copy: Path) -> None:
    for path in copy.glob("*/manifest.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    assert "expected format 2, got 99" in refusal(copy)


def test_the_first_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"format": 1}')
    assert "expected a checkpoint of format 2, got 1" in refusal(tmp_path)


def test_a_checkpoint_of_another_network_is_refused(copy: Path) -> None:
    with pytest.raises(BadInput, match="expected"):
        CheckpointStore(copy).load(agent("nature"))


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "longer": lambda content: content + b"x",
    "one bit": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
}


@pytest.mark.parametrize("name", ["policy.safetensors", "training.safetensors", "state.json",
                                  "manifest.json", "replay"])  # fmt: skip
@pytest.mark.parametrize("how", DAMAGE)
def test_damage_goes_back_to_the_one_before(name: str, how: str, copy: Path) -> None:
    newest = copy / "replay" / "0000000030-0000000060.npz"
    path = newest if name == "replay" else copy / "000000000120" / name
    path.write_bytes(DAMAGE[how](path.read_bytes()))
    model = agent()
    resumed = CheckpointStore(copy).load(model)
    assert (resumed.step, model.num_timesteps) == (60, 60)
    (note,) = resumed.notes
    assert note.startswith("checkpoint at agent step 120: ")
    assert note.endswith("; went back to 60")
    assert str(copy) not in note


def test_a_missing_file_goes_back_too_and_both_damaged_is_refused(copy: Path) -> None:
    (copy / "000000000120" / "state.json").unlink()
    assert CheckpointStore(copy).load(agent()).step == 60
    (copy / "replay" / "0000000000-0000000030.npz").unlink()
    told = refusal(copy)
    assert "expected a checkpoint that can be read" in told
    assert "agent step 120" in told
    assert "agent step 60" in told


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_no_single_bit_goes_unnoticed(data: st.DataObject, saved: Path) -> None:
    files = sorted(p for p in saved.rglob("*") if p.is_file() and "000000000060" not in p.parts)
    path = data.draw(st.sampled_from(files))
    content = path.read_bytes()
    at, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 7))
    try:
        flipped = bytes([content[at] ^ 1 << bit])
        path.write_bytes(content[:at] + flipped + content[at + 1 :])
        try:
            resumed = CheckpointStore(saved).load(agent())
        except BadInput:  # the bit lay in a shard that both checkpoints need
            assert path.parent.name == "replay"
        else:
            # In JSON another space is no other content; everywhere else it is damage.
            assert resumed.step == 60 or (
                path.name == "manifest.json"
                and json.loads(path.read_bytes()) == json.loads(content)
            )
    finally:
        path.write_bytes(content)


def test_it_goes_on_after_going_back(copy: Path) -> None:
    """What replaces the damaged checkpoint is again the newest, and whole."""
    (copy / "000000000120" / "policy.safetensors").write_bytes(b"")
    store, trained = CheckpointStore(copy), Trained(agent())
    store.load(trained.model)
    trained.model.return_to(SEEDS[1], np.empty((0, 2), np.uint8))
    trained.learn(60)
    trained.boundary(2)
    trained.save(store)
    resumed = CheckpointStore(copy).load(agent())
    assert (resumed.step, resumed.notes) == (120, ())


def forge(folder: Path, name: str, content: bytes) -> None:
    """Replace a file of the newest checkpoint, with a manifest that vouches for it."""
    shutil.rmtree(folder / "000000000060")
    path = folder / ("replay" if name.endswith(".npz") else "000000000120") / name
    path.write_bytes(content)
    manifest = json.loads((folder / "000000000120" / "manifest.json").read_text())
    kind = "shards" if name.endswith(".npz") else "files"
    digest = hashlib.sha256(content).hexdigest()
    manifest[kind][name] = {"size": len(content), "sha256": digest}
    (folder / "000000000120" / "manifest.json").write_text(json.dumps(manifest))


def absurd(name: str, shape: list[int]) -> bytes:
    """Return a safetensors file whose header promises more than there is."""
    count = int(np.prod(shape, dtype=object))
    facts = {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, count * 4]}}
    header = json.dumps(facts).encode()
    return len(header).to_bytes(8, "little") + header


POLICY, TRAINING, STATE = "policy.safetensors", "training.safetensors", "state.json"
SHARD = "0000000030-0000000060.npz"
PICKLE = b"\x80\x04\x95cposix\nsystem\n."
MALICIOUS: dict[str, tuple[str, Callable[[Path], bytes], str]] = {
    "size": (POLICY, lambda _: absurd("q_net.x", [10**12, 10**6]), "expected weights"),
    "header of 2^60 bytes": (TRAINING, lambda _: (2**60).to_bytes(8, "little"), "expected weights"),
    "pickle": (POLICY, lambda _: PICKLE, "expected weights"),
    "pickle for a shard": (SHARD, lambda _: PICKLE, "replay shard"),
    "list": (STATE, lambda _: b"[]", "expected a JSON object"),
    "no generators": (STATE, lambda p: state(p, generators={}), "expected the generators"),
    "generators": (
        STATE,
        lambda p: state(p, generators={"exploration": {"bit_generator": "MT19937"}, "replay": 3}),
        "expected a generator's state",
    ),
    "below 0": (STATE, lambda p: state(p, n_updates=-1), "n_updates: expected int"),
    "text": (STATE, lambda p: state(p, n_calls="9"), "n_calls: expected int"),
    "no number": (STATE, lambda p: state(p, exploration_rate=float("nan")), "exploration_rate"),
    "another step": (STATE, lambda p: state(p, num_timesteps=7), "expected counters"),
    "more": (STATE, lambda p: state(p, code="import os"), "see 'code'"),
}


def state(folder: Path, **changed: Any) -> bytes:
    there = json.loads((folder / "000000000120" / "state.json").read_text())
    return json.dumps({**there, **changed}).encode()


@pytest.mark.parametrize("what", MALICIOUS)
def test_malice_is_refused_in_one_line(what: str, copy: Path) -> None:
    name, content, told = MALICIOUS[what]
    forge(copy, name, content(copy))
    assert told in refusal(copy)


def test_wrong_shapes_are_refused(copy: Path, tmp_path: Path) -> None:
    tensors = {n: torch.zeros(3, 3) for n in agent().policy.state_dict()}
    save_file(tensors, tmp_path / "w")
    forge(copy, "policy.safetensors", (tmp_path / "w").read_bytes())
    assert "expected the weights of another network" in refusal(copy)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "policy.safetensors/../x"])
@pytest.mark.parametrize("kind", ["files", "shards"])
def test_a_name_that_leads_out_is_refused(name: str, kind: str, copy: Path) -> None:
    shutil.rmtree(copy / "000000000060")
    path = copy / "000000000120" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest[kind][name] = {"size": 1, "sha256": "0" * 64}
    path.write_text(json.dumps(manifest))
    assert "expected" in refusal(copy)


def test_a_size_that_nothing_of_ours_has_is_refused_before_it_is_read(copy: Path) -> None:
    shutil.rmtree(copy / "000000000060")
    path = copy / "000000000120" / "policy.safetensors"
    with path.open("ab") as file:
        file.truncate(10**12)  # a hole: takes no space, and minutes to read
    manifest = json.loads((path.parent / "manifest.json").read_text())
    manifest["files"][path.name]["size"] = 10**12
    (path.parent / "manifest.json").write_text(json.dumps(manifest))
    assert "expected at most" in refusal(copy)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], None], Callable[[], None]]]:
    """A folder, a way to leave almost no space in it, and one to make space again."""
    mount = tmp_path / "small"
    mount.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(mount)]
    if os.geteuid() == 0 and subprocess.run(words, capture_output=True).returncode == 0:

        def fill() -> None:
            left = shutil.disk_usage(mount).free - 200_000  # the weights do not fit any more
            (mount / "rest").write_bytes(bytes(left))

        yield mount, fill, (mount / "rest").unlink
        subprocess.run(["umount", str(mount)], check=True)
    else:  # not root: no file may grow beyond a limit
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        yield (
            mount,
            lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, unlimited[1])),
            lambda: resource.setrlimit(resource.RLIMIT_FSIZE, unlimited),
        )
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)


def test_a_full_disk_leaves_the_last_checkpoint_alone(
    full_disk: tuple[Path, Callable[[], None], Callable[[], None]],
) -> None:
    folder, fill, make_space = full_disk[0] / "checkpoint", *full_disk[1:]
    trained, store = Trained(agent()), CheckpointStore(folder)
    trained.boundary(0)
    trained.learn(60)
    trained.boundary(1)
    trained.save(store)
    before = {p.name for p in folder.rglob("*")}
    trained.learn(60)
    fill()
    with pytest.raises(OSError, match=r"space|large") as caught:
        trained.save(store)
    assert caught.value.errno in (errno.ENOSPC, errno.EFBIG)
    assert {p.name for p in folder.rglob("*") if p.suffix != ".npz"} == {
        name for name in before if not name.endswith(".npz")
    }, "nothing half-written is left"
    make_space()
    resumed: Resumed = CheckpointStore(folder).load(agent())
    assert (resumed.step, resumed.notes) == (60, ())
    trained.save(store)
    assert CheckpointStore(folder).load(agent()).step == 120
