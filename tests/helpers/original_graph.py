"""The networks of the original Manette and of PAAC, built and saved with TensorFlow 1's functions, as a referee."""

import json

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
LR, DECAY, EPSILON, CLIP, ENTROPY = 0.1, 0.99, 0.1, 3.0, 0.05
# The keys of the original's args.json, with its defaults.
ARGS = {
    "game": "pong",
    "device": "/gpu:0",
    "rom_path": "./atari_roms",
    "visualize": 0,
    "e": 0.1,
    "alpha": 0.99,
    "initial_lr": 0.0224,
    "lr_annealing_steps": 80000000,
    "entropy_regularisation_strength": 0.02,
    "clip_norm": 3.0,
    "clip_norm_type": "global",
    "gamma": 0.99,
    "max_global_steps": 80000000,
    "max_local_steps": 5,
    "arch": "NIPS",
    "single_life_episodes": False,
    "emulator_counts": 32,
    "emulator_workers": 8,
    "debugging_folder": "logs/",
    "random_start": True,
    "egreedy": False,
    "epsilon": 0.05,
    "annealed": False,
    "annealed_steps": 80000000,
    "softmax_temp": 1.0,
    "keep_percentage": 0.9,
    "rgb": False,
    "max_repetition": 0,
    "nb_choices": 1,
    "checkpoint_interval": 1000000,
    "activation": "relu",
    "alpha_leaky_relu": 0.1,
}


