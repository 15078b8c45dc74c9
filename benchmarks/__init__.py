"""Speed and memory, side by side with stock SB3."""
