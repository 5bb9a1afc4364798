"""Train A2C of Stable-Baselines3 on an Atari game, with the hyperparameters of its RL Zoo, and test it.

The folder gets episodes.csv, with the columns of a run of train.py, and RESULT.json. Stopped trainings are not resumed.
It runs in the environment of script/requirements-peers.txt, from the folder script/:
../.peers/bin/python -m benchmarking.train_stable_baselines -g pong -df ../logs/sb3 --seed 1 --max_global_steps 5e6
"""

import argparse
import csv
import json
import time
from importlib.metadata import version
from pathlib import Path

import torch
from stable_baselines3 import A2C
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.sb2_compat.rmsprop_tf_like import RMSpropTFLike

from benchmarking.peers import stable_baselines_environments

FRAME_SKIP = 4  # of Stable-Baselines3's AtariWrapper
TEST_EPISODES = 50
ENVIRONMENTS = 16  # this and the next three values are those of hyperparams/a2c.yml, in DLR-RM/rl-baselines3-zoo
ENTROPY_WEIGHT = 0.01
VALUE_WEIGHT = 0.25
OPTIMIZER = {"optimizer_class": RMSpropTFLike, "optimizer_kwargs": {"eps": 1e-5}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-g", "--game", default="pong", help="name of an Atari game")
    parser.add_argument("-df", "--debugging_folder", type=Path, required=True, help="folder for the results")
    parser.add_argument("--seed", type=int, default=1, help="seed of the training; the tests have this seed plus 1000")
    parser.add_argument("--max_global_steps", type=float, default=5e6, help="decisions of all environments")
    options = parser.parse_args()

    options.debugging_folder.mkdir(parents=True)
    model = A2C(
        "CnnPolicy",
        stable_baselines_environments(options.game, ENVIRONMENTS, options.seed),
        ent_coef=ENTROPY_WEIGHT,
        vf_coef=VALUE_WEIGHT,
        policy_kwargs=OPTIMIZER,
        seed=options.seed,
        device="cpu",
    )
    with (options.debugging_folder / "episodes.csv").open("w", newline="") as file:
        recorder = EpisodeRecorder(file)
        model.learn(int(options.max_global_steps), recorder)
    hours = recorder.seconds() / 3600
    test_environments = stable_baselines_environments(
        options.game, ENVIRONMENTS, options.seed + 1000, terminal_on_life_loss=False, clip_reward=False
    )
    scores, _ = evaluate_policy(
        model, test_environments, TEST_EPISODES, deterministic=False, return_episode_rewards=True
    )
    result = {
        "game": options.game,
        "seed": options.seed,
        "decisions": model.num_timesteps,
        "hours": round(hours, 2),
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in ("stable-baselines3", "torch", "ale-py", "gymnasium")},
        "test": {"mean": sum(scores) / len(scores), "scores": scores},
    }
    (options.debugging_folder / "RESULT.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"{options.game}: mean {result['test']['mean']:.2f} of {len(scores)} tests after {hours:.2f} hours")


class EpisodeRecorder(BaseCallback):
    """Writes a line for each episode that ends: decisions, seconds, environment, score, and length in plays."""

    def __init__(self, file):
        super().__init__()
        self.file = file
        self.lines = csv.writer(file, lineterminator="\n")
        self.lines.writerow(("step", "seconds", "emulator", "reward", "length"))
        self.start = time.perf_counter()

    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def _on_step(self) -> bool:
        for environment, info in enumerate(self.locals["infos"]):
            # The monitor below AtariWrapper sees whole games, frame by frame, with rewards that are not clipped.
            if episode := info.get("episode"):
                length = episode["l"] // FRAME_SKIP
                self.lines.writerow((self.num_timesteps, round(self.seconds(), 1), environment, episode["r"], length))
                self.file.flush()
        return True


if __name__ == "__main__":
    main()
