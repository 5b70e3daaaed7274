"""The chapters of the guide: their code runs, gives what they say, calls nothing deprecated, and is the same in both languages."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
import warnings
from pathlib import Path

import pytest
import torch
import torchvision
from tests.project.chapters import Block, Told, alike, blocks, chapters, code, commands, run
from torch import nn

from danlu.cli import _recipes, main
from danlu.cli._parser import Parser
from danlu.messages import LANGUAGES, Language, say, set_language

ROOT = Path(__file__).parents[2]
EVERY = [(language, page) for language in LANGUAGES for page in chapters(ROOT, language)]
GUIDES = [ROOT / "docs" / language / "guide" / "README.md" for language in LANGUAGES]
LONGEST = 160  # lines of a chapter

# What the founding guide, or much that was written in its time, calls, and nobody should any more.
OLD = re.compile(
    r"torch\.cuda\.amp|pretrained=True|\[:, -1|\.data\b|torch\.load\(|Variable\(|volatile|nn\.DataParallel"
    r"|torch\.quantization|nn\.BCELoss\(|F\.tanh\(|F\.sigmoid\(|weights_only=False"
)


def named(path: Path) -> str:
    return f"{path.parts[-3]}/{path.stem}"


@pytest.mark.parametrize(("language", "page"), EVERY, ids=[named(page) for _, page in EVERY])
def test_a_chapter_gives_what_it_says(
    language: Language, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    set_language(language)
    with warnings.catch_warnings():
        for kind in (DeprecationWarning, FutureWarning, PendingDeprecationWarning):
            warnings.simplefilter("error", kind)
        told = run(page.read_text(encoding="utf-8"), str(page))
    assert len(told) >= 3, "a chapter shows numbers"
    wrong = [f"{page.name}:{each.line}: said\n{each.expected}\ngave\n{each.found}" for each in told if not each.same]
    assert not wrong, "\n\n".join(wrong)
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("name", [page.name for page in chapters(ROOT, "en")])
def test_both_languages_have_the_same_code(name: str) -> None:
    english, chinese = (
        blocks((ROOT / "docs" / language / "guide" / name).read_text(encoding="utf-8")) for language in LANGUAGES
    )
    assert [block.kind for block in english] == [block.kind for block in chinese]
    for one, other in zip(english, chinese, strict=True):
        assert code(one) == code(other), f"lines {one.line} and {other.line}"


def test_the_chapters_are_there_in_both_languages_one_after_the_other() -> None:
    names = {language: [page.name for page in chapters(ROOT, language)] for language in LANGUAGES}
    assert names["en"] == names["zh"]
    assert [name[:2] for name in names["en"]] == [f"{number:02d}" for number in range(1, len(names["en"]) + 1)]
    for guide in GUIDES:
        contents = guide.read_text(encoding="utf-8")
        assert re.findall(r"\]\((\d\d-[\w-]+\.md)\)", contents) == names["en"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_lessons_are_called_what_the_page_calls_them(language: Language) -> None:
    set_language(language)
    titles = [say(f"learn.{lesson}.title") for lesson in ("chain", "activation", "rate")]
    guide = (ROOT / "docs" / language / "guide" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| \[\d.*\| ([^|]*) \|$", guide, re.MULTILINE)
    assert set(titles) <= set(named)
    assert [name for name in named if name in titles] == [titles[0], titles[1], titles[2], titles[0]]
    for page in chapters(ROOT, language):
        quoted = re.findall(r"(?:lesson \*|课程“)([^*”]+)", page.read_text(encoding="utf-8"))
        assert set(quoted) <= set(titles), page.name


@pytest.mark.parametrize(("language", "page"), EVERY, ids=[named(page) for _, page in EVERY])
def test_a_chapter_has_code_a_recipe_and_no_old_calls(language: str, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    found = blocks(text)
    assert {"python", "yaml", "sh"} <= {block.kind for block in found}
    assert not [block.line for block in found if block.kind == "python" and OLD.search(block.text)]


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("docs/**/*.md")), ids=lambda path: str(path.relative_to(ROOT / "docs"))
)
def test_commands_are_understood(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the parser itself; where the recipe is no file of the reader's, its changes too."""
    monkeypatch.chdir(ROOT / "examples")
    for block in blocks(page.read_text(encoding="utf-8")):
        for command in commands(block) if block.kind == "sh" else []:
            _, name, *words = shlex.split(command, comments=True)
            assert name in main.commands(), command
            module = __import__(f"danlu.cli.{name}", fromlist=["USAGE"])
            parser = Parser(name, module.USAGE)
            module.arguments(parser)
            parser.common()
            options = parser.read(words)
            own = options.words[:1] if hasattr(options, "words") else []
            if hasattr(options, "words") and not (own and own[0].endswith(".yaml") and not Path(own[0]).exists()):
                known = own and (own[0] in _known_tasks() or Path(own[0]).exists() or own[0].startswith("builtin:"))
                changes = [word for word in options.words if "=" in word and name != "predict"]  # there: columns
                _recipes.read_recipe(parser, options.words if known or not own else changes)


