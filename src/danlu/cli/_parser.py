"""argparse in the reader's language: mistakes are problems (where, what, remedy), wide characters wrap right."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import NoReturn

from danlu.cli._wrapping import wrap
from danlu.errors import DanluError
from danlu.messages import LANGUAGES, say


class UsageError(DanluError):
    """The command line can't be understood."""


class Parser(argparse.ArgumentParser):
    """The parser of one command. Positional arguments may stand before, between and after options."""

    def __init__(self, command: str, usage: str) -> None:
        super().__init__(
            prog=f"danlu {command}",
            usage=f"danlu {command} {usage}".rstrip(),
            description=say(f"cli.about.{command}"),
            formatter_class=_Formatter,
            add_help=False,
            allow_abbrev=False,
            exit_on_error=False,
        )
        self.command = command
        self._positionals.title = say("cli.arguments")
        self._optionals.title = say("cli.options")

    def common(self) -> None:
        """The options that every command has; added last, so that a command's own come first."""
        self.add_argument("--json", action="store_true", help=say("cli.option.json"))
        self.add_argument("--lang", metavar="|".join(LANGUAGES), help=say("cli.option.lang"))
        self.add_argument("--debug", action="store_true", help=say("cli.option.debug"))
        self.add_argument("-h", "--help", action="help", help=say("cli.option.help"))

    def format_help(self) -> str:
        """argparse puts an English colon behind its headings."""
        text = super().format_help()
        for title in (self._positionals.title, self._optionals.title):
            text = text.replace(f"\n{title}:\n", f"\n{say('cli.heading', title=title)}\n")
        return text

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Parsed ``words``. Raises :class:`UsageError`."""
        try:
            options, rest = self.parse_known_intermixed_args(list(words))
        except argparse.ArgumentError as error:
            raise self.mistake(say("cli.misused", option=error.argument_name), self.see_help()) from error
        if rest:
            known = [name for action in self._actions for name in action.option_strings]
            what = [say("cli.unknown-option", option=word) for word in rest]
            raise UsageError.of(
                self.prog, " ".join(what), did_you_mean(rest[0].partition("=")[0], known) or self.see_help()
            )
        return options

    def mistake(self, what: str, remedy: str = "") -> DanluError:
        """A problem with this command's words, to raise."""
        return UsageError.of(self.prog, what, remedy or self.see_help())

    def only(self, argument: str, words: Sequence[str]) -> str:
        """The one value of a positional argument. Raises :class:`UsageError` where there is none, or more than one."""
        if not words:
            raise self.mistake(say("cli.missing", argument=argument))
        if len(words) > 1:
            raise self.mistake(say("cli.only-one", argument=argument, word=words[1]))
        return words[0]

    def see_help(self) -> str:
        return say("cli.see-help", command=self.command)

    def error(self, message: str) -> NoReturn:
        """argparse's own way out, in English; nothing of ours is known to lead here."""
        raise self.mistake(message)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "Did you mean …?" with the nearest of ``known``; empty where none is near."""
    from danlu.recipe import nearest

    return nearest.did_you_mean(word, known)


def one_of(parser: Parser, option: str, value: str, allowed: Sequence[str]) -> str:
    """``value`` if it is allowed, else a problem with what is allowed and the nearest."""
    if value in allowed:
        return value
    what = say("cli.not-one-of", option=option, value=value, allowed=", ".join(allowed))
    raise parser.mistake(what, did_you_mean(value, allowed))


class _Formatter(argparse.HelpFormatter):
    """argparse's layout, with our word for "usage:" and lines wrapped by the cells they take."""

    def add_usage(self, usage, actions, groups, prefix=None):  # type: ignore[no-untyped-def]
        super().add_usage(usage, actions, groups, say("cli.usage") if prefix is None else prefix)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(text, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "".join(f"{indent}{line}\n" for part in text.splitlines() for line in wrap(part, width) or [""])
