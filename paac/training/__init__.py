"""Training runs, from their options to their end, and the agents that they have trained."""