def _known_tasks() -> list[str]:
    from danlu.recipe.names import tasks

    return list(tasks())


def test_pictures_are_what_is_computed() -> None:
    """Else run ``python tools/guide_pictures.py``."""
    spec = importlib.util.spec_from_file_location("guide_pictures", ROOT / "tools" / "guide_pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for their module
    spec.loader.exec_module(module)
    for name, draw in module.PICTURES.items():
        assert alike((ROOT / "docs/pictures" / name).read_text(encoding="utf-8"), draw()), name
        for language in LANGUAGES:
            assert any(f"(../../pictures/{name})" in page.read_text("utf-8") for page in chapters(ROOT, language)), name


def test_what_the_table_of_old_calls_says_of_torch_is_so() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        torch.cuda.amp.GradScaler(enabled=False)
        torch.cuda.amp.autocast(enabled=False)
        torchvision.models.resnet18(pretrained=False)
        net = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Flatten(), nn.Linear(4, 2))
        quantised = torch.ao.quantization.quantize_dynamic(net, {nn.Linear, nn.Conv2d}, dtype=torch.qint8)
    said = [str(warning.message) for warning in heard]
    for old in ("torch.cuda.amp.GradScaler", "torch.cuda.amp.autocast", "'pretrained'", "torch.ao.quantization"):
        assert any(old in text and "deprecated" in text for text in said), old
    assert type(quantised[0]) is nn.Conv2d, "dynamic quantisation leaves convolutions as they are"
    x = torch.zeros(2, requires_grad=True)
    out = x.sigmoid()
    out += x
    with pytest.raises(RuntimeError, match="inplace"):
        out.sum().backward()


# ---- the instrument itself


@pytest.mark.parametrize(
    ("said", "gave", "same"),
    [
        ("0.25", "0.25", True),
        ("0.25", "0.26", True),  # one unit of the last digit
        ("0.25", "0.27", False),
        ("tensor([1.0000, 2.5000])", "tensor([1.0001, 2.5000])", True),
        ("1e-3", "2e-3", True),
        ("1.50e-03", "1.53e-03", False),
        ("12", "13", False),
        ("1,797", "1,798", False),
        ("a  0.5  b", "a 0.5 b", False),
        ("x 0.5", "y 0.5", False),
        ("0.5\n", "0.5 \n\n", True),
    ],
)
def test_numbers_agree_to_their_last_digit(said: str, gave: str, same: bool) -> None:
    assert alike(said, gave) is same


def test_what_a_page_says_is_held_to_what_its_code_gives() -> None:
    page = "```python\nx = 2\nx + 1  # → 3\nx  # → 3\nprint(x * 0.5)\n```\n\n```text\n1.0\n```\n"
    assert run(page, "page") == [Told(3, "3", "3"), Told(4, "3", "2"), Told(9, "1.0\n", "1.0\n")]
    assert [each.same for each in run(page, "page")] == [True, False, True]
    assert not run("```python\nprint(1)\n```\n", "page")[0].same, "what is printed must be said"


def test_translations_may_change_comments_only() -> None:
    english = Block("python", "x = 1  # one\nx  # → 1\n", 1)
    assert code(english) == code(Block("python", "x = 1  # 一\nx  # → 1\n", 1))
    assert code(english) != code(Block("python", "x = 2  # one\nx  # → 1\n", 1))
    assert code(english) != code(Block("python", "x = 1\nx  # → one\n", 1))
    assert code(Block("sh", "danlu train  # go\n", 1)) == code(Block("sh", "danlu train   # 开始\n", 1))
