"""Learning: options, rollout, loss, optimizer, checkpoints, summaries, evaluation.

PAAC is the synchronous actor-critic of Clemente et al. 2017, https://arxiv.org/abs/1705.04862. "The original Manette"
is the TensorFlow 1 program of 2017 that this project reimplements.

A decision is one choice of the network: an action, and how many times to repeat it. A play is `frame_skip` frames of
one action, so a decision has 1 + repeats plays, or fewer at an episode's end.
"""
