"""Helpers for several tests."""

from pathlib import Path

ROOT = Path(__file__).parents[2]  # folder of the project
