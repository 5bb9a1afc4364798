"""The error of a user's mistake."""


class UserError(ValueError):
    """The user asked for something that cannot be done.

    The message is one line that names the option and the fix; `entry_point.run` prints it and exits with code 2.
    """
