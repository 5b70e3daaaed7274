"""``danlu COMMAND …``: finds the command, sets the language, turns whatever goes wrong into words and an exit code."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from typing import Any

import danlu.cli
from danlu.cli._faults import DONE, guarded
from danlu.cli._output import Output, use_utf8
from danlu.cli._parser import Parser, UsageError, did_you_mean
from danlu.cli._wrapping import cells, wrap
from danlu.messages import LANGUAGES, say, set_language
from danlu.messages.texts.cli import TEXTS

_FLAGS = ("--json", "--debug")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 done, 1 some inputs failed, 2 a mistake that a person can mend, 3 training stopped to spoil nothing, 70 a defect
    of Danlu, 130 interrupted, 141 the reader of the output went away.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    use_utf8()
    out = Output(as_json="--json" in words)
    return guarded(lambda: _dispatch(words, out), out, debug="--debug" in words)


def commands() -> list[str]:
    """Names of all commands, in the order of their texts."""
    found = [module.name for module in pkgutil.iter_modules(danlu.cli.__path__) if not module.name.startswith("_")]
    texts = [key.removeprefix("cli.about.") for key in TEXTS if key.startswith("cli.about.")]
    return sorted(set(found) - {"main"}, key=texts.index)


def _dispatch(words: list[str], out: Output) -> int:
    words = _set_language(words)
    flags = [word for word in words if word in _FLAGS]
    rest = [word for word in words if word not in _FLAGS]
    if not rest or rest[0] in {"-h", "--help", "help"}:
        if len(rest) > 1 and rest[0] == "help":
            return _run(rest[1], ["--help"], out)
        out.line(_overview())
        out.result({name: say(f"cli.about.{name}") for name in commands()})
        return DONE
    if rest[0] in {"-V", "--version"}:
        return _version(out)
    if rest[0].startswith("-"):
        raise UsageError.of("danlu", say("cli.unknown-option", option=rest[0]), say("cli.see-overview"))
    return _run(rest[0], [*rest[1:], *flags], out)


def _run(name: str, words: Sequence[str], out: Output) -> int:
    known = commands()
    if name not in known:
        what = say("cli.unknown-command", command=name)
        raise UsageError.of("danlu", what, did_you_mean(name, known) or say("cli.see-overview"))
    command: Any = importlib.import_module(f"danlu.cli.{name}")
    parser = Parser(name, command.USAGE)
    command.arguments(parser)
    parser.common()
    code: int = command.run(parser, parser.read(words), out)
    return code


def _set_language(words: list[str]) -> list[str]:
    """``words`` without ``--lang``, which must hold before any help text is made."""
    rest = []
    pending = iter(words)
    for word in pending:
        name, equals, value = word.partition("=")
        if name != "--lang":
            rest.append(word)
            continue
        language = value if equals else next(pending, "")
        match language.lower().replace("_", "-").partition("-")[0]:
            case "en":
                set_language("en")
            case "zh":
                set_language("zh")
            case _:
                what = say("cli.not-one-of", option="--lang", value=language, allowed=", ".join(LANGUAGES))
                raise UsageError.of("danlu", what)
    return rest


def _overview() -> str:
    """What ``danlu --help`` prints."""
    lines = [say("cli.title"), "", say("cli.usage") + "danlu " + say("cli.command-usage"), "", say("cli.commands")]
    names = commands()
    indent = max(map(len, names)) + 4
    for name in names:
        first, *more = wrap(say(f"cli.about.{name}"), 100 - indent)
        lines.append(f"  {name:<{indent - 2}}{first}")
        lines.extend(f"{'':<{indent}}{line}" for line in more)
    lines.extend(["", say("cli.everywhere")])
    options = [(option, say(f"cli.option.{option.strip('-')}")) for option in ("--json", "--lang", "--debug", "--help")]
    names_width = max(cells(option) for option, _ in options) + 4
    lines.extend(f"  {option:<{names_width - 2}}{text}" for option, text in options)
    lines.extend(["", say("cli.first-steps")])
    return "\n".join(lines)


def _version(out: Output) -> int:
    out.line(f"danlu {danlu.__version__}")
    out.result({"danlu": danlu.__version__})
    return DONE
