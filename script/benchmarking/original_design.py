"""The design of the original Manette (2017) as a baseline for speed, with the same game, network and loss as ours.

At each step, its learner calls the network once for all emulators. To learn, it sends the whole batch through the
network a second time. Its emulators run in 8 processes that wait on queues, and the shared memory holds a 4-byte
integer for each byte of an observation. The last two frames of a step are fetched in gray and pooled by their maximum;
Pillow resizes the result, and a ring buffer keeps the last four. The episodes are played by the same rules as ours.
"""

import ctypes
import multiprocessing
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.queues import Queue
from typing import Any

import numpy as np
from PIL import Image

from benchmarking.timing import Workload
from emulators import Game, WorkerError
from emulators.atari import AtariEmulator
from emulators.preprocessing import SIZE, STACK

NUM_PROCESSES = 8
SPAWN = multiprocessing.get_context("spawn")


@contextmanager
def baseline(
    game: Game, count: int, arch: str, max_local_steps: int, emulator_settings: dict[str, Any]
) -> Iterator[dict[str, Workload]]:
    """Start the original design with `count` emulators; yields its whole loop as a workload.

    It runs in its own process, because TensorFlow's threads per operation can be set only once in a process.
    """
    connection, child_connection = SPAWN.Pipe()
    arguments = (child_connection, game, count, arch, max_local_steps, emulator_settings)
    process = SPAWN.Process(target=_serve, args=arguments)
    process.start()
    child_connection.close()

    def make_updates(num_updates: int) -> tuple[int, int]:
        try:
            connection.send(num_updates)
            return connection.recv()
        except (EOFError, OSError):
            raise WorkerError("the process of the design of 2017 has ended") from None

    try:
        yield {"the design of 2017": make_updates}
    finally:
        connection.close()
        process.join()


def _serve(
    connection: Connection,
    game: Game,
    count: int,
    arch: str,
    max_local_steps: int,
    emulator_settings: dict[str, Any],
) -> None:
    """Make the numbers of updates that the connection asks for, until it is closed."""
    from paac.training.tensorflow_setup import start_tensorflow

    start_tensorflow("/cpu:0", op_threads=0)  # 0: one thread per core, the default of TensorFlow 1

    emulators = OriginalPool(game, count, emulator_settings)
    learner = OriginalLearner(emulators, arch, max_local_steps)
    try:
        while True:
            num_updates = connection.recv()
            for _ in range(num_updates):
                learner.update(lr=1e-4)
            decisions = num_updates * max_local_steps * count
            connection.send((decisions, decisions))
    except EOFError:
        emulators.close()


class FrameRing:
    """A ring buffer of the last four frames, used in place of `FrameStack`."""

    def __init__(self):
        self._frames = np.zeros((SIZE, SIZE, STACK), np.uint8)
        self._newest = 0

    def push(self, first: np.ndarray, second: np.ndarray) -> None:
        """Replace the oldest frame by the resized maximum of two gray screens."""
        image = Image.fromarray(np.amax([first, second], axis=0))
        self._newest = (self._newest + 1) % STACK
        self._frames[:, :, self._newest] = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.NEAREST))

    @property
    def observation(self) -> np.ndarray:
        """A new array of the four frames, uint8 [rows, columns, frames], the oldest first."""
        return self._frames[:, :, [(self._newest + 1 + frame) % STACK for frame in range(STACK)]]


class OriginalEmulator(AtariEmulator):
    """An Atari emulator that makes its observations as the original Manette does."""

    def __init__(self, rom: str, **settings: Any):
        super().__init__(rom, **settings)
        self._stack = FrameRing()  # type: ignore[assignment]

    def _play(self, action: int, screens: list[np.ndarray]) -> float:
        reward = 0.0
        for remaining in range(self.frame_skip, 0, -1):
            reward += self._frame(action)
            if remaining <= self.pooled_frames:
                self._ale.getScreenGrayscale(screens[-remaining])
        return reward


class OriginalPool:
    """The emulator processes, and the arrays that they share with the learner: a 4-byte integer for each byte."""

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
        parts = [part.tolist() for part in np.array_split(np.arange(count), min(NUM_PROCESSES, count))]
        self._queues: list[Queue[bool]] = [SPAWN.Queue() for _ in parts]
        self._processes = [
            SPAWN.Process(target=_play, args=(memory, game, part, settings, steps, self._ready), daemon=True)
            for part, steps in zip(parts, self._queues, strict=True)
        ]
        for process in self._processes:
            process.start()
        self._wait()

    def step(self, actions: np.ndarray) -> None:
        """Play one decision in every emulator, and wait for all of them."""
        self.arrays["actions"][:] = actions
        for steps in self._queues:
            steps.put(True)
        self._wait()

    def close(self) -> None:
        """End the processes."""
        for steps in self._queues:
            steps.put(False)
        for process in self._processes:
            process.join()

    def _wait(self) -> None:
        for _ in self._processes:
            while True:
                try:
                    self._ready.get(timeout=1.0)
                    break
                except queue.Empty:
                    if not all(process.is_alive() for process in self._processes):
                        raise RuntimeError("an emulator process of the design of 2017 has ended") from None


def _play(
    memory: dict[str, Any],
    game: Game,
    numbers: list[int],
    settings: dict[str, Any],
    steps: "Queue[bool]",
    ready: "Queue[int]",
) -> None:
    settings = {name: value for name, value in settings.items() if name != "frame_skip"}  # it is always Atari's own
    arrays = {name: np.ctypeslib.as_array(array) for name, array in memory.items()}
    observations = arrays["observations"].reshape(-1, SIZE, SIZE, STACK)
    emulators = {number: OriginalEmulator(game.rom, seed=number, **settings) for number in numbers}
    for number, emulator in emulators.items():
        observations[number] = emulator.reset()
    ready.put(numbers[0])
    while steps.get():
        for number, emulator in emulators.items():
            observation, reward, done = emulator.step(int(arrays["actions"][number]))
            observations[number] = emulator.reset() if done else observation
            arrays["rewards"][number] = reward
            arrays["dones"][number] = done
        ready.put(numbers[0])


class OriginalLearner:
    """Acts T times, then passes the batch through the network again to learn."""

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
        """Make T decisions in every emulator, and one step of the optimizer with learning rate `lr`."""
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
