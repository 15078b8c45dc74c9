"""What the rest rests on: the zoo's ledger, the protocols, and where every number came from."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import pandas as pd

from agents.architectures import PAIRS, ROWS
from agents.geometry import ACTIONS, ledger
from agents.settings import parse_settings, training_protocol
from analysis.measurements import MEASURES
from analysis.verdicts.rules import Regime
from commandline import BadInput, counted
from reporting.charts.panel import absent
from reporting.commands import TRAIN, UNTRAINED
from reporting.gather import Gathered, plain
from reporting.palette import KINDS, kind_of
from reporting.runs import Run
from reporting.sections.claims import REGIMES
from reporting.sections.section import Section, Table, drawing, folded, joined, piece, table, text

UNBROKEN = "\u2011"
"""A hyphen at which no line ends."""


def zoo(gathered: Gathered) -> Section:
    """Return the ledger of the zoo: arithmetic, for the actions of Pong."""
    rows = []
    for row in ROWS:
        entry = ledger(row)
        facts = entry.facts()
        rows.append(
            (
                piece("of_kind", KINDS[kind_of(row.name)], row.name),
                UNBROKEN.join(map(str, entry.maps)),
                facts["stride"],
                facts["receptive_field"],
                f"{entry.features:,}",
                f"{entry.parameters:,}",
                f"{facts['mmac']:.1f}",
                "control" if row.control else "\u00a0".join(facts["pair"]),
                row.note,
            )
        )
    headings = ("row", "maps", "#stride", "#field", "#features", "#parameters", "#MMAC",
                "pairs", "what it is")  # fmt: skip
    note = (
        f"Input 4 × 84 × 84, then 512 units; {ACTIONS} actions. Maps: their side behind each "
        "layer. "
        "Stride and field of view in network pixels; MMAC: million multiply-adds of a forward "
        "pass. Controls are never ranked."
    )
    pairs = Table(("pair", "what differs within it"), tuple(PAIRS.items()))
    shown = dict.fromkeys(kind_of(row.name) for row in ROWS)
    legend = piece("legend", [kind for name, kind in KINDS.items() if name in shown])
    body = joined(legend, table(Table(headings, rows, note=note, wide=True)), table(pairs))
    return Section("The zoo", "zoo", body)


def protocol(gathered: Gathered) -> Section:
    """Return how numbers were made: evaluation, training, data, each with its fingerprint."""
    bodies = [
        text(
            "A fingerprint is eight digits that are equal exactly when the settings are. Numbers "
            "with different ones never stand in one table or chart."
        )
    ]
    tables = [
        *_protocols("Evaluation protocol", _evaluations(gathered.runs)),
        *_protocols("Training protocol of agents", _trainings(gathered.runs)),
        *_protocols("Training without a game", _without_game(gathered.trained)),
    ]
    bodies += [table(of) for of in tables]
    if len(gathered.measurements):
        bodies.append(table(_prints(gathered.measurements)))
    if not tables and not len(gathered.measurements):
        bodies.append(drawing(absent("A protocol: nothing was run yet", TRAIN, *UNTRAINED)))
    return Section("Protocol", "protocol", joined(*bodies))


Prints = Mapping[str, tuple[Mapping[str, Any], int]]
"""By fingerprint: the settings, and how many runs have it."""


def _protocols(title: str, prints: Prints) -> list[Table]:
    """Return one table with a column a fingerprint: what is alike can be read across."""
    if not prints:
        return []
    names = list(prints)
    keys = dict.fromkeys(key for settings, _ in prints.values() for key in settings)
    rows: list[tuple[object, ...]] = [
        (key, *(plain(prints[name][0].get(key, "–")).strip('"') for name in names)) for key in keys
    ]
    rows.append(("runs", *(prints[name][1] for name in names)))
    return [Table(("setting", *(f"#{name}" for name in names)), rows, caption=title)]


def _evaluations(runs: Sequence[Run]) -> Prints:
    found: dict[str, tuple[Mapping[str, Any], int]] = {}
    for run in runs:
        if run.scores is not None:
            name = str(run.scores["fingerprint"])
            found[name] = (run.scores["protocol"], found.get(name, ({}, 0))[1] + 1)
    return found


def _trainings(runs: Sequence[Run]) -> Prints:
    found: dict[str, tuple[Mapping[str, Any], int]] = {}
    for run in runs:
        try:
            settings = training_protocol(parse_settings(run.settings))
        except BadInput as error:
            raise BadInput(f"{run.source}: {error}") from None
        found[run.training] = (settings, found.get(run.training, ({}, 0))[1] + 1)
    return found


def _without_game(rows: Sequence[Mapping[str, Any]]) -> Prints:
    found: dict[str, tuple[Mapping[str, Any], int]] = {}
    for row in rows:
        settings = {k: v for k, v in row["settings"].items() if k != "learning_rate"}
        asked = {"task": row["task"], "condition": row["condition"] or "–", "game": row["game"]}
        name = str(row["fingerprint"])
        found[name] = ({**asked, **settings}, found.get(name, ({}, 0))[1] + 1)
    return found


def _prints(measurements: pd.DataFrame) -> Table:
    by = ["regime", "game", "fingerprint"]
    rows = []
    for key, group in measurements.groupby(by, sort=True):
        named = ", ".join(sorted(set(group["measure"])))
        rows.append((*key, len(group), named))
    headings = ("regime", "game", "fingerprint", "#numbers", "measures")
    caption = "Measurements by fingerprint of what shaped them"
    return Table(headings, rows, caption=caption, wide=True)


SEED = re.compile(r"seed\d+")
"""In the name of a file of one seed."""

KEY = ["regime", "game", "measure", "condition", "row", "budget", "fingerprint", "commit"]


def provenance(gathered: Gathered) -> Section:
    """Return every number with its run, seed and commit."""
    if not (len(gathered.measurements) or gathered.runs or gathered.trained):
        drawn = drawing(absent("Any number", TRAIN, *UNTRAINED))
        return Section("Where every number came from", "provenance", drawn)
    told = text(
        "Every measurement with the seeds that it was taken on, and the commit of the code that "
        "made it; “published in” is the commit of the published file, where the code's was not "
        "written down. Charts say the same under the pointer."
    )
    bodies = [told, folded(counted(len(gathered.runs), "agent"), table(_agents(gathered.runs)))]
    if gathered.trained:
        title = f"{counted(len(gathered.trained), 'network')} trained without a game"
        bodies.append(folded(title, table(_trained(gathered.trained))))
    by_regime = gathered.measurements.groupby("regime", sort=True)
    for regime, group in by_regime:
        title = f"{counted(len(group), 'number')}, {REGIMES[cast(Regime, regime)]}"
        bodies.append(folded(title, table(_numbers(group))))
    return Section("Where every number came from", "provenance", joined(*bodies))


def _agents(runs: Sequence[Run]) -> Table:
    """Return the runs; versions are given where they differ from most."""
    counts: dict[str, int] = defaultdict(int)
    for run in runs:
        counts[plain(run.versions)] += 1
    usual = max(counts, key=lambda v: counts[v], default="")
    rows = [
        (
            run.source,
            run.game,
            run.row,
            run.seed,
            f"{run.steps:,}",
            "yes" if run.finished else "no",
            run.training,
            run.commit,
            "as below" if plain(run.versions) == usual else plain(run.versions),
        )
        for run in runs
    ]
    headings = ("run", "game", "row", "#seed", "#steps", "finished", "training", "commit",
                "versions")  # fmt: skip
    given = ", ".join(f"{name} {value}" for name, value in json.loads(usual or "{}").items())
    return Table(headings, rows, note=f"Versions: {given}." if given else "")


def _numbers(group: pd.DataFrame) -> Table:
    """Return measurements, a line for all seeds of one; what is the same for all stands below."""
    group = group.assign(budget=[f"{budget:,}" for budget in group["budget"]])
    beside = ["game", "budget", "fingerprint", "commit"]
    varying = [column for column in beside if group[column].nunique() > 1]
    rows = []
    for key, of in group.groupby(KEY, sort=True):
        known = dict(zip(KEY, key, strict=True))
        of = of.sort_values("seed")
        values = ", ".join(f"{value:.4g}".replace("-", "−") for value in of["value"])
        condition = f" [{known['condition']}]" if known["condition"] else ""
        rows.append(
            (
                f"{known['measure']}{condition}",
                known["row"],
                *(known[column] for column in varying),
                ranges(of["seed"].tolist()),
                values,
                files(of["source"]),
            )
        )
    headings = ("measure", "row", *varying, "seeds", "value of each seed, in this order", "file")
    same = [f"{column} {group[column].iloc[0]}" for column in beside if column not in varying]
    meant = [f"{m}: {MEASURES[m].meaning}" for m in sorted(set(group["measure"]))]
    said = [f"All of them: {', '.join(same)}"] if same else []
    return Table(headings, rows, note=". ".join([*said, "; ".join(meant)]) + ".", wide=True)


def ranges(numbers: Sequence[int]) -> str:
    """Return whole numbers in ascending order, runs of them shortened: `0–9, 12`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{r[0]}" if len(r) == 1 else f"{r[0]}–{r[-1]}" for r in runs)


