"""Test a trained agent: play whole episodes, and print statistics of their scores.

The tests of the code are in tests/.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Python leaves it out with PYTHONSAFEPATH

from paac.cli import entry_point


def main(argv: Sequence[str]) -> None:
    from paac.cli.film_options import parse_test_options

    options = parse_test_options(
        argv, "Test a trained agent: play whole episodes, and print statistics of their scores."
    )

    from paac.cli.output_paths import writable_file, write_output
    from paac.training.agent import evaluate_agent

    if options.json is not None:
        writable_file("--json", options.json)
    evaluation = evaluate_agent(options)
    report = evaluation.report()
    # ExitStack calls these last to first, each even if another one fails: tests may take hours.
    with ExitStack() as at_the_end:
        if evaluation.films:
            at_the_end.callback(evaluation.save_films, options.gif_scale, print)
        at_the_end.callback(print_report, report, options.dropout_samples)
        if options.json is not None:
            write_output(Path(options.json), json.dumps(report, indent=2) + "\n")


def print_report(report: dict[str, Any], dropout_samples: int) -> None:
    from paac.cli.words import counted

    print(f"Performed {counted(len(report['scores']), 'test')} for {report['game']}.")
    for name in ("mean", "min", "max", "std"):
        print(f"{name.capitalize()}: {report[name]:.2f}")
    if dropout_samples > 1:
        uncertainty = report["uncertainty"]
        print(
            f"Uncertainty: the policy's entropy is {uncertainty['entropy']:.3f} nats, of which "
            f"{uncertainty['mutual_information']:.3f} come from disagreement between the {dropout_samples} dropout "
            "samples"
        )
    if report["truncated"]:
        print(f"Truncated by a limit on its length: episode {', '.join(map(str, report['truncated']))}")


if __name__ == "__main__":
    entry_point.run(main)
