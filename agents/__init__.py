"""What learns: networks as data, replay, DQN, settings."""
