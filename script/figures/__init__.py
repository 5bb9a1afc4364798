"""Pictures of runs, for `plot.py` and other scripts.

`runs` reads runs, `groups` finds runs with the same options, `scores` compares groups, `curves`, `repetitions` and
`comparison` draw, and `style` sets the look of all pictures and saves them.
"""
