"""NIPS with dropout that is never switched off: a sample of networks (Gal and Ghahramani 2016)."""

from collections.abc import Sequence

import tensorflow as tf

from networks.nips import NIPS
from networks.torso import TorsoSettings


class BAYESIAN(NIPS):
    """Two convolutions, dropout of what they see, and 256 features."""

    noise = 9 * 9 * 32  # a number for each unit that may be dropped

    def __init__(self, settings: TorsoSettings):
        super().__init__(settings)
        self.keep = settings.keep_percentage

    def combine(self, encodings: Sequence[tf.Tensor], noise: tf.Tensor) -> tf.Tensor:
        """Encodings one of [B, 2592], noise [B, 2592] -> [B, 256]; a unit is kept where its noise is below `keep`."""
        kept = tf.cast(noise < self.keep, encodings[-1].dtype) / self.keep
        return super().combine([encodings[-1] * kept], noise)
