"""Checks of error messages."""


def message_of(error):
    """Return the message of an exception that pytest caught, after a check that it is one line."""
    message = str(error.value)
    assert "\n" not in message
    return message
