"""Other libraries for the same task, which script/requirements-peers.txt lists.

All play Atari with a frame skip of 4, stacks of 4 gray frames of 84 x 84 pixels, random starts and no sticky actions.

Each library runs in a process of its own, and may have a Python environment of its own: PyTorch and TensorFlow in one
process can crash it. `python -m benchmarking.peers NAME ROM COUNT THREADS STEPS` is that process. It reads a number of
steps from each line of its input, runs them, and answers with a line of decisions and plays.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarking.timing import Workload, WorkloadError

SCRIPTS = Path(__file__).resolve().parents[1]
VECTOR_ENVIRONMENTS = "EnvPool", "EnvPool, nearest", "ALE vector"
# Its environments run in its own process, the default of Stable-Baselines3, or each in a process of its own.
_, A2C_WITH_SUBPROCESSES = A2C_VARIANTS = "SB3 A2C, one process", "SB3 A2C, subprocesses"


class Peer:
    """A library in a process of its own, as a workload; a context manager that ends the process."""

    def __init__(self, name: str, rom: str, count: int, threads: int, steps: int, python: str):
        """Start the process with the interpreter `python`; the other arguments are those of `peer_workload`."""
        self.name = name
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # a pipe that nobody reads could fill up
        self._process = subprocess.Popen(
            [python, "-m", "benchmarking.peers", name, rom, *map(str, (count, threads, steps))],
            cwd=SCRIPTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def __call__(self, steps: int) -> tuple[int, int]:
        """Run the library for `steps` steps or updates. Raises WorkloadError if its process has ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        try:
            stdin.write(f"{steps}\n")
            stdin.flush()
            decisions, plays = map(int, stdout.readline().split())
        except (OSError, ValueError):
            self._process.communicate()
            self._errors.seek(0)
            error = self._errors.read()
            reason = (error.strip().splitlines() or [f"its process ended with {self._process.returncode}"])[-1]
            raise WorkloadError(f"{self.name} failed and is left out: {reason}") from None
        return decisions, plays


def peer_workload(name: str, rom: str, count: int, threads: int, steps: int) -> Workload:
    """The workload of library `name` with `count` environments, made in this process.

    `threads` are those of the vector environments, `steps` the decisions per environment and update of A2C.
    """
    if name in A2C_VARIANTS:
        return _stable_baselines(rom, count, steps, subprocesses=name == A2C_WITH_SUBPROCESSES)
    return _random_play(_vector_environment(name, rom, count, threads), count)


def serve(name: str, rom: str, *numbers: str) -> None:
    """Answer requests until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # a library may print
    workload = peer_workload(name, rom, *map(int, numbers))
    for line in sys.stdin:
        print(*workload(int(line)), file=answers, flush=True)


def gym_name(rom: str) -> str:
    """Gymnasium's name of a ROM: ms_pacman -> MsPacman."""
    return "".join(word.capitalize() for word in rom.split("_"))


def _vector_environment(name: str, rom: str, count: int, threads: int) -> Any:
    """A vector environment written in C++: EnvPool with averaging or, cheaper, nearest-pixel resizing, or ALE's own."""
    if name == "ALE vector":
        from ale_py.vector_env import AtariVectorEnv

        environment = AtariVectorEnv(
            rom, count, num_threads=threads, frameskip=4, noop_max=30, repeat_action_probability=0.0
        )
    else:
        environment = _envpool(rom, count, threads, use_inter_area_resize=name == "EnvPool")
    environment.reset()
    return environment


def _envpool(rom: str, count: int, threads: int, use_inter_area_resize: bool) -> Any:
    import envpool

    return envpool.make(
        f"{gym_name(rom)}-v5",
        env_type="gymnasium",
        num_envs=count,
        batch_size=count,
        num_threads=threads,
        frame_skip=4,
        noop_max=30,
        repeat_action_probability=0.0,
        use_inter_area_resize=use_inter_area_resize,
    )


def _random_play(environment: Any, count: int) -> Workload:
    import numpy as np

    random = np.random.default_rng()
    space = getattr(environment, "single_action_space", environment.action_space)  # EnvPool has no single_action_space

    def play(steps: int) -> tuple[int, int]:
        for actions in random.integers(0, space.n, (steps, count)):
            environment.step(actions)
        return steps * count, steps * count

    return play


def stable_baselines_environments(
    rom: str, count: int, seed: int | None = None, subprocesses: bool = False, **wrapper: bool
) -> Any:
    """Environments of Stable-Baselines3; with `subprocesses`, each in its own process. `wrapper` are arguments of its AtariWrapper."""
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecFrameStack

    environments = make_atari_env(
        f"ale_py:ALE/{gym_name(rom)}-v5",  # "ale_py:" registers the games in each process
        n_envs=count,
        seed=seed,
        env_kwargs={"frameskip": 1, "repeat_action_probability": 0.0},
        wrapper_kwargs=wrapper,
        vec_env_cls=SubprocVecEnv if subprocesses else DummyVecEnv,
        vec_env_kwargs={"start_method": "spawn"} if subprocesses else {},
    )
    return VecFrameStack(environments, n_stack=4)


def _stable_baselines(rom: str, count: int, steps: int, subprocesses: bool) -> Workload:
    """A2C of Stable-Baselines3 with CnnPolicy, the network of NATURE."""
    from stable_baselines3 import A2C

    environments = stable_baselines_environments(rom, count, subprocesses=subprocesses, terminal_on_life_loss=False)
    model = A2C("CnnPolicy", environments, n_steps=steps, device="cpu")

    def learn(updates: int) -> tuple[int, int]:
        decisions = updates * steps * count
        model.learn(decisions, reset_num_timesteps=False)
        return decisions, decisions

    return learn


if __name__ == "__main__":
    serve(*sys.argv[1:])
