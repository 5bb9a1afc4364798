"""Films of an agent that plays."""