def files(sources: Iterable[str]) -> str:
    """Return the files of several numbers, those of one seed each as one pattern."""
    return ", ".join(sorted({SEED.sub("seed*", source) for source in sources}))


NAMED = ("stage", "task", "game", "condition", "row")


def _trained(trained: Sequence[Mapping[str, Any]]) -> Table:
    """Return the networks trained without a game, a line for all seeds of one way."""
    found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in trained:
        settings = row["settings"]
        how = (settings["learning_rate"], settings["updates"], row["commit"])
        found[(*(row[name] for name in NAMED), *how)].append(row)
    rows = []
    for key, members in sorted(found.items(), key=lambda item: tuple(map(str, item[0]))):
        stage, task, game, condition, network, rate, updates, commit = key
        members.sort(key=lambda m: int(m["seed"]))
        rows.append(
            (
                stage,
                f"{task} [{condition}]" if condition else task,
                game,
                network,
                f"{rate:g}",
                f"{updates:,}",
                ranges([int(m["seed"]) for m in members]),
                ", ".join(f"{m['skill']:.4f}".replace("-", "−") for m in members),
                commit,
                files(m["source"] for m in members),
            )
        )
    headings = ("for", "task", "game", "row", "#rate", "#updates", "seeds",
                "skill of each seed, in this order", "commit", "file")  # fmt: skip
    note = "tuning: to choose a learning rate; tuned: judged; common: all rows at one rate."
    return Table(headings, rows, note=note, wide=True)
