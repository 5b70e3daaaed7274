"""Documents that say what the code says are held to it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from tests.project.chapters import FENCE

from danlu import recipe as recipes
from danlu.messages import LANGUAGES, Language
from danlu.recipe.names import tasks

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_recipe_reference_is_up_to_date(language: Language) -> None:
    """Else run ``python tools/recipe_reference.py``."""
    spec = importlib.util.spec_from_file_location("recipe_reference", ROOT / "tools" / "recipe_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / language / "recipe.md").read_text(encoding="utf-8") == module.reference(language)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose)
    gone = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not gone


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_recipes_in_the_documents_are_recipes(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "examples")  # where the net lies that they name
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        recipes.complete(recipes.from_text(block, name=page.name))


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*.yaml")), ids=lambda path: path.name)
def test_example_recipes_are_complete(path: Path) -> None:
    recipes.complete(recipes.load(path))


@pytest.mark.parametrize("name", sorted(tasks()))
def test_the_recipe_of_danlu_new_is_one(name: str) -> None:
    assert recipes.complete(recipes.from_text(tasks()[name].example)).task == name


def test_every_page_is_there_in_both_languages() -> None:
    folders = [ROOT / "docs" / language for language in LANGUAGES]
    english, chinese = ({str(path.relative_to(folder)) for path in folder.rglob("*.md")} for folder in folders)
    assert english == chinese
