"""Shared by all tests: one thread a process, so that parallel tests do not fight over cores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from browser import Browser, opened
from threadpoolctl import threadpool_limits

torch.set_num_threads(1)
threadpool_limits(1, "blas")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A window of a real browser, or a skip; see tests/browser.py."""
    with opened() as window:
        yield window


@pytest.fixture(autouse=True)
def _denormal_numbers_as_they_were() -> Iterator[None]:
    """Tests that train in this process flush them, which hypothesis would refuse to work with."""
    yield
    torch.set_flush_denormal(False)
