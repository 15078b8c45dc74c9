"""The queue of what is asked of the game itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from studies.networks.potential import left, protocol


def test_seeds_in_rounds_and_what_has_its_row_is_not_done_again(tmp_path: Path) -> None:
    runs = left("pong", [3, 1], tmp_path / "runs", tmp_path / "results")
    assert [(r.seed, r.what, r.arm) for r in runs[:6]] == [
        (3, "place_share", "held"),
        (3, "place_share", "along"),
        (3, "ram_oracle", "held"),
        (3, "ram_oracle", "along"),
        (3, "place_share_random", "held"),
        (3, "place_share_random", "along"),
    ]
    assert [r.seed for r in runs] == [3] * 6 + [1] * 6
    assert len({r.published for r in runs}) == 12
    runs[1].published.parent.mkdir(parents=True)
    runs[1].published.write_text("[]")
    again = left("pong", [3, 1], tmp_path / "runs", tmp_path / "results")
    assert again == [runs[0], *runs[2:]]


def test_seeds_and_arms_are_compared_games_and_measures_are_not(tmp_path: Path) -> None:
    share, _, oracle, _, by_chance, _ = left("pong", [0], tmp_path, tmp_path)
    assert protocol(replace(share, seed=9, arm="along")) == protocol(share)
    assert protocol(replace(share, game="breakout")) != protocol(share) != protocol(oracle)
    assert protocol(by_chance) != protocol(share), "who plays on matters"


def test_where_nobody_opposes_there_is_one_arm(tmp_path: Path) -> None:
    """Two would be two measurements of one thing: under one key, which `collect` refuses."""
    runs = left("breakout", [0, 1], tmp_path, tmp_path)
    assert [(r.seed, r.what, r.arm) for r in runs] == [
        (0, "place_share", "held"), (0, "ram_oracle", "held"), (0, "place_share_random", "held"),
        (1, "place_share", "held"), (1, "ram_oracle", "held"), (1, "place_share_random", "held"),
    ]  # fmt: skip
    assert runs[1].published == tmp_path / "potential/breakout/ram_oracle/measurements-seed0.json"
    assert runs[1].title == "breakout/ram_oracle/seed0"
    pong = left("pong", [0], tmp_path, tmp_path)
    assert [r.title for r in pong][2:4] == [
        "pong/ram_oracle-held/seed0",
        "pong/ram_oracle-moved/seed0",
    ]
