"""What to measure, as typed."""

import dataclasses
import importlib.util
from collections.abc import Sequence

from networks.registry import TORSOS
from paac.cli.command_line import AT_LEAST_ONE, POSITIVE, option, typed_options
from paac.cli.errors import UserError
from paac.cli.options import Options, resolve, usable_cores


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkOptions(Options):
    """A training's options, and how to measure."""

    # fmt: off
    archs: str = option("NIPS,NATURE", group="Benchmark", help="networks to measure, with commas between")
    rounds: int = option(5, group="Benchmark", limit=AT_LEAST_ONE, help="times that each figure is measured")
    seconds: float = option(4.0, group="Benchmark", limit=POSITIVE, help="about how long each takes")
    peers: bool = option(False, group="Benchmark", help="EnvPool, ALE's own vectors and Stable-Baselines3 too")
    baseline: bool = option(False, group="Benchmark", help="the original's design of 2017 too")
    scaling: bool = option(False, group="Benchmark", help="8 to 256 emulators, 1 to 8 workers, all networks, RGB")
    processes: int | None = option(None, group="Benchmark", limit=AT_LEAST_ONE, help="one process beside N with a share of its emulators and cores")
    startup: bool = option(False, group="Benchmark", help="seconds to the first update")
    memory: int | None = option(None, group="Benchmark", limit=AT_LEAST_ONE, help="memory of a training of N decisions")
    folder: str | None = option(None, group="Benchmark", help="where to write benchmark.json, benchmark.md and charts")
    # fmt: on


def check_peers() -> None:
    """Raise UserError unless they are installed."""
    for module in ("envpool", "stable_baselines3", "cv2"):
        if importlib.util.find_spec(module) is None:
            raise UserError(f"--peers: {module} is not there; pip install -r script/requirements-peers.txt")


def read_options(argv: Sequence[str], description: str) -> tuple[BenchmarkOptions, list[str]]:
    """The options and the networks to measure. Raises UserError."""
    typed = typed_options(BenchmarkOptions, argv, description)
    options: BenchmarkOptions = resolve(typed, cls=BenchmarkOptions)
    archs = options.archs.split(",") if "arch" not in typed else [options.arch]
    for arch in archs:
        if arch not in TORSOS:
            raise UserError(f"--archs {options.archs}: {arch!r} is not one of {', '.join(TORSOS)}")
    if options.peers:
        check_peers()
    if options.processes and (options.emulator_counts % options.processes or options.processes > usable_cores()):
        raise UserError(
            f"--processes {options.processes}: must divide the {options.emulator_counts} of --emulator_counts, and be "
            f"at most the {usable_cores()} cores of this machine"
        )
    if options.baseline and (options.max_repetition or options.rgb or options.protocol != "original"):
        raise UserError("--baseline: plays the original's way; leave --max_repetition, --rgb and --protocol out")
    if options.baseline or options.peers:
        from emulators import find_game

        if find_game(options.game, options.rom_path).platform != "atari":
            raise UserError(f"-g {options.game}: --peers and --baseline play Atari only; leave them out")
    return dataclasses.replace(options, arch=archs[0]), archs
