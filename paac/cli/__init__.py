"""The command line: options, their checks, and how an entry point ends."""
