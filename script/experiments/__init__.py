"""Experiments of many trainings: planned from JSON files, and run as processes on this machine or a Ray cluster."""
