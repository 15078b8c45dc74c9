"""Finished runs: scored, measured, filmed."""
