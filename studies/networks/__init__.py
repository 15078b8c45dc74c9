"""Networks that never play: random weights, the supervised regime, the game itself."""
