"""One run: its directory and lock, its loop, the process that carries it out."""
