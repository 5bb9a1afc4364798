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
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name may not be valid UTF-8. Each line is written at once, even into a file: a killed command
            # leaves all its lines.
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    name = Path(sys.argv[0]).name
    try:
        sys.exit(_exit_code(main, name))
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        sys.exit(_report(name, f"{error.name} is not installed: pip install -r requirements.txt", USER_ERROR))


def _open_closed_streams() -> None:
    """Let output go nowhere if the command was started without stdout or stderr, as with 2>&-."""
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            setattr(sys, name, open(descriptor, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def _exit_code(main: Callable[[Sequence[str]], None], name: str) -> int:
    from emulators import GameError, WorkerError  # inside the function, so that `run` handles Ctrl+C while they load
    from networks.errors import NetworkError
    from paac.cli.errors import UserError, reason_of

    try:
        main(sys.argv[1:])
    except (UserError, GameError, NetworkError) as error:
        return _report(name, " ".join(str(error).split()), USER_ERROR)
    except UnicodeEncodeError as error:  # a name in a folder that the user has named
        return _report(
            name, f"{error.object!r}: this name is not valid in UTF-8; rename the file or folder", USER_ERROR
        )
    except BrokenPipeError:  # the program that reads the output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILURE
    except (WorkerError, OSError, MemoryError) as error:
        return _report(name, str(error) or type(error).__name__, FAILURE)
    except Exception as error:
        if not _is_out_of_device_memory(error):
            raise
        hint = "use fewer emulators or a smaller network; on a GPU, end other programs that use it, or use -d /cpu:0"
        return _report(name, f"the device has too little free memory ({reason_of(error)}); {hint}", FAILURE)
    return 0


def _is_out_of_device_memory(error: Exception) -> bool:
    tensorflow = sys.modules.get("tensorflow")  # loaded only by commands that compute
    return tensorflow is not None and isinstance(error, tensorflow.errors.ResourceExhaustedError)


def _report(name: str, message: str, code: int) -> int:
    print(f"{name}: {message}", file=sys.stderr)
    return code
