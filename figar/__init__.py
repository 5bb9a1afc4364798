"""FiGAR: a second policy chooses how many times to repeat the action.

Source: Sharma et al. 2017, https://arxiv.org/abs/1702.06054.
"""
