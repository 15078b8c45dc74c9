"""Where jobs on a cluster leave what they say and read whether to stop: an actor of Ray's.

It runs in a process of its own on the machine of the launcher. Nothing heavy is imported here, and
what is left here is plain data, so that this process stays small.
"""

from __future__ import annotations

from typing import Any


class Board:
    """Messages by job, and a wish to stop."""

    def __init__(self) -> None:
        self._mail: list[tuple[str, dict[str, Any]]] = []
        self._stopping = False

    def tell(self, key: str, message: dict[str, Any]) -> None:
        """Leave a message.

        Args:
            key: Which attempt at which job it comes from.
            message: A `Progress`, as its fields.
        """
        self._mail.append((key, message))

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        """Return all that was left and not taken, oldest first."""
        mail, self._mail = self._mail, []
        return mail

    def stop(self) -> None:
        """Ask all jobs to stop."""
        self._stopping = True

    def stopping(self) -> bool:
        """Say whether that was asked."""
        return self._stopping
