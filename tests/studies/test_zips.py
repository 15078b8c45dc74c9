"""Agents as SB3 zips: the same values in stock SB3; nothing is loaded that nobody vouched for."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3 import DQN

import envs
import evaluate
from commandline import BadInput
from envs.games import CATCH
from studies import export_zip, import_zip
from studies.measuring.measure import load_agent, open_run
from studies.publish import publish
from tests.studies.finished import finished, pictures
from tests.studies.processes import ROOT

STOCK = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("agents", "commandline", "envs", "studies"):
            raise ImportError(name)

sys.meta_path.insert(0, Without())
import numpy as np
import torch
from stable_baselines3 import DQN
model = DQN.load(sys.argv[1], device="cpu")
values = model.q_net(torch.as_tensor(np.load(sys.argv[2], allow_pickle=False)))
np.save(sys.argv[3], values.detach().numpy())
print(type(model).__module__, model.num_timesteps, model.gamma)
"""


@pytest.mark.parametrize("row", ["nature", "spatial_softmax"])
def test_stock_sb3_loads_it_without_us_and_gives_the_same_values(row: str, tmp_path: Path) -> None:
    run = finished(tmp_path, row)
    # In a process of its own: code whose annotations are checked, as here, cannot be pickled.
    words = ["-m", "studies.export_zip", str(run), "--out", str(tmp_path / "agent.zip")]
    subprocess.run([sys.executable, *words], check=True, cwd=ROOT, capture_output=True)
    np.save(tmp_path / "in.npy", pictures())
    files = [str(tmp_path / name) for name in ("agent.zip", "in.npy", "out.npy")]
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", STOCK, *files],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "stable_baselines3.dqn.dqn 123 0.99\n"
    ours = load_agent(open_run(run)).q_values(pictures())
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), ours, rtol=1e-5, atol=1e-5)
    with pytest.raises(BadInput, match="--out: expected the name of a new file"):
        export_zip.main([str(run), "--out", str(tmp_path / "agent.zip")])


class Trap:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def test_importing_runs_nothing_until_it_is_told_that_the_pickle_is_trusted(tmp_path: Path) -> None:
    import base64

    mark = tmp_path / "ran"
    trap = {":type:": "x", ":serialized:": base64.b64encode(pickle.dumps(Trap(mark))).decode()}
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("data", json.dumps({"policy_class": trap}))
    words = [str(tmp_path / "evil.zip"), "--game", "catch", "--out", str(tmp_path / "runs")]
    with pytest.raises(BadInput, match="expected --trust-pickle") as caught:
        import_zip.main(words)
    assert "\n" not in str(caught.value)
    assert not mark.exists()
    assert not (tmp_path / "runs").exists()
    with pytest.raises(BadInput, match="expected an SB3 DQN zip"):
        import_zip.main([*words, "--trust-pickle"])
    assert mark.exists(), "the trap goes off where a pickle is loaded"


def test_a_stock_agent_comes_in_and_can_be_scored(tmp_path: Path) -> None:
    stock = DQN("CnnPolicy", envs.make(CATCH, 1, seed=0), buffer_size=10, seed=3, device="cpu")
    stock.save(tmp_path / "stock.zip")
    words = [str(tmp_path / "stock.zip"), "--game", "catch", "--trust-pickle"]
    out = ["--out", str(tmp_path / "runs")]
    assert import_zip.main([*words, *out]) == 0
    run = open_run(tmp_path / "runs/imported/catch/nature/seed0")
    values = load_agent(run).q_values(pictures())
    expected = stock.q_net(stock.policy.obs_to_tensor(pictures())[0]).detach().numpy()
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5)
    assert run.config["training_fingerprint"] == "imported"
    assert evaluate.main([str(run.directory), "--games", "2"]) == 0
    assert (run.directory / "evaluation" / "scores.json").exists()
    path, row = publish(run.directory, tmp_path / "results")
    assert (path.exists(), row["curve"], row["scores"]["games"]) == (True, [], 2)
    with pytest.raises(BadInput, match="--seed: expected one that is free"):
        import_zip.main([*words, *out])
    with pytest.raises(BadInput, match="--extractor: expected the row that the zip's network is"):
        import_zip.main([*words, *out, "--extractor", "gap"])
    assert not (tmp_path / "runs/imported/catch/gap").exists()
    with pytest.raises(BadInput, match="found no file"):
        import_zip.main([str(tmp_path / "gone.zip"), *out])
