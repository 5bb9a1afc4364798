"""One training from its options to its end, and loading the agent that it has trained."""
