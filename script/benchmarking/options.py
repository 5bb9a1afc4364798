"""The options of the benchmark."""

import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from networks.registry import TORSOS
from paac.cli.command_line import AT_LEAST_ONE, CHOSEN_AT_START, PATH, POSITIVE, option, refuse_changed, typed_options
from paac.cli.errors import UserError
from paac.cli.options import Options, resolve, usable_cores
from paac.cli.words import did_you_mean
from paac.training.find_runs import check_rom_path

UNUSED_OPTIONS = {  # options of a training that change nothing that is measured
    *("visualize", "figar_discount", "gamma", "reward_clip", "alpha", "e", "clip_norm", "clip_norm_type"),
    *("initial_lr", "scale_lr", "lr_annealing_steps", "entropy_regularisation_strength"),
    *("softmax_temp", "egreedy", "epsilon", "annealed", "annealed_steps"),
    *(
        "max_global_steps",
        "debugging_folder",
        "visualize_convs",
        "log_video",
        "eval_interval",
        "eval_episodes",
        "checkpoint_interval",
        "keep_checkpoints",
    ),
}

PEERS_PYTHON = Path(__file__).resolve().parents[2] / ".peers/bin/python"
PEER_MODULES = "envpool", "ale_py", "stable_baselines3", "cv2"


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkOptions(Options):
    """Options of benchmark.py: those of a training run, of which `UNUSED_OPTIONS` have no flags, and what to measure."""

    # fmt: off
    archs: str = option("NIPS,NATURE", group="Benchmark", help="networks to measure, separated by commas")
    rounds: int = option(5, group="Benchmark", limit=AT_LEAST_ONE, help="number of rounds; each round measures everything once")
    seconds: float = option(4.0, group="Benchmark", limit=POSITIVE, help="approximate duration of each measurement in a round, in seconds")
    peers: bool = option(False, group="Benchmark", help="also measure EnvPool, ALE's vector environment and Stable-Baselines3, each in a process of its own; script/requirements-peers.txt lists them")
    peers_python: str = option(CHOSEN_AT_START, group="Benchmark", limit=PATH, help="Python interpreter of the environment with these libraries (.peers/bin/python if it exists, else the one that runs the benchmark)")
    baseline: bool = option(False, group="Benchmark", help="also measure the design of the original Manette (2017)")
    scaling: bool = option(False, group="Benchmark", help="also measure the loop with 8 to 256 emulators, with 1 to 8 workers, and with each network in gray and RGB")
    processes: int | None = option(None, group="Benchmark", limit=AT_LEAST_ONE, help="also compare one process with N processes that divide its emulators and cores among them")
    startup: bool = option(False, group="Benchmark", help="also measure the seconds from the start of Python to the first update")
    memory: int | None = option(None, group="Benchmark", limit=AT_LEAST_ONE, help="also measure the memory of a training run of N decisions")
    tune: bool = option(False, group="Benchmark", help="measure nothing else, but find the fastest --emulator_workers, --shards and --op_threads of this machine for --arch, and print the command")
    folder: str | None = option(None, group="Benchmark", limit=PATH, help="folder for benchmark.json, benchmark.md and charts (no files are written)")
    # fmt: on


def check_peers(python: str) -> None:
    """Raise UserError unless the libraries that --peers measures are installed for the interpreter `python`."""
    code = f"import importlib.util as u; print(*(m for m in {PEER_MODULES} if u.find_spec(m) is None))"
    try:
        checked = subprocess.run([python, "-c", code], capture_output=True, text=True)
    except OSError as error:
        raise UserError(
            f"--peers_python {python}: cannot be run ({error.strerror}); name a Python interpreter"
        ) from None
    if checked.returncode or checked.stdout.strip():
        missing = checked.stdout.strip() or "Python"
        raise UserError(
            f"--peers: {missing} not found by {python}; run python3 -m venv .peers && .peers/bin/pip install -r "
            "script/requirements-peers.txt"
        )


def read_options(argv: Sequence[str], description: str) -> tuple[BenchmarkOptions, list[str]]:
    """Parse the command line; returns the options and the networks to measure.

    Raises UserError for options that cannot be measured.
    """
    typed = typed_options(BenchmarkOptions, argv, description, without=UNUSED_OPTIONS)
    typed.setdefault("peers_python", str(PEERS_PYTHON) if PEERS_PYTHON.exists() else sys.executable)
    check_rom_path(typed.get("rom_path"))
    options: BenchmarkOptions = resolve(typed, cls=BenchmarkOptions)
    archs = options.archs.split(",") if "arch" not in typed else [options.arch]
    for arch in archs:
        if arch not in TORSOS:
            names = ", ".join(TORSOS)
            raise UserError(
                f"--archs {options.archs}: {arch!r} is not one of {names}{did_you_mean(arch, list(TORSOS))}"
            )
    if "arch" in typed and "archs" in typed:
        raise UserError(f"--archs {options.archs}: has no effect with --arch; leave one of them out")
    if options.tune:
        others = ("archs", "peers", "baseline", "scaling", "processes", "startup", "memory", "folder")
        refuse_changed(options, others, "has no effect with --tune")
    if options.peers:
        check_peers(options.peers_python)
    if options.processes and (options.emulator_counts % options.processes or options.processes > usable_cores()):
        raise UserError(
            f"--processes {options.processes}: must divide --emulator_counts {options.emulator_counts} evenly, and be "
            f"at most {usable_cores()}, the number of cores"
        )
    if options.baseline and (options.max_repetition or options.rgb or options.protocol != "original"):
        raise UserError("--baseline: cannot use --max_repetition, --rgb or --protocol machado; leave them out")
    if options.baseline or options.peers:
        from emulators import find_game

        if find_game(options.game, options.rom_path, options.env_kwargs).platform != "atari":
            raise UserError(f"-g {options.game}: --peers and --baseline only play Atari games; leave them out")
    return dataclasses.replace(options, arch=archs[0]), archs
