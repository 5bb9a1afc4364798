"""One training from its options to its end, and the trained agent that it leaves."""
