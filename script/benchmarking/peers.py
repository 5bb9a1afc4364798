"""Other libraries for the same task, which script/requirements-peers.txt lists.

All play Atari with a frame skip of 4, stacks of 4 gray frames of 84 x 84 pixels, random starts and no sticky actions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarking.timing import Workload
from paac.training.tensorflow_setup import stderr_kept_for_errors


def gym_name(rom: str) -> str:
    """Gymnasium's name of a ROM: ms_pacman -> MsPacman."""
    return "".join(word.capitalize() for word in rom.split("_"))


@contextmanager
def vector_environments(rom: str, count: int, threads: int) -> Iterator[dict[str, Workload]]:
    """Yield random play in vector environments written in C++, as workloads.

    They are EnvPool with its default resizing, EnvPool with nearest-pixel resizing, which is cheaper, and ALE's own
    vector environment.
    """
    from ale_py.vector_env import AtariVectorEnv

    with stderr_kept_for_errors():
        environments = {
            "EnvPool": _envpool(rom, count, threads, use_inter_area_resize=True),
            "EnvPool, nearest": _envpool(rom, count, threads, use_inter_area_resize=False),
            "ALE vector": AtariVectorEnv(
                rom, count, num_threads=threads, frameskip=4, noop_max=30, repeat_action_probability=0.0
            ),
        }
    for environment in environments.values():
        environment.reset()
    try:
        yield {name: _random_play(environment, count) for name, environment in environments.items()}
    finally:
        for environment in environments.values():
            environment.close()


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


@contextmanager
def stable_baselines(rom: str, count: int, steps: int) -> Iterator[dict[str, Workload]]:
    """Yield A2C of Stable-Baselines3 as a workload: CnnPolicy (the network of NATURE), environments in processes."""
    from stable_baselines3 import A2C
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import SubprocVecEnv, VecFrameStack

    with stderr_kept_for_errors():  # its processes import TensorFlow if it is installed, and each prints messages
        environments = VecFrameStack(
            make_atari_env(
                f"ale_py:ALE/{gym_name(rom)}-v5",  # "ale_py:" registers the games in each process
                n_envs=count,
                env_kwargs={"frameskip": 1, "repeat_action_probability": 0.0},
                wrapper_kwargs={"terminal_on_life_loss": False},
                vec_env_cls=SubprocVecEnv,
                vec_env_kwargs={"start_method": "spawn"},
            ),
            n_stack=4,
        )
        model = A2C("CnnPolicy", environments, n_steps=steps, device="cpu")

    def learn(updates: int) -> tuple[int, int]:
        decisions = updates * steps * count
        model.learn(decisions, reset_num_timesteps=False)
        return decisions, decisions

    try:
        yield {"Stable-Baselines3 A2C": learn}
    finally:
        environments.close()
