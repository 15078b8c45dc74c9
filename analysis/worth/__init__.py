"""What places and states are worth, and whether a network knows."""
