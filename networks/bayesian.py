"""The NIPS network with dropout that stays on after training, as an approximate Bayesian network.

Source: Gal and Ghahramani 2016, "Dropout as a Bayesian Approximation".
"""

from collections.abc import Sequence

import tensorflow as tf

from networks.nips import NIPS
from networks.torso import TorsoSettings


class BAYESIAN(NIPS):
    """Two convolutions, dropout on their output, and 256 features."""

    num_uniforms = 9 * 9 * 32  # one for each unit of the last convolution

    def __init__(self, settings: TorsoSettings):
        super().__init__(settings)
        self.keep_probability = settings.keep_percentage

    def combine(self, encodings: Sequence[tf.Tensor], uniforms: tf.Tensor) -> tf.Tensor:
        """One encoding [B, 2592] and uniforms [B, 2592] -> [B, 256].

        Units whose uniform number is below `keep_probability` are kept, and scaled by 1 / `keep_probability`.
        """
        mask = tf.cast(uniforms < self.keep_probability, encodings[-1].dtype) / self.keep_probability
        return super().combine([encodings[-1] * mask], uniforms)
