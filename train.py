"""Command line to runs; see studies."""
