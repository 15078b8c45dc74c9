"""Counting: pictures hold what they say, and each part's score is what it should be."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from cv2 import connectedComponents
from sklearn.metrics import r2_score, roc_auc_score

from analysis.supervised import SupervisedSettings, outputs_of, train
from analysis.tasks.counting import Count, CountSettings, area_under_curve, count, scatter
from analysis.tasks.drawn import field, pictures
from analysis.tasks.task import ManySided, Task
from envs.emulator import shrink


@pytest.fixture(scope="module")
def task() -> Count:
    return count(CountSettings(train=400, validation=100, test=200))


def test_pictures_hold_as_many_as_they_say() -> None:
    """Blobs, counted on the picture by flooding; equal in brightness; none where none should be."""
    rng = np.random.default_rng(0)
    marks, how_many = scatter(rng, 60)
    assert set(how_many) == {0, 1, 2, 3, 4}
    drawn = pictures(marks, 60)[:, 3].astype(int) - shrink(field())
    for shown, number in zip(drawn, how_many, strict=True):
        assert connectedComponents((np.abs(shown) > 3).astype(np.uint8))[0] - 1 == number
        assert shown.min() >= 0
    for number in (2, 4):
        here = np.isin(marks.picture, np.flatnonzero(how_many == number))
        for picture in np.unique(marks.picture[here]):
            assert len(set(marks.contrast[marks.picture == picture])) == 1
            assert len(set(marks.side_84[marks.picture == picture])) == 1


def test_light_does_not_tell_the_number(task: Count) -> None:
    """A picture's light and its brightest pixel leave most of the number open."""
    shown = task.parts["train"].observations[:, 3].astype(float) - shrink(field())
    there = task.present["train"]
    light = np.stack([shown.sum(axis=(1, 2)), shown.max(axis=(1, 2)), np.ones(len(shown))], axis=1)
    number = task.parts["train"].targets[there, 1]
    fit = light[there] @ np.linalg.lstsq(light[there], number, rcond=None)[0]
    assert 0.2 < r2_score(number, fit) < 0.85


def test_scores_are_sklearns(task: Count) -> None:
    rng = np.random.default_rng(1)
    truth, there = task.parts["test"].targets, task.present["test"]
    said = (truth + rng.normal(0, 0.7, truth.shape)).astype(np.float32)
    beside = task.judge(said, "test").beside
    assert beside["presence_auc"] == pytest.approx(roc_auc_score(there, said[:, 0]))
    assert beside["count_r2"] == pytest.approx(r2_score(truth[there, 1], said[there, 1]), abs=1e-6)
    place = r2_score(truth[there, 2:], said[there, 2:])
    assert beside["count_place_r2"] == pytest.approx(place, abs=1e-6)
    assert task.judge(truth, "test").skill == pytest.approx(1)
    dull = task.judge(np.zeros_like(truth), "test")
    assert dull.beside["presence_auc"] == 0.5
    assert abs(dull.skill) < 0.05


def test_auc_by_hand() -> None:
    scores = np.array([1.0, 2, 2, 3])
    assert area_under_curve(scores, np.array([False, False, True, True])) == 3.5 / 4
    with pytest.raises(ValueError, match="one kind only"):
        area_under_curve(scores, np.ones(4, bool))


def test_loss_is_one_for_each_part_that_is_not_known(task: Count) -> None:
    targets = torch.from_numpy(task.parts["train"].targets)
    share = float(task.present["train"].mean())
    dull = torch.zeros_like(targets)
    dull[:, 0] = math.log(share / (1 - share))
    assert float(task.loss(dull, targets)) == pytest.approx(3, abs=1e-3)
    known = targets.clone()
    known[:, 0] = (targets[:, 0] - 0.5) * 100
    assert float(task.loss(known, targets)) == pytest.approx(0, abs=1e-6)
    # What is said of an empty picture's number and place costs nothing.
    known[targets[:, 0] == 0, 1:] = 9
    assert float(task.loss(known, targets)) == pytest.approx(0, abs=1e-6)


def test_trained_and_read(task: Count, tmp_path: Path) -> None:
    """What claims use comes from the test pictures and the curve: by hand from both."""
    assert isinstance(task, Task)
    assert isinstance(task, ManySided)
    settings = SupervisedSettings(updates=40, batch_size=16, warmup=5, look_every=5, save_every=40)
    done = train("gmp@0.25", task, 0, settings, tmp_path)
    outputs = outputs_of(done.network, task.parts["test"].observations)
    found = {r.measure: r.value for r in task.readings(outputs, done.curve)}
    assert found.keys() == {"presence_auc", "count_r2", "count_place_r2", "count_gain"}
    assert found["count_r2"] == done.judged.beside["count_r2"]
    gains = [done.curve[7][n] - done.curve[5][n] for n in ("count_r2", "count_place_r2")]
    assert found["count_gain"] == max(gains)
