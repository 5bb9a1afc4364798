"""One training from its options to its end: loop, checkpoints, the run's folder, several processes; its agents.

The names below are what notebooks and scripts use; docs/python.md explains them. Importing them loads no TensorFlow.
"""

from paac.training.agent import Act, Agent, load_agent
from paac.training.agent_evaluation import Episodes
from paac.training.session import Run, train
from paac.training.summary import Summary

__all__ = ["Act", "Agent", "Episodes", "Run", "Summary", "load_agent", "train"]
