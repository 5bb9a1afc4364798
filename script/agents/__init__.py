"""Trained agents: tested and filmed with the entry points, kept, compared with simple players, and published."""
