"""Keys and home folders are taken out of text, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.running.redaction import redact


def test_home_and_secrets_go_the_rest_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "ann").symlink_to(tmp_path / "real")
    monkeypatch.setenv("HOME", str(tmp_path / "ann"))
    monkeypatch.setenv("WANDB_API_KEY", "abc123abc123")
    monkeypatch.setenv("MY_PASSWORD", "")
    text = f"{tmp_path}/ann/x.py {tmp_path}/real/y {tmp_path}/anna/z abc123abc123!"
    assert redact(text) == f"~/x.py ~/y {tmp_path}/anna/z ***!"
