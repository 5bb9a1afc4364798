"""Many trainings: planned from JSON files, run one after the other or side by side, kept, tested and filmed."""
