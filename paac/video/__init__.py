"""Films of an agent that plays, as gifs or mp4 videos."""
