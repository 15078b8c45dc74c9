"""One finished agent filmed, with what its features know drawn in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from agents.checkpoints import read_json, write_json
from agents.settings import EvaluationProtocol
from analysis import battery
from analysis.networks import of_agent
from analysis.probing.decoding import place_decoder
from analysis.shared import Shared
from analysis.worth.filming import film
from envs.games import find
from reporting.annotated_video import Decoded, errors_px, frames
from reporting.video import ENOUGH_STEPS, FRAMES_PER_SECOND, write_webm
from studies.measuring.measure import FinishedRun, load_agent

VIDEO, CARD = "annotated.webm", "annotated.json"

LONGEST = 40 * FRAMES_PER_SECOND
"""Agent steps that are filmed at most."""

BITS_PER_SECOND = 1_500_000
"""Fine lines stay sharp; 40 s are 7 MB at most."""


def annotate(
    run: FinishedRun, shared: Shared, tell: Callable[[str], None], *, again: bool = False
) -> None:
    """Film an agent and write `evaluation/annotated.webm`, and beside it what it says as numbers.

    Args:
        run: The run.
        shared: Data of its game; the read-out is fitted on its held set.
        tell: Is told what is done.
        again: Also if this agent was filmed before.

    Raises:
        BadInput: If the agent's weights are damaged.
    """
    folder = run.directory / "evaluation"
    folder.mkdir(exist_ok=True)
    card = folder / CARD
    known: dict[str, Any] = read_json(card) if card.exists() else {}
    filmed = known.get("agent_sha256") == run.agent["sha256"] and (folder / VIDEO).exists()
    if filmed and not again:
        tell(f"{run.name}: filmed before")
        return
    tell(f"{run.name}: filming a game …")
    game = find(str(run.config["game"]))
    network = of_agent(load_agent(run), run.extractor)
    protocol = EvaluationProtocol(sticky=run.settings.sticky)
    rng = battery.generator(int(run.config["seed"]), "annotated")
    played = film(network, game, rng, protocol=protocol, steps=LONGEST, least=ENOUGH_STEPS)
    decoder = place_decoder(network, shared.held)
    decoded = Decoded.by(decoder, played.features)
    title = f"{game.title}   {run.name.split('/', 1)[1].replace('/', '  ')}"
    title += f"   {run.agent['steps']:,} agent steps"
    write_webm(frames(played, decoded, game, title), folder / VIDEO, BITS_PER_SECOND)
    inside, outside = errors_px(played, decoded, game)
    write_json(
        card,
        {
            "agent_sha256": run.agent["sha256"],
            "steps": len(played),
            "score": played.final_score,
            "r2": decoded.r2,
            "rmse_px": decoded.rmse_px,
            "rmse_inside_px": inside if np.isfinite(inside) else None,
            "rmse_outside_px": outside if np.isfinite(outside) else None,
        },
    )
