"""The one error that is the user's to mend."""


class BadInput(ValueError):
    """A file, a song or a parameter that cannot be used.

    The message is one line: it names the file or the key, says what is wrong with it and what to
    do. Commands print it and stop; anything else that is raised is a fault of this project.
    """
