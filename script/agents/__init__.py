"""Trained agents: test and film them, keep their checkpoints, compare them with simple players, and publish them."""
