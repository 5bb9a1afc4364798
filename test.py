"""Test a trained agent: whole episodes side by side, and how they scored.

(Not a test of the code: those are in tests/.)
"""

import json
from collections.abc import Sequence
from pathlib import Path

from paac.cli import entry_point


def main(argv: Sequence[str]) -> None:
    from paac.cli.command_line import typed_options
    from paac.cli.options import TestOptions

    typed = typed_options(TestOptions, argv, "Test a trained agent: whole episodes side by side, and how they scored.")

    import numpy as np

    from paac.cli.output_paths import writable_file
    from paac.training.agent import show

    options = TestOptions(**typed)
    if options.json is not None:
        writable_file("--json", options.json)
    shown = show(options)
    scores = np.array([result.score for result in shown.results])
    print(f"Performed {len(scores)} tests for {shown.game}.")
    statistics = {"Mean": scores.mean(), "Min": scores.min(), "Max": scores.max(), "Std": scores.std()}
    for name, value in statistics.items():
        print(f"{name}: {value:.2f}")
    uncertainty = {
        "entropy": float(np.mean([result.entropy for result in shown.results])),
        "disagreement": float(np.mean([result.disagreement for result in shown.results])),
    }
    if options.dropout_samples > 1:
        print(
            f"Uncertainty: {uncertainty['entropy']:.3f} nats in the policy, "
            f"{uncertainty['disagreement']:.3f} of them where {options.dropout_samples} dropout samples disagree"
        )
    cut = [number for number, result in enumerate(shown.results, 1) if result.cut]
    if cut:
        print(f"Cut at the longest that an episode may last: episode {', '.join(map(str, cut))}")
    for gif in shown.gifs:
        print(f"Wrote {gif}")
    if options.json is not None:
        report = {
            "game": shown.game,
            "run": str(shown.run),
            "step": shown.step,
            "seed": shown.seed,
            "noops": shown.noops,
            "greedy": options.greedy,
            "scores": scores.tolist(),
            "lengths": [result.length for result in shown.results],
            "cut": cut,
            "uncertainty": uncertainty,
            "median": float(np.median(scores)),
            **{name.lower(): float(value) for name, value in statistics.items()},
        }
        Path(options.json).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    entry_point.run(main)
