"""What the benchmark shows and writes."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from benchmarking.timing import Rate, Rounds, medians
from paac.cli.options import Options


class Results:
    """What was measured; each line is shown as it comes."""

    def __init__(self, game: Any, frame_skip: int):
        self.game = game
        self.frame_skip = frame_skip
        self.lines: list[str] = []
        self.tables: dict[str, dict[str, Rate]] = {}
        self.rounds: dict[str, Rounds] = {}
        self.scaling: dict[str, dict[str, float]] = {}  # what is varied -> setting -> decisions a second

    def say(self, line: str) -> None:
        """Show a line, and keep it for the file."""
        print(line, flush=True)
        self.lines.append(line)

    def table(self, title: str, measured: Rounds) -> None:
        """Show the medians of what was measured in turn."""
        rates = medians(measured, self.frame_skip)
        self.tables[title], self.rounds[title] = rates, measured
        self.say(f"\n| {title:<26} | decisions/s | frames/s |\n|{'-' * 28}|------------:|---------:|")
        for name, rate in rates.items():
            self.say(f"| {name:<26} | {rate.decisions_per_s:>11,.0f} | {rate.frames_per_s:>8,.0f} |")
        self.say("")

    def write(self, folder: Path, options: Options, device: str) -> None:
        """Write all figures as JSON, the lines as Markdown, the tables and the scaling as charts."""
        from benchmarking.charts import draw_rates, draw_scaling
        from figures.style import styled

        report = {
            "options": dataclasses.asdict(options),
            "device": device,
            "rounds": self.rounds,
            "medians": {
                title: {name: rate._asdict() for name, rate in rates.items()} for title, rates in self.tables.items()
            },
        }
        (folder / "benchmark.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        (folder / "benchmark.md").write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        charts = {"benchmark": draw_rates(self.tables, self.lines[0])}
        if self.scaling:
            charts["scaling"] = draw_scaling(self.scaling, f"{self.game}, the whole loop")
        with styled():
            for name, figure in charts.items():
                figure.savefig(folder / f"{name}.png")
