"""Options of a training run from a command line."""

from paac.cli.command_line import typed_options
from paac.cli.options import Options, resolve


def parse_options(argv) -> Options:
    return resolve(typed_options(Options, argv, ""))
