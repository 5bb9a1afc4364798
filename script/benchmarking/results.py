"""What the benchmark shows and writes."""

import dataclasses
import json
from pathlib import Path

from benchmarking.timing import Rate, Rounds, medians
from paac.cli.options import Options


class Report:
    """What was measured, shown as it comes."""

    def __init__(self, frame_skip: int):
        self.frame_skip = frame_skip
        self.lines: list[str] = []
        self.tables: dict[str, dict[str, Rate]] = {}
        self.rounds: dict[str, Rounds] = {}

    def say(self, line: str) -> None:
        """One line of the report."""
        print(line, flush=True)
        self.lines.append(line)

    def table(self, title: str, measured: Rounds) -> None:
        """Medians of what was measured in turn."""
        rates = medians(measured, self.frame_skip)
        self.tables[title], self.rounds[title] = rates, measured
        self.say(f"\n| {title:<26} | decisions/s | frames/s |\n|{'-' * 28}|------------:|---------:|")
        for name, rate in rates.items():
            self.say(f"| {name:<26} | {rate.decisions_per_s:>11,.0f} | {rate.frames_per_s:>8,.0f} |")
        self.say("")

    def write(self, folder: Path, options: Options, device: str) -> None:
        """All figures as JSON, the report as Markdown, the tables as a bar chart."""
        from benchmarking.charts import bar_chart

        report = {
            "options": dataclasses.asdict(options),
            "device": device,
            "rounds": self.rounds,
            "medians": {
                title: {name: rate._asdict() for name, rate in rates.items()} for title, rates in self.tables.items()
            },
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "benchmark.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        (folder / "benchmark.md").write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        bars = {
            title: {name: rate.frames_per_s for name, rate in rates.items()} for title, rates in self.tables.items()
        }
        bar_chart(bars, self.lines[0], folder / "benchmark.png")
