"""What a network's responses do when the ball, or the picture, moves."""
