"""Train A2C of Stable-Baselines3 on an Atari game, with the hyperparameters of its RL Zoo, and test it.

All environments run in one process, the default of Stable-Baselines3. The folder gets episodes.csv, with the columns of
a run of train.py, model.zip every 100,000 decisions, and at the end RESULT.json. The same command resumes a stopped
training at its last model.zip; the environments start new episodes.
It runs in the environment of script/requirements-peers.txt, from the folder script/:
../.peers/bin/python -m benchmarking.train_stable_baselines -g pong -df ../logs/sb3 --seed 1 --max_global_steps 5e6
"""

import argparse
import csv
import json
import os
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
SAVE_INTERVAL = 100_000  # decisions; a multiple of those of an update
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

    folder = options.debugging_folder
    if (folder / "args.json").exists():
        parser.error(f"-df {folder}: this is a run of train.py; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    environments = stable_baselines_environments(options.game, ENVIRONMENTS, options.seed)
    if (folder / "model.zip").exists():
        model = A2C.load(folder / "model.zip", environments, device="cpu")
        if model.seed != options.seed:
            parser.error(f"--seed {options.seed}: the training in {folder} has {model.seed}; choose another folder")
        model.set_random_seed(options.seed + model.num_timesteps)  # not the numbers of the beginning again
    else:
        model = A2C(
            "CnnPolicy",
            environments,
            ent_coef=ENTROPY_WEIGHT,
            vf_coef=VALUE_WEIGHT,
            policy_kwargs=OPTIMIZER,
            seed=options.seed,
            device="cpu",
        )
    recorder = Recorder(folder, model.num_timesteps)
    model.learn(int(options.max_global_steps) - model.num_timesteps, recorder, reset_num_timesteps=False)
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
    (folder / "RESULT.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"{options.game}: mean {result['test']['mean']:.2f} of {len(scores)} tests after {hours:.2f} hours")


class Recorder(BaseCallback):
    """Saves the model, and writes a line for each episode: decisions, seconds, environment, score, and length in plays.

    Lines of an earlier training are kept up to `decisions`, those of the model that is resumed.
    """

    def __init__(self, folder: Path, decisions: int):
        super().__init__()
        self.model_file, self.episodes_file = folder / "model.zip", folder / "episodes.csv"
        kept = [["step", "seconds", "emulator", "reward", "length"]]
        if decisions:
            with self.episodes_file.open(newline="") as file:
                kept += [line for line in list(csv.reader(file))[1:] if int(line[0]) <= decisions]
        self.write(kept, "w")
        earlier_seconds = float(kept[-1][1]) if len(kept) > 1 else 0.0
        self.start = time.perf_counter() - earlier_seconds

    def write(self, lines, mode: str = "a") -> None:
        with self.episodes_file.open(mode, newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(lines)

    def seconds(self) -> float:
        """Seconds of training, those before the last resume included."""
        return time.perf_counter() - self.start

    def _on_rollout_start(self) -> None:
        if self.num_timesteps and self.num_timesteps % SAVE_INTERVAL == 0:
            new_file = self.model_file.with_name("new_model.zip")
            self.model.save(new_file)
            os.replace(new_file, self.model_file)

    def _on_step(self) -> bool:
        lines = []
        for environment, info in enumerate(self.locals["infos"]):
            # The monitor below AtariWrapper sees whole games, frame by frame, with rewards that are not clipped.
            if episode := info.get("episode"):
                length = episode["l"] // FRAME_SKIP
                lines.append((self.num_timesteps, round(self.seconds(), 1), environment, episode["r"], length))
        if lines:
            self.write(lines)
        return True


if __name__ == "__main__":
    main()
