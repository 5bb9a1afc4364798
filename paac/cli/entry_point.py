"""What all front doors share: one place where errors become one line and an exit code."""

import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

USER_ERROR = 2  # as argparse: the user can mend it
FAILURE = 1


def run(main: Callable[[Sequence[str]], None]) -> None:
    """Call `main` with the command line and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a folder's name may be no text
    name = Path(sys.argv[0]).name
    try:
        sys.exit(_exit_code(main, name))
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        sys.exit(_say(name, f"{error.name} is not installed: pip install -r requirements.txt", USER_ERROR))


def _exit_code(main: Callable[[Sequence[str]], None], name: str) -> int:
    from emulators import GameError, WorkerError  # here, so that Ctrl+C may come while they load
    from paac.cli.errors import UserError

    try:
        main(sys.argv[1:])
    except (UserError, GameError) as error:
        return _say(name, " ".join(str(error).split()), USER_ERROR)
    except BrokenPipeError:  # who was reading has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILURE
    except (WorkerError, OSError, MemoryError) as error:
        return _say(name, str(error) or type(error).__name__, FAILURE)
    return 0


def _say(name: str, message: str, code: int) -> int:
    print(f"{name}: {message}", file=sys.stderr)
    return code
