"""The results of the benchmark, printed and written to files."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from benchmarking.timing import Rate, Rounds, medians
from paac.cli.options import Options


class Results:
    """Collects what is measured, and prints and writes it immediately."""

    def __init__(self, game: Any, frame_skip: int, options: Options, device: str, folder: Path | None = None):
        self.game = game
        self.frame_skip = frame_skip
        self._options, self._device, self._folder = options, device, folder
        self.lines: list[str] = []
        self.tables: dict[str, dict[str, Rate]] = {}
        self.rounds: dict[str, Rounds] = {}
        self.scaling: dict[str, dict[str, float]] = {}  # varied option -> setting -> decisions per second

    def print_line(self, line: str) -> None:
        """Print a line, and keep it for benchmark.md."""
        print(line, flush=True)
        self.lines.append(line)

    def add_table(self, title: str, rounds: Rounds) -> None:
        """Print a table of the medians over the rounds, and keep both."""
        rates = medians(rounds, self.frame_skip)
        self.tables[title], self.rounds[title] = rates, rounds
        self.print_line(f"\n| {title:<26} | decisions/s | frames/s |\n|{'-' * 28}|------------:|---------:|")
        for name, rate in rates.items():
            self.print_line(f"| {name:<26} | {rate.decisions_per_s:>11,.0f} | {rate.frames_per_s:>8,.0f} |")
        self.print_line("")
        self.write()

    def write(self) -> None:
        """Write the speeds as JSON, the printed lines as Markdown, and charts of the tables and of the scaling.

        Without a folder, write nothing. Later results replace the files, so an error loses only what comes after it.
        """
        if self._folder is None:
            return
        from benchmarking.charts import draw_rates, draw_scaling
        from figures.style import save_figure

        report = {
            "options": dataclasses.asdict(self._options),
            "device": self._device,
            "rounds": self.rounds,
            "scaling": self.scaling,
            "medians": {
                title: {name: rate._asdict() for name, rate in rates.items()} for title, rates in self.tables.items()
            },
        }
        (self._folder / "benchmark.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        (self._folder / "benchmark.md").write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        charts = {"benchmark": draw_rates(self.tables, self.lines[0])}
        if self.scaling:
            charts["scaling"] = draw_scaling(self.scaling, f"{self.game}, the whole loop")
        for name, figure in charts.items():
            save_figure(figure, self._folder, name)
