"""A folder of trainings: planned from JSON files, and run as processes on this machine or on a Ray cluster."""
