"""Entry points whose output is closed, is a file or is read by a program that ends, and names that are not UTF-8."""

import os
import subprocess
import sys

import pytest

from tests.helpers import ROOT
from tests.helpers.commands import assert_one_line


def run(main, redirection="", **settings):
    """Run an entry point whose `main` has this body, with its output redirected as a shell does."""
    code = f"import os, sys\nfrom paac.cli import entry_point\ndef main(argv):\n    {main}\nentry_point.run(main)"
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    return subprocess.run(shell, env=environment, capture_output=True, text=True, **settings)


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-"])
def test_a_command_without_stdout_or_stderr_works(redirection):
    writes = "print('out'); print('err', file=sys.stderr); os.write(1, b'out'); os.write(2, b'err'); sys.stderr.flush()"
    done = run(writes, redirection)
    assert done.returncode == 0
    assert ("out" in done.stdout, "err" in done.stderr) == (" >&-" not in f" {redirection}", "2>&-" not in redirection)


def test_a_killed_command_leaves_its_lines_in_the_file_that_it_writes_to(tmp_path):
    run("print('seed 5'); os._exit(9)", "> lines", cwd=tmp_path)
    assert (tmp_path / "lines").read_text() == "seed 5\n"


def test_a_name_that_is_not_utf8_gives_a_one_line_error():
    refused = run("raise UnicodeEncodeError('utf-8', 'a\\udcff', 1, 2, '')")
    assert refused.returncode == 2
    assert_one_line(refused.stderr, r"'a\udcff': this name is not valid in UTF-8; rename the file or folder")


def test_too_little_memory_on_the_device_is_one_line():
    raises = "raise tf.errors.ResourceExhaustedError(None, None, 'OOM when allocating [9]')"
    in_network = "with errors_of('NIPS', 'networks.nips'):"  # which names the file of all other errors there
    failed = run(f"import tensorflow as tf; from networks.errors import errors_of\n    {in_network} {raises}")
    assert failed.returncode == 1
    message = "too little free memory (OOM when allocating [9]); use fewer emulators"
    assert_one_line(failed.stderr.splitlines()[-1], message)


def test_another_error_keeps_its_traceback():
    assert "Traceback" in run("raise RuntimeError('a mistake in the code')").stderr
