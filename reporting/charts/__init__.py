"""Charts of one family a file; each takes tidy tables and says what it could not draw."""
