"""The error for the user's mistakes."""


class UserError(ValueError):
    """A request that cannot be fulfilled.

    The message is one line that names the option and the fix. `entry_point.run` prints it and exits with code 2.
    """
