"""What networks are shown: sets of frames, with the ball put where it is needed."""
