"""How long to hold an action: FiGAR, Sharma et al. 2017, https://arxiv.org/abs/1702.06054."""
