"""What all entry points share: expected errors become a message and an exit code."""

import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

USER_ERROR = 2  # the user can fix it; the same code as argparse's
FAILURE = 1


def run(main: Callable[[Sequence[str]], None]) -> None:
    """Call `main` with the arguments of the command line, and exit with the right code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file name may not be valid UTF-8
    name = Path(sys.argv[0]).name
    try:
        sys.exit(_exit_code(main, name))
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        sys.exit(_report(name, f"{error.name} is not installed: pip install -r requirements.txt", USER_ERROR))


def _exit_code(main: Callable[[Sequence[str]], None], name: str) -> int:
    from emulators import GameError, WorkerError  # inside the function, so that `run` handles Ctrl+C while they load
    from paac.cli.errors import UserError

    try:
        main(sys.argv[1:])
    except (UserError, GameError) as error:
        return _report(name, " ".join(str(error).split()), USER_ERROR)
    except BrokenPipeError:  # the program that reads the output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILURE
    except (WorkerError, OSError, MemoryError) as error:
        return _report(name, str(error) or type(error).__name__, FAILURE)
    return 0


def _report(name: str, message: str, code: int) -> int:
    print(f"{name}: {message}", file=sys.stderr)
    return code
