"""What all front doors share: one place where errors become one line and an exit code."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from emulators import GameError, WorkerError
from paac.options import OptionError

USER_ERROR = 2  # as argparse: the user can mend it
FAILURE = 1


def run(main: Callable[[Sequence[str]], None]) -> None:
    """Call `main` with the command line and end the process."""
    name = Path(sys.argv[0]).name
    try:
        main(sys.argv[1:])
    except (OptionError, GameError) as error:
        sys.exit(_say(name, " ".join(str(error).split()), USER_ERROR))
    except (WorkerError, OSError, MemoryError) as error:
        sys.exit(_say(name, str(error) or type(error).__name__, FAILURE))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _say(name: str, message: str, code: int) -> int:
    print(f"{name}: {message}", file=sys.stderr)
    return code
