"""What executes the annotations of every function while tests run."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""As mypy does, it takes a whole number where a float is expected."""
