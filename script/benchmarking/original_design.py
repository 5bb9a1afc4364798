"""The design of the original Manette (2017) as a baseline: its speed with the same game, network and mathematics.

Its learner acts step by step, one call of the network for all emulators, keeps the batch and sends it through the
network a second time to learn. Its emulators live in 8 processes that wait on queues and share one 4-byte integer for
each byte of an observation. Each frame that ends in an observation is fetched in gray, two of them joined, resized by
Pillow and put into a ring of four. What is played is the same as with ours.
"""

import ctypes
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.queues import Queue
from typing import Any

import numpy as np
from PIL import Image

from benchmarking.timing import Measure
from emulators import Game
from emulators.atari import AtariEmulator
from emulators.preprocessing import SIZE, STACK

PROCESSES = 8
SPAWN = multiprocessing.get_context("spawn")


@contextmanager
def baseline(
    game: Game, count: int, arch: str, max_local_steps: int, emulator_settings: dict[str, Any]
) -> Iterator[dict[str, Measure]]:
    """The whole loop, in a process of its own: TensorFlow's threads within an operation are set once for a process."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_serve, args=(theirs, game, count, arch, max_local_steps, emulator_settings))
    process.start()
    theirs.close()

    def updates(number: int) -> tuple[int, int]:
        ours.send(number)
        return ours.recv()

    try:
        yield {"the design of 2017": updates}
    finally:
        ours.close()
        process.join()


def _serve(
    connection: Connection,
    game: Game,
    count: int,
    arch: str,
    max_local_steps: int,
    emulator_settings: dict[str, Any],
) -> None:
    """Make as many updates as asked for, until the connection closes."""
    from paac.training.tensorflow_setup import start_tensorflow

    start_tensorflow("/cpu:0", op_threads=0)  # 0: as many as cores, TensorFlow 1's default

    emulators = OriginalPool(game, count, emulator_settings)
    learner = OriginalLearner(emulators, arch, max_local_steps)
    try:
        while True:
            number = connection.recv()
            for _ in range(number):
                learner.update(lr=1e-4)
            decisions = number * max_local_steps * count
            connection.send((decisions, decisions))
    except EOFError:
        emulators.close()


class FrameRing:
    """The last four frames; stands in for `FrameStack`."""

    def __init__(self):
        self._frames = np.zeros((SIZE, SIZE, STACK), np.uint8)
        self._newest = 0

    def push(self, first: np.ndarray, second: np.ndarray) -> None:
        """Join two gray screens, resize them, drop the oldest frame."""
        image = Image.fromarray(np.amax([first, second], axis=0))
        self._newest = (self._newest + 1) % STACK
        self._frames[:, :, self._newest] = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.NEAREST))

    @property
    def observation(self) -> np.ndarray:
        """Oldest first, a new array each time."""
        return self._frames[:, :, [(self._newest + 1 + frame) % STACK for frame in range(STACK)]]


class OriginalEmulator(AtariEmulator):
    """One Atari game whose observations are made the old way."""

    def __init__(self, rom: str, **settings: Any):
        super().__init__(rom, **settings)
        self._stack = FrameRing()  # type: ignore[assignment]

    def _play(self, action: int, screens: list[np.ndarray]) -> float:
        reward = 0.0
        for left in range(self.frame_skip, 0, -1):
            reward += self._frame(action)
            if left <= self.pooled_frames:
                self._ale.getScreenGrayscale(screens[-left])
        return reward


class OriginalPool:
    """The processes and what they share with the learner: one 4-byte integer for each byte."""

    def __init__(self, game: Game, count: int, settings: dict[str, Any]):
        self.count = count
        self.num_actions = AtariEmulator(game.rom, seed=0).num_actions
        shapes = {"observations": (count, SIZE, SIZE, STACK), "actions": (count,), "dones": (count,)}
        memory: dict[str, Any] = {
            name: SPAWN.RawArray(ctypes.c_uint32, int(np.prod(shape))) for name, shape in shapes.items()
        }
        memory["rewards"] = SPAWN.RawArray(ctypes.c_float, count)
        self.arrays = {name: np.ctypeslib.as_array(array) for name, array in memory.items()}
        self.arrays["observations"] = self.arrays["observations"].reshape(shapes["observations"])
        self._ready: Queue[int] = SPAWN.Queue()
        parts = [part.tolist() for part in np.array_split(np.arange(count), min(PROCESSES, count))]
        self._queues: list[Queue[bool]] = [SPAWN.Queue() for _ in parts]
        self._processes = [
            SPAWN.Process(target=_play, args=(memory, game, part, settings, queue, self._ready), daemon=True)
            for part, queue in zip(parts, self._queues, strict=True)
        ]
        for process in self._processes:
            process.start()
        self._wait()

    def step(self, actions: np.ndarray) -> None:
        """One decision of every emulator."""
        self.arrays["actions"][:] = actions
        for queue in self._queues:
            queue.put(True)
        self._wait()

    def close(self) -> None:
        """End the processes."""
        for queue in self._queues:
            queue.put(False)
        for process in self._processes:
            process.join()

    def _wait(self) -> None:
        for _ in self._processes:
            self._ready.get()


def _play(
    memory: dict[str, Any],
    game: Game,
    numbers: list[int],
    settings: dict[str, Any],
    queue: "Queue[bool]",
    ready: "Queue[int]",
) -> None:
    arrays = {name: np.ctypeslib.as_array(array) for name, array in memory.items()}
    observations = arrays["observations"].reshape(-1, SIZE, SIZE, STACK)
    emulators = {number: OriginalEmulator(game.rom, seed=number, **settings) for number in numbers}
    for number, emulator in emulators.items():
        observations[number] = emulator.reset()
    ready.put(numbers[0])
    while queue.get():
        for number, emulator in emulators.items():
            observation, reward, done = emulator.step(int(arrays["actions"][number]))
            observations[number] = emulator.reset() if done else observation
            arrays["rewards"][number] = reward
            arrays["dones"][number] = done
        ready.put(numbers[0])


class OriginalLearner:
    """Act T times, then pass the batch through the network again and learn."""

    def __init__(self, emulators: OriginalPool, arch: str, max_local_steps: int):
        import tensorflow as tf

        from networks.registry import make_network
        from paac.loss import paac_losses
        from paac.optimizer import RMSProp, clip_gradients

        self._emulators = emulators
        self._steps = max_local_steps
        self._random = np.random.default_rng(0)
        network = make_network(arch, num_actions=emulators.num_actions, nb_choices=1, rgb=False, seed=0)
        variables = [variable.value for variable in network.trainable_variables]
        optimizer = RMSProp(variables, 0.99, 0.1)
        size = max_local_steps * emulators.count

        @tf.function
        def act(observations):
            outputs = network(observations)
            return tf.nn.softmax(outputs.policy_logits), outputs.value

        @tf.function
        def learn(observations, actions, returns, lr):
            with tf.GradientTape() as tape:
                outputs = network(observations)
                log_policy = tf.nn.log_softmax(outputs.policy_logits)
                losses = paac_losses(
                    tf.gather(log_policy, actions, batch_dims=1),
                    tf.zeros_like(outputs.value),
                    -tf.reduce_sum(tf.exp(log_policy) * log_policy, axis=1),
                    tf.zeros_like(outputs.value),
                    outputs.value,
                    returns,
                    entropy_coef=0.02,
                    batch_size=size,
                )
            gradients = tape.gradient(losses.loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            optimizer.apply(clip_gradients(gradients, 3.0, "global")[0], variables, lr)
            return losses.loss

        self._act, self._learn = act, learn

    def update(self, lr: float) -> None:
        """T decisions and one step."""
        arrays, count = self._emulators.arrays, self._emulators.count
        observations = np.zeros((self._steps, count, SIZE, SIZE, STACK), np.uint8)
        actions = np.zeros((self._steps, count), np.int32)
        rewards, nonterminal = np.zeros((2, self._steps, count), np.float32)
        for t in range(self._steps):
            observations[t] = arrays["observations"]
            policy, _ = self._act(observations[t])
            for number, probabilities in enumerate(policy.numpy().astype(float)):
                actions[t, number] = self._random.multinomial(1, probabilities / probabilities.sum()).argmax()
            self._emulators.step(actions[t])
            rewards[t] = np.clip(arrays["rewards"], -1, 1)
            nonterminal[t] = 1 - arrays["dones"]
        return_t = self._act(arrays["observations"].astype(np.uint8))[1].numpy()
        returns = np.zeros_like(rewards)
        for t in reversed(range(self._steps)):
            return_t = rewards[t] + 0.99 * return_t * nonterminal[t]
            returns[t] = return_t
        batch = observations.reshape(-1, SIZE, SIZE, STACK)
        self._learn(batch, actions.reshape(-1), returns.reshape(-1), np.float32(lr)).numpy()