class OriginalGraph:
    """One network of the original with its loss and RMSProp; without the repetition head, one of PAAC.

    Without `optimizer`, RMSProp's statistics are not saved.
    """

    def __init__(self, arch, channels, choices, seed, *, num_actions, repetition_head=True, optimizer=True):
        self.graph = tf.Graph()
        self.random = np.random.default_rng(seed)
        self.pre_activations = []
        with self.graph.as_default():
            shape = [None, 5, 84, 84, channels] if arch == "LSTM" else [None, 84, 84, channels]
            self.states = v1.placeholder(tf.uint8, shape)
            self.actions = v1.placeholder(tf.int32, [None])
            self.choices = v1.placeholder(tf.int32, [None])
            self.returns = v1.placeholder(tf.float32, [None])
            features = getattr(self, arch)(tf.cast(self.states, tf.float32) / 255.0)
            policy = self.head("Actor/actor_output", features, num_actions)
            value = self.head("Critic/critic_output", features, 1)[:, 0]
            self.outputs = [tf.nn.softmax(policy), value]
            chosen = self.log_probability(policy, self.actions)
            entropy = self.entropy(policy)
            if repetition_head:
                repetition = self.head("Repetition/repetition_output", features, choices)
                self.outputs.append(tf.nn.softmax(repetition))
                chosen += self.log_probability(repetition, self.choices)
                entropy += self.entropy(repetition)
            advantage = self.returns - tf.stop_gradient(value)
            actor = tf.reduce_mean(-advantage * chosen - ENTROPY * entropy)
            loss = 5.0 * (actor + tf.reduce_mean(0.25 * tf.square(self.returns - value)))
            rmsprop = v1.train.RMSPropOptimizer(LR, decay=DECAY, epsilon=EPSILON, name="OptimizerVariables")
            gradients, variables = zip(*rmsprop.compute_gradients(loss), strict=True)
            clipped, _ = tf.clip_by_global_norm(gradients, CLIP)
            self.train = rmsprop.apply_gradients(zip(clipped, variables, strict=True))
            self.saver = v1.train.Saver(None if optimizer else v1.trainable_variables())
            self.session = v1.Session()
            self.session.run(v1.global_variables_initializer())

    def variable(self, shape, name, bound):
        return v1.Variable(self.random.uniform(-bound, bound, shape).astype(np.float32), name=name)

    def activate(self, pre_activations):
        self.pre_activations.append(pre_activations)
        return tf.nn.relu(pre_activations)

    def conv(self, name, inputs, size, filters, stride, padding):
        shape = [size, size, inputs.shape[-1], filters]
        weights = self.variable(shape, f"Network/{name}/{name}_weights", (size * size * filters) ** -0.5)
        biases = self.variable([filters], f"Network/{name}/{name}_biases", 0.1)
        return self.activate(tf.nn.conv2d(inputs, weights, stride, padding) + biases)

    def dense(self, name, inputs, units):
        bound = inputs.shape[-1] ** -0.5
        weights = self.variable([inputs.shape[-1], units], f"Network/{name}/{name}_weights", bound)
        return self.activate(inputs @ weights + self.variable([units], f"Network/{name}/{name}_biases", bound))

    def head(self, scope, features, units):
        name, bound = scope.rpartition("/")[2], features.shape[-1] ** -0.5
        weights = self.variable([features.shape[-1], units], f"Training/{scope}/{name}_weights", bound)
        return features @ weights + self.variable([units], f"Training/{scope}/{name}_biases", bound)

    def NIPS(self, inputs):
        features = self.conv("conv1", inputs, 8, 16, 4, "VALID")
        features = self.conv("conv2", features, 4, 32, 2, "VALID")
        return self.dense("fc3", tf.reshape(features, [-1, 2592]), 256)

    def NATURE(self, inputs):
        features = self.conv("conv1", inputs, 8, 32, 4, "VALID")
        features = self.conv("conv2", features, 4, 64, 2, "VALID")
        features = self.conv("conv3", features, 3, 64, 1, "VALID")
        return self.dense("fc4", tf.reshape(features, [-1, 3136]), 512)

    def BAYESIAN(self, inputs):
        return self.dense("fc4", self.NIPS(inputs), 256)

    def pwyx_convolutions(self, inputs):
        features = inputs
        for number, (size, filters) in enumerate(((5, 32), (5, 32), (4, 64)), 1):
            features = tf.nn.max_pool2d(self.conv(f"conv{number}", features, size, filters, 1, "SAME"), 2, 2, "VALID")
        return tf.reshape(self.conv("conv4", features, 3, 64, 1, "SAME"), [-1, 6400])

    def PWYX(self, inputs):
        return self.dense("fc5", self.pwyx_convolutions(inputs), 512)

    def LSTM(self, inputs):
        seen = self.pwyx_convolutions(tf.reshape(inputs, [-1, 84, 84, inputs.shape[-1]]))
        seen = tf.reshape(seen, [-1, 5, 6400])
        kernel = self.variable([6432, 128], "rnn/basic_lstm_cell/kernel", 0.03)
        bias = self.variable([128], "rnn/basic_lstm_cell/bias", 0.1)
        state = output = tf.zeros_like(seen[:, 0, :32])
        for time in range(5):
            gates = tf.concat([seen[:, time], output], axis=1) @ kernel + bias
            enter, candidate, forget, leave = tf.split(gates, 4, axis=1)
            state = state * tf.sigmoid(forget + 1.0) + tf.sigmoid(enter) * tf.tanh(candidate)
            output = tf.tanh(state) * tf.sigmoid(leave)
        linear = output @ self.variable([32, 32], "Network/lstm/Variable", 1.0)
        return self.dense("fc6", linear + self.variable([32], "Network/lstm/Variable_1", 1.0), 128)

    @staticmethod
    def log_probability(logits, chosen):
        return tf.gather(tf.nn.log_softmax(logits), chosen, axis=1, batch_dims=1)

    @staticmethod
    def entropy(logits):
        return -tf.reduce_sum(tf.nn.softmax(logits) * tf.nn.log_softmax(logits), axis=1)

    def run(self, fetches, batch):
        places = (self.states, self.actions, self.choices, self.returns)
        return self.session.run(fetches, dict(zip(places, batch, strict=True)))

    def save(self, run, step):
        """Write the checkpoint of `step` in the folder of the run."""
        (run / "checkpoints").mkdir(parents=True, exist_ok=True)
        with self.graph.as_default():
            self.saver.save(self.session, str(run / "checkpoints") + "/", global_step=step)

    def save_run(self, run, step, **args):
        """Write what the original leaves: args.json, the checkpoint of `step` and an event file."""
        self.save(run, step)
        (run / "args.json").write_text(json.dumps(ARGS | args))
        (run / "tf").mkdir()
        (run / "tf/events.out.tfevents.1500000000.host").write_bytes(b"curves of the original")
