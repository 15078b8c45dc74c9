"""What each change to the update gave: one update of one row, a rung at a time, on one thread.

Every rung keeps the changes of the ones above it. Rungs are measured in turn, in blocks, so that
each finds its own caches warm and all of them meet the same machine. Beside the rungs stand what
was tried and dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from gymnasium import spaces
from rich.console import Console
from rich.table import Table
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn
from torch.nn import functional

import commandline
from agents import extractors
from agents.dqn import scaled
from agents.precision import Bfloat16Copy

BATCH = 32
SPACE = spaces.Box(0, 255, (4, 84, 84), np.uint8)
Pictures = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Arguments:
    """What can be asked for on the command line.

    Attributes:
        row: Row of the zoo.
        blocks: Times each rung has its turn.
        updates: Updates a turn.
    """

    row: str = "nature"
    blocks: int = 6
    updates: int = 12


def policy(row: str, *, channels_last: bool = True, fused: bool = True) -> DQNPolicy:
    """Return SB3's policy with a row as its extractor, the same weights every time."""
    torch.manual_seed(0)
    kwargs = {**extractors.policy_kwargs(row), "optimizer_kwargs": {"fused": fused}}
    made = DQNPolicy(SPACE, spaces.Discrete(6), lambda _: 1e-4, **kwargs)
    if channels_last:
        nn.Module.to(made, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return made


def sb3_values(net: QNetwork, pictures: Tensor) -> Tensor:
    """Return Q as SB3 computes it: pictures to float32, divided, channels first."""
    values: Tensor = net(pictures)
    return values.float()


def our_values(net: QNetwork, pictures: Tensor) -> Tensor:
    """Return Q from pictures scaled straight into the weights' type and layout."""
    features = net.features_extractor(scaled(pictures, next(net.parameters()).dtype))
    values: Tensor = net.q_net(features)
    return values.float()


def learn(
    made: DQNPolicy,
    online: QNetwork,
    target: QNetwork,
    values: Callable[[QNetwork, Tensor], Tensor],
    pictures: Pictures,
    copy: Bfloat16Copy | None = None,
) -> None:
    """Make one update, as `BallparkDQN._update` does."""
    with torch.no_grad():
        goal = 0.99 * values(target, pictures[1]).amax(1)
    loss = functional.smooth_l1_loss(values(online, pictures[0])[:, 0], goal)
    if copy is None:
        made.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if copy is not None:
        copy.hand_over_gradients()
    nn.utils.clip_grad_norm_(made.q_net.parameters(), 10)
    made.optimizer.step()
    if copy is not None:
        copy.refresh()


def interleaved(pictures: Tensor) -> Tensor:
    """Return the pictures with their four frames interleaved, by OpenCV, as the replay does."""
    out = np.empty((len(pictures), 84, 84, 4), np.uint8)
    for one, stack in zip(out, pictures.numpy(), strict=True):
        cv2.merge(list(stack), one)
    return torch.from_numpy(out).permute(0, 3, 1, 2)


def rungs(row: str) -> dict[str, Callable[[], None]]:
    """Return the updates by name, each with the changes of those before it."""
    random = torch.Generator().manual_seed(0)
    raw = tuple(
        torch.randint(0, 256, (BATCH, 4, 84, 84), dtype=torch.uint8, generator=random)
        for _ in range(2)
    )
    pictures = (raw[0], raw[1])
    stock = policy(row, channels_last=False, fused=False)
    layout, fused, ready, auto, low = (
        policy(row, fused=False), policy(row), policy(row), policy(row), policy(row)
    )  # fmt: skip
    copies = Bfloat16Copy(low.q_net), Bfloat16Copy(low.q_net_target)

    def prepared() -> Pictures:
        return interleaved(raw[0]), interleaved(raw[1])

    def with_autocast(run: Callable[[], None]) -> None:
        with torch.autocast("cpu", torch.bfloat16):
            run()

    def plain(made: DQNPolicy) -> None:
        learn(made, made.q_net, made.q_net_target, sb3_values, pictures)

    def mixed() -> None:
        learn(auto, auto.q_net, auto.q_net_target, our_values, prepared())

    def copied() -> None:
        learn(low, copies[0].net, copies[1].net, our_values, prepared(), copies[0])

    return {
        "stock SB3": lambda: plain(stock),
        "+ channels-last weights": lambda: plain(layout),
        "+ fused Adam": lambda: plain(fused),
        "+ frames interleaved, scaled in place": lambda: learn(
            ready, ready.q_net, ready.q_net_target, our_values, prepared()
        ),
        "+ bfloat16 by autocast": lambda: with_autocast(mixed),
        "+ bfloat16 copies of the weights": lambda: with_autocast(copied),
    }


def dropped() -> dict[str, Callable[[], None]]:
    """Return nature's first convolution, forward and backward, as it is and over 4 × 4 blocks.

    Over blocks of pixels the same sums are a dense 2 × 2 convolution of 64 channels.
    """
    found: dict[str, Callable[[], None]] = {}
    for dtype in (torch.float32, torch.bfloat16):
        for name, layer, shape in (
            ("8×8 / 4", nn.Conv2d(4, 32, 8, 4), (BATCH, 4, 84, 84)),
            ("2×2 over blocks", nn.Conv2d(64, 32, 2, 1), (BATCH, 64, 21, 21)),
        ):
            nn.Module.to(layer, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
            given = torch.rand(shape).to(dtype=dtype, memory_format=torch.channels_last)

            def run(layer: nn.Conv2d = layer, given: Tensor = given) -> None:
                layer(given).sum().backward()

            found[f"conv1 {name}, {str(dtype).removeprefix('torch.')}"] = run
    return found


def timed(
    tasks: dict[str, Callable[[], None]], blocks: int, updates: int
) -> dict[str, tuple[float, float]]:
    """Return the median and the least milliseconds of each task."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(blocks):
        for name, task in tasks.items():
            task()
            for _ in range(updates):
                began = time.perf_counter()
                task()
                taken[name].append((time.perf_counter() - began) * 1e3)
    return {name: (float(np.median(t)), min(t)) for name, t in taken.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    arguments = commandline.parse(Arguments, argv, "benchmarks.ladder", __doc__ or "")
    extractors.check(arguments.row)
    torch.set_num_threads(1)
    for title, tasks in (
        (f"one update of {arguments.row}, batch {BATCH}, one thread", rungs(arguments.row)),
        ("tried and dropped", dropped()),
    ):
        found = timed(tasks, arguments.blocks, arguments.updates)
        first = next(iter(found.values()))[0]
        table = Table(title=title)
        for name in ("", "ms, median", "ms, least", "of the first"):
            table.add_column(name, justify="right" if name else "left")
        for name, (median, least) in found.items():
            table.add_row(name, f"{median:.2f}", f"{least:.2f}", f"{median / first:.2f}")
        Console(highlight=False).print(table)
    return 0


if __name__ == "__main__":
    commandline.run(main)
