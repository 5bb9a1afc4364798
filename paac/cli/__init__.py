"""The command line: options and their checks, and what all entry points do with errors."""
