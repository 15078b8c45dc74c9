"""How agents play: scores of whole games, and learning curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from commandline import counted
from reporting.charts import learning, strips
from reporting.charts.panel import Drawn, absent
from reporting.commands import TRAIN, score
from reporting.gather import Gathered, plain
from reporting.runs import Run
from reporting.sections.reference import ranges
from reporting.sections.section import Section, Table, drawing, folded, joined, piece, table, text

Key = tuple[str, str, int, str, str]
"""Study, game, agent steps, training and protocol: what has to agree between scores."""

MOST_LISTED = 24
"""Agents in a table that stands open."""


def scores(gathered: Gathered) -> Section:
    """Return the section of scores: never two protocols, budgets or trainings in one table."""
    scored = [run for run in gathered.runs if run.scores is not None]
    if not scored:
        finished = any(run.finished for run in gathered.runs)
        command = score(gathered.agents) if finished else TRAIN
        lacks = drawing(absent("Scores of whole games", command))
        return Section("Scores", "scores", joined(lacks, *_over_seeds(gathered)))
    groups: dict[Key, list[Run]] = defaultdict(list)
    for run in scored:
        protocol = _protocol(run)["fingerprint"]
        groups[(run.study, run.game, run.steps, run.training, protocol)].append(run)
    bodies = [_told(scored)]
    for key, members in sorted(groups.items()):
        judged = [run for run in members if run in gathered.judged]
        if any(run.scores and run.scores["mean"] is not None for run in judged):
            bodies.append(drawing(Drawn((strips.scores(judged),))))
        listed = table(_table(key, members))
        many = len(members) > MOST_LISTED
        bodies.append(
            folded(f"{counted(len(members), 'agent')} one by one", listed) if many else listed
        )
    unscored = [run for run in gathered.runs if run.scores is None]
    if unscored:
        bodies.append(_unscored(unscored, score(gathered.agents)))
    bodies += _over_seeds(gathered)
    return Section("Scores", "scores", joined(*bodies))


def _over_seeds(gathered: Gathered) -> list[Markup]:
    """Return what stands beside the verdicts on normalised scores; each comparison once."""
    rows: dict[tuple[str, ...], tuple[object, ...]] = {}
    for record in gathered.verdicts:
        known = record["beside"]
        for pair in known.get("improvement", ()):
            of, over = pair["of"], pair["over"]
            made_at = (str(record["game"]), f"{record['budget']:,}")
            if (*made_at, over, of) in rows:  # the other way round
                continue
            rows[(*made_at, of, over)] = (
                *made_at,
                of,
                over,
                f"{pair['probability']:.2f}",
                *(f"{known['iqm'][row]:.2f}" for row in (of, over)),
                *(_seeds(known["seeds"][row]) for row in (of, over)),
            )
    if not rows:
        return []
    headings = ("game", "#agent steps", "A", "B", "#P(A > B)", "#IQM of A", "#IQM of B",
                "every seed of A", "every seed of B")  # fmt: skip
    note = (
        "Score: mean height of the learning curve, 0 random play, 1 the reference. IQM: mean of "
        "the middle half of the seeds. P(A > B): over all pairs of a seed of A and one of B, ties "
        "count half. They decide nothing; the means with their t intervals stand at the claims. "
        "No interval: with so few seeds a bootstrap of them would be too narrow."
    )
    caption = "Beside the verdicts on scores: over seeds"
    return [table(Table(headings, [*rows.values()], caption=caption, note=note, wide=True))]


def _seeds(by_seed: Mapping[str, float]) -> str:
    values = ", ".join(f"{value:.2f}" for value in by_seed.values())
    return f"{values} (seeds {ranges([int(seed) for seed in by_seed])})"


def _protocol(run: Run) -> Mapping[str, Any]:
    return run.scores or {}


def _told(scored: Sequence[Run]) -> Markup:
    """Say which settings differ where there are several protocols."""
    protocols: dict[str, Mapping[str, Any]] = {}
    for run in scored:
        protocols.setdefault(_protocol(run)["fingerprint"], _protocol(run)["protocol"])
    if len(protocols) == 1:
        return text("Raw scores of whole games, all lives, of each finished agent.")
    (first_name, first), *others = protocols.items()
    lines = []
    for name, protocol in others:
        keys = sorted(set(first) | set(protocol))
        odd = [k for k in keys if first.get(k) != protocol.get(k)]
        differ = "; ".join(f"{k}: {plain(first.get(k))} and {plain(protocol.get(k))}" for k in odd)
        lines.append(f"{first_name} and {name} differ in {differ}.")
    return text(
        f"Scores were made in {len(protocols)} ways, and those of different ways never stand in "
        "one table: " + " ".join(lines)
    )


def _table(key: Key, members: Sequence[Run]) -> Table:
    study, game, steps, training, protocol = key
    rows = []
    for run in sorted(members, key=lambda r: (r.row, r.seed, r.study)):
        said = _protocol(run)
        ends = said.get("iqm_interval")
        rows.append(
            (
                run.name,
                *(_number(said.get(k)) for k in ("mean", "median", "iqm")),
                f"[{ends[0]:.2f}, {ends[1]:.2f}]" if ends else "–",
                said["games"],
                said["hung"],
                run.commit,
            )
        )
    epsilon = plain(_protocol(members[0])["protocol"].get("epsilon"))
    return Table(
        ("run", "#mean", "#median", "#IQM", "#IQM, 95 %", "#games", "#hung", "commit"),
        rows,
        caption=f"{game.capitalize()}, study {study}, {steps:,} agent steps, epsilon {epsilon}; "
        f"protocol {protocol}, training {training}",
        note="95 % bootstrap intervals over the games of one agent, not over seeds.",
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _unscored(runs: Sequence[Run], command: str) -> Markup:
    """List the runs without a score, and say what plays them."""
    rows = [
        (f"{r.study}: {r.name}", "finished" if r.finished else "not finished", f"{r.steps:,}")
        for r in runs
    ]
    listed = table(Table(("run", "state", "#agent steps"), rows))
    plays = text("This plays the finished ones:")
    body = joined(listed, plays, piece("commands", (command,)))
    return folded(f"{counted(len(runs), 'run')} without a score", body)


def learnt(gathered: Gathered) -> Section:
    """Return the section of learning curves, of agents and of networks that never played."""
    agents = learning.curves(gathered.judged)
    without = learning.trained(gathered.trained) + _common(gathered)
    chosen = learning.rates(gathered.trained)
    bodies = [drawing(agents)]
    if rest := len(gathered.runs) - len(gathered.judged):
        bodies.append(text(f"{counted(rest, 'run')} only chose a learning rate: not drawn."))
    bodies.append(drawing(without))
    if chosen.panels:
        bodies.append(drawing(chosen))
    return Section("Learning", "learning", joined(*bodies))


def _common(gathered: Gathered) -> Drawn:
    common = learning.trained(gathered.trained, "common")
    return common if common.panels else Drawn()
