"""argparse's parser with errors that a user can act on: each is one line, and names the option that was meant."""

import argparse
import shutil
from collections.abc import Sequence
from typing import Any

from paac.cli.errors import UserError
from paac.cli.words import did_you_mean

HELP_HINT = "--help lists the options"


class Parser(argparse.ArgumentParser):
    """A parser that accepts no abbreviations. Its errors are UserErrors."""

    def __init__(self, usage: str, description: str):
        super().__init__(usage=usage, description=description, allow_abbrev=False, formatter_class=_HelpFormatter)

    def error(self, message: str) -> Any:
        """Raise UserError with argparse's message."""
        raise UserError(f"{message}; {HELP_HINT}")

    def values(self, argv: Sequence[str]) -> dict[str, Any]:
        """Return the parsed values by their names. Raises UserError."""
        typed = list(argv)
        for argument in typed[: typed.index("--") if "--" in typed else None]:
            self._check_form(argument)
        # Options may stand between positional arguments, except with --, which that way of parsing would misread.
        parse = self.parse_known_args if "--" in typed else self.parse_known_intermixed_args
        parsed, unknown = parse(typed)
        if unknown:
            self._refuse(unknown[0], typed)
        return vars(parsed)

    def _check_form(self, argument: str) -> None:
        """Raise UserError for a switch with a value, and for a long flag with one dash, which argparse misreads.

        It would take "-game" for "-g ame".
        """
        name, has_value, _ = argument.partition("=")
        if has_value and self._is_switch(name):
            self._refuse_value_of_switch(name)
        if argument.startswith("-") and name not in self._option_string_actions and f"-{name}" in self._flags():
            self._refuse_flag(name)

    def _refuse(self, argument: str, argv: Sequence[str]) -> None:
        if argument.startswith("-"):
            self._refuse_flag(argument.partition("=")[0])
        before = argv[argv.index(argument) - 1] if argument in argv[1:] else ""
        if self._is_switch(before):
            self._refuse_value_of_switch(before)
        raise UserError(f"{argument}: no option takes this value; type the option before it; {HELP_HINT}")

    def _refuse_flag(self, name: str) -> None:
        hint = did_you_mean(name, self._flags())
        raise UserError(f"there is no option {name}{hint or ';'} {HELP_HINT}")

    def _refuse_value_of_switch(self, name: str) -> None:
        flags = self._option_string_actions[name].option_strings
        on, *off = [flag for flag in flags if flag.startswith("--")]
        how = f"type {on} for on and {off[0]} for off" if off else "leave the value out"
        raise UserError(f"{name}: this option takes no value; {how}")

    def _is_switch(self, flag: str) -> bool:
        action = self._option_string_actions.get(flag)
        return action is not None and action.nargs == 0

    def _flags(self) -> dict[str, str]:
        """Return each flag, and each flag that a user may expect: spelling -> the flag to type."""
        flags = {flag: flag for flag in self._option_string_actions}
        names = {f"--{action.dest}": action.option_strings for action in self._actions}  # the names in args.json
        flags |= {name: strings[-1] for name, strings in names.items() if strings and name not in flags}
        for action in self._actions:
            off = [flag for flag in action.option_strings if flag.startswith("--no-")]
            if off:
                flags |= {f"--no-{flag.lstrip('-')}": off[0] for flag in action.option_strings if flag not in off}
        return flags


class _HelpFormatter(argparse.HelpFormatter):
    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=36, width=min(120, max(80, shutil.get_terminal_size().columns)))
