"""The committed page is what its sources give: checked and built afresh, in another folder, it has the same bytes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from danlu.studio.assets import STATIC

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "studio-ui"
NPM = shutil.which("npm")
UNREACHABLE = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED")


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def npm(place: Path, *words: str) -> None:
    done = subprocess.run([NPM or "npm", *words], cwd=place, capture_output=True, text=True, check=False)
    said = done.stdout[-4000:] + done.stderr[-4000:]
    if done.returncode and words[0] == "ci" and UNREACHABLE.search(said):
        pytest.skip("the npm registry can't be reached")
    assert done.returncode == 0, said


@pytest.mark.slow
@pytest.mark.skipif(NPM is None, reason="needs Node and npm")
@pytest.mark.timeout(1200)
def test_a_fresh_build_gives_the_same_bytes(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere" / "studio-ui"
    shutil.copytree(SOURCES, place, ignore=shutil.ignore_patterns("node_modules"))
    npm(place, "ci", "--no-audit", "--no-fund", "--prefer-offline")
    npm(place, "run", "check")
    npm(place, "run", "build")
    built, committed = files(place.parent / STATIC.relative_to(ROOT)), files(STATIC)
    assert built.keys() == committed.keys()
    assert [name for name in built if built[name] != committed[name]] == []


def test_nothing_is_built_but_what_the_page_needs() -> None:
    """No source maps, no leftovers of earlier builds: each asset is named by the page, or says a licence."""
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", page), "its policy refuses what is inline"
    assert not re.search(r"https?://", page)
    names = files(STATIC).keys() - {"index.html", "licences.txt"}
    assert [name for name in names if f'"./{name}"' not in page] == []
    assert not any(b"sourceMappingURL" in body for body in files(STATIC).values())
