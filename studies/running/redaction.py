"""Keep out of a run directory what is nobody's business: keys, and where somebody's home is."""

from __future__ import annotations

import os
import re
from pathlib import Path

SECRET_NAME = re.compile("KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
"""Environment variables called like this are not to be repeated."""


def redact(text: str) -> str:
    """Return text, a traceback say, with home folders as `~` and secrets as `***`.

    Secrets are the values of environment variables that are called like one.
    """
    secrets = [v for k, v in os.environ.items() if SECRET_NAME.search(k) and len(v) >= 6]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    for home in _homes():
        # Only whole names: with the home /root, /rooted stays what it is.
        text = re.sub(re.escape(home) + r"(?![\w.-])", "~", text)
    return text


def _homes() -> list[str]:
    """Return the home folder under every name it has, longest first."""
    given = [os.environ.get("HOME", ""), os.path.expanduser("~")]
    names = {name for g in given if g for name in (g, str(Path(g).resolve()))}
    return sorted((n for n in names if len(n) > 1), key=len, reverse=True)
