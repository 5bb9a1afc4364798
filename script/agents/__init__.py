"""Trained agents: test and film them, keep their checkpoints, compare them with baselines, and publish them."""
