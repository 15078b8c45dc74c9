"""Asking features one question after another: the lines of the probes' table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64

from analysis.probing import mlp as mlp_probe
from analysis.probing import ridge
from analysis.probing.ridge import Fitted, Spanned, span
from analysis.probing.targets import Asked, Parts, entropy_bits

PROJECTED = 64
"""Numbers of the equal-size projection: as many as gap has features."""

Features = Float32[np.ndarray, "n p"]

Record = dict[str, Any]


def probe(
    features: Features,
    questions: Asked,
    rng: np.random.Generator,
    where: Mapping[str, Any],
    *,
    projected: bool = True,
) -> list[Record]:
    """Ask everything of some features.

    Args:
        features: One line for each example.
        questions: About the same examples.
        rng: As for `probes`.
        where: What the lines of the table begin with.
        projected: Whether to ask a projection to 64 numbers as well.
    """
    views = {"full": features}
    if projected and features.shape[1] > PROJECTED:
        views["projected"] = project(features, rng)
    records: list[Record] = []
    for view, given in views.items():
        spanned = span(given, questions.parts.train)
        start = {**where, "numbers": features.shape[1], "view": view}
        records += _by_ridge(spanned, questions, start)
        records += _by_mlp(spanned, questions, ("place", "coarse", "phase"), rng, start)
    return records


def controls(
    features: Features, questions: Asked, rng: np.random.Generator, where: Mapping[str, Any]
) -> list[Record]:
    """Ask some features what a sound probe must find, and what it must not, by both probes.

    Not: labels of a random map, and shuffled ones. Must: a *planted* place, two numbers put beside
    the features, together as loud as all of them. And the hidden probe on blocks of space it has
    not seen (the first of five parts).

    Args:
        features: One line for each example.
        questions: About the same examples.
        rng: As for `probes`.
        where: What the lines of the table begin with.
    """
    spanned, start = span(features, questions.parts.train), {**where, "numbers": features.shape[1]}
    whole = {**start, "view": "full"}
    records = _by_mlp(spanned, questions, ("random map", "shuffled"), rng, whole)
    place = questions.values[:, questions.of("place")]
    loud = np.sqrt(spanned.unit / 2) * (place - place.mean(axis=0)) / place.std(axis=0)
    planted = span(np.hstack([features, loud.astype(np.float32)]), questions.parts.train)
    records += _by_ridge(planted, questions, {**start, "view": "planted"}, ("place",))
    records += _by_mlp(planted, questions, ("place",), rng, {**start, "view": "planted"})
    if (questions.block_fold >= 0).all():
        every, away = questions.parts, questions.block_fold == 0
        seen = Parts(
            train=every.train[~away[every.train]],
            choose=every.choose[~away[every.choose]],
            judge=every.judge[away[every.judge]],
        )
        spanned = span(features, seen.train)
        records += _by_mlp(spanned, questions, ("place",), rng, {**whole, "split": "blocks"}, seen)
    return records


def project(features: Features, rng: np.random.Generator) -> Float32[np.ndarray, "n 64"]:
    """Project onto 64 orthonormal directions drawn at random."""
    drawn = rng.standard_normal((features.shape[1], PROJECTED))
    made: Float32[np.ndarray, "n 64"] = features @ np.linalg.qr(drawn).Q.astype(np.float32)
    return made


def _by_ridge(
    spanned: Spanned,
    questions: Asked,
    start: Mapping[str, Any],
    targets: Sequence[str] = ("place", "coarse", "phase", "random map", "shuffled"),
) -> list[Record]:
    judge, values = questions.parts.judge, questions.values
    start = {"probe": "ridge", "split": "scenes", "fitted_on": len(spanned.train), **start}
    records: list[Record] = []
    means = {}
    for target in targets:
        columns = questions.of(target)
        fitted = ridge.fit(spanned, values[:, columns], questions.parts.choose)
        scored = _scored(fitted.predicted[judge], values[judge][:, columns], questions, target)
        records += [{**start, "target": target, **s} for s in scored]
        means[target] = next(s["value"] for s in scored if s["axis"] == "mean")
        if target == "place":
            for split, predicted in _elsewhere(spanned, questions, fitted):
                there = judge[np.isfinite(predicted[judge, 0])]
                scored = _scored(predicted[there], values[there][:, columns], questions, target)
                records += [{**start, "split": split, "target": target, **s} for s in scored]
    if "random map" in means:
        gained = means["place"] - means["random map"]
        records.append(
            {**start, "target": "place", "axis": "mean", "metric": "selectivity", "value": gained}
        )
    return records


def _elsewhere(
    spanned: Spanned, questions: Asked, fitted: Fitted
) -> Iterator[tuple[str, Float64[np.ndarray, "n 2"]]]:
    """Yield the splits in which places were left out, and what is said of those then."""
    if (questions.block_fold < 0).any():
        return
    place, judge = questions.values[:, questions.of("place")], questions.parts.judge
    blocks = [np.flatnonzero(questions.block_fold == k) for k in np.unique(questions.block_fold)]
    for split, groups in (("blocks", blocks), ("outer", [np.flatnonzero(questions.outer)])):
        pairs = [(g, np.intersect1d(g, judge)) for g in groups]
        yield split, ridge.left_out(spanned, place, fitted, pairs)


def _by_mlp(
    spanned: Spanned,
    questions: Asked,
    targets: Sequence[str],
    rng: np.random.Generator,
    start: Mapping[str, Any],
    parts: Parts | None = None,
) -> list[Record]:
    unseen_scenes = parts is None
    parts = parts or questions.parts
    columns = questions.of(*targets)
    said = mlp_probe.fit(spanned, questions.values[:, columns], questions.cell, parts, rng)
    start = {"probe": "mlp", "split": "scenes", "fitted_on": len(parts.train), **start}
    records: list[Record] = []
    for target in targets:
        own = [i for i, c in enumerate(columns) if questions.columns[c].target == target]
        truth = questions.values[parts.judge][:, questions.of(target)]
        scored = _scored(said.predicted[:, own], truth, questions, target)
        records += [{**start, "target": target, **s} for s in scored]
    if "place" in targets and unseen_scenes:
        cell = questions.cell[parts.judge]
        bits = entropy_bits(cell) - said.cross_entropy_bits(cell)
        records.append({**start, "target": "cell", "axis": "", "metric": "bits", "value": bits})
    return records


def _scored(
    predicted: Float64[np.ndarray, "n k"],
    truth: Float64[np.ndarray, "n k"],
    questions: Asked,
    target: str,
) -> list[Record]:
    """Return R² by axis and their mean; for places also the RMSE in screen pixels."""
    axes = np.array([questions.columns[i].axis for i in questions.of(target)])
    found = ridge.r2(predicted, truth)
    scored: list[Record] = [
        {"axis": "mean", "metric": "r2", "value": float(found.mean())},
        *({"axis": a, "metric": "r2", "value": float(found[axes == a].mean())} for a in ("x", "y")),
    ]
    if target == "place":
        error = np.square(predicted - truth).mean(axis=0)
        errors = {"mean": error.mean(), **dict(zip(axes.tolist(), error, strict=True))}
        scored += [
            {"axis": a, "metric": "rmse_px", "value": float(np.sqrt(e))} for a, e in errors.items()
        ]
    return scored
