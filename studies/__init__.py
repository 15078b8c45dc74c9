"""What is compared: one run, many runs."""
