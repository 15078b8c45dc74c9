"""Finished runs to measurements; see studies."""
