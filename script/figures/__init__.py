"""Pictures of runs: what `plot.py` draws, for other scripts to draw too.

`runs` reads them, `groups` tells which belong together, `curves`, `repetitions` and `comparison` draw; `style` saves.
"""
