"""The error for the user's mistakes, and the reasons in TensorFlow's errors."""

import re


class UserError(ValueError):
    """A request that cannot be fulfilled.

    The message is one line that names the option and the fix. `entry_point.run` prints it and exits with code 2.
    """


def reason_of(error: Exception) -> str:
    """Return the reason in an error of TensorFlow, such as "No space left on device", without where it happened."""
    lines = [line for line in str(error).splitlines() if not re.match(r"\s*$|Graph execution|Detected at| +File", line)]
    reason = re.sub(r"\{\{.*?\}\}|\[Op:.*", "", lines[0] if lines else "")
    return reason.rpartition("; ")[2].strip() or type(error).__name__
