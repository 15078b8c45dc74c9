"""Shared by all tests: one thread a process, so that parallel tests do not fight over cores."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
