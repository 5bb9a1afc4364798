"""Films of an agent that plays, as gifs."""
