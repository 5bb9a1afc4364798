"""The modules of a user's own network, for tests; the fixture `write_network` writes them."""

# Layers and methods that a test replaces or extends.
SOURCE = """
import keras
import tensorflow as tf

from networks.layers import Conv, Dense
from networks.torso import Torso


class OWN(Torso):
    def __init__(self, settings):
        super().__init__()
        self.conv = keras.layers.Conv2D(4, 8, 8, activation="relu")
        self.flatten = keras.layers.Flatten()
        self.dense = keras.layers.Dense(8, activation="relu")

    def encode(self, observations):
        return self.flatten(self.conv(tf.cast(observations, tf.float32) / 255))

    def combine(self, encodings, uniforms):
        return self.dense(encodings[-1])
"""
# Layers in a list, and in lists, tuples and dictionaries inside each other; each is a part of the network.
IN_COLLECTIONS = """
import keras
import tensorflow as tf

from networks.layers import Conv, Dense
from networks.torso import Torso


class Block(keras.layers.Layer):
    def __init__(self, random):
        super().__init__()
        self.layers = {"first": [Conv(4, 3, 2, random)], "others": (Conv(4, 3, 2, random), {"last": Dense(4, random)})}
        self.scale = self.add_weight((1,), initializer="ones")

    def call(self, features):
        middle, others = self.layers["others"]
        return self.scale * others["last"](middle(self.layers["first"][0](features)))


class OWN(Torso):
    def __init__(self, settings):
        super().__init__()
        random = settings.random
        self.convs = [Conv(4, 4, 4, random), [Conv(4, 3, 2, random)], Block(random)]
        self.normalize = (keras.layers.BatchNormalization(),)
        self.flatten = keras.layers.Flatten()
        self.head = {"dense": keras.layers.Dense(8)}

    def encode(self, observations):
        first, (second,), block = self.convs
        return self.flatten(self.normalize[0](block(second(first(observations)))))

    def combine(self, encodings, uniforms):
        return self.head["dense"](encodings[-1])
"""
