"""The command line: one file a command. A module whose name doesn't begin with ``_`` is a command; ``main`` dispatches.

A command offers ``USAGE`` (what follows its name), ``arguments(parser)`` and ``run(parser, options, out)``, which
returns the exit code; its one-line description is the text ``cli.about.NAME``. Nothing here imports torch until a
command needs it.
"""
