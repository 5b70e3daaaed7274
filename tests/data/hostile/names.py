"""Names in manifests, and folders."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from tests.data.hostile.arrays import many
from tests.data.hostile.case import LARGE, case, classes, csv, lines, picture

# ---- names in manifests


LONG = "x" * 5000


@case(
    "names that climb out of the folder",
    listed={
        "line 14": "data.root",
        "line 15": "data.root",
        "line 16": "not an image",
        "line 17": "no such file",
        "line 18": "data.root",
    },
)
def climbing(root: Path) -> dict[str, Any]:
    names = ("../../../../../../etc/passwd", "a/../../../b.png", "/etc/passwd", "~/.ssh/id_rsa", "..")
    return csv(root, lines(root, *(f"{name},a" for name in names)))


@case(
    "names of what is no file",
    listed={
        "line 14": "plain file",
        "line 15": "plain file",
        "line 16": "plain file",
        "line 17": "folder",
        "line 18": "link",
        "line 19": "not an image",
    },
)
def no_files(root: Path) -> dict[str, Any]:
    os.mkfifo(root / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(root)  # a socket's whole path may have 107 bytes
        server.bind("socket.png")
        os.chdir(here)
    (root / "folder.png").mkdir()
    (root / "circle.png").symlink_to("circle.png")
    (root / "passwords.png").symlink_to("/etc/passwd")
    names = ("/dev/zero", "pipe.png", "socket.png", "folder.png", "circle.png", "passwords.png")
    return csv(root, lines(root, *(f"{name},a" for name in names)))


@case(
    "names no system has",
    listed={
        "line 14": "name",
        "line 15": "no such file",
        "line 16": "no such file",
        "line 17": "web address",
        "line 18": "no such file",
    },
)
def odd_names(root: Path) -> dict[str, Any]:
    names = (LONG, r"C:\Windows\x.png", "CON", "https://example.com/a.png", "x\x1b]0;owned\x07\x1b[2J.png")
    return csv(root, lines(root, *(f"{name},a" for name in names)))


case("a manifest that is a pipe", says="plain file")(
    lambda root: os.mkfifo(root / "a.csv") or {"source": str(root / "a.csv"), "format": "csv"}
)
case("a manifest without end", says="plain file")(lambda root: {"source": "/dev/zero", "format": "csv"})
case("JSON lines without end", says="plain file")(lambda root: {"source": "/dev/zero", "format": "jsonl"})
case("an npz without end", says="plain file")(lambda root: {"source": "/dev/zero", "format": "npz"})
case("Parquet without end", says="plain file")(lambda root: {"source": "/dev/zero", "format": "parquet"})
case("idx without end", says="plain file")(
    lambda root: (
        (root / "train-labels-idx1-ubyte").symlink_to("/dev/zero")
        or ((root / "train-images-idx3-ubyte").write_bytes(many(1, 2, 2) + bytes(4)) and {"source": str(root)})
    )
)
case("a folder read as CSV", says="folder")(lambda root: {"source": str(classes(root)), "format": "csv"})


# ---- folders


@case("links in circles", noted="link back", used=24)
def circles(root: Path) -> dict[str, Any]:
    classes(root)
    (root / "cat" / "again").symlink_to("..")
    (root / "dog" / "self").symlink_to(".")
    (root / "dog" / "lost").symlink_to("lost")
    return {"source": str(root)}


@case("ten folders that link to each other", says="links")
def meshed(root: Path) -> dict[str, Any]:
    """There are ten million ways through them."""
    classes(root)
    for one in range(10):
        (root / f"m{one}").mkdir()
        (root / f"m{one}" / "0.png").write_bytes(picture(50 + one))
        for other in range(10):
            (root / f"m{one}" / f"to{other}").symlink_to(f"../m{other}")
    return {"source": str(root)}


@case("file names with controls and turned writing", listed={"\\x07": "empty"}, used=24 + 4)
def controls(root: Path) -> dict[str, Any]:
    classes(root)
    for place, name in enumerate(("a\nb.png", "a\x1b[31mb.png", "a\u202egnp.exe.png", "\udcff\udcfe.png")):
        (root / "cat" / name).write_bytes(picture(60 + place))
    (root / "cat" / "\x1b[2J.txt").write_bytes(b"")
    (root / "cat" / "empty\x07.png").write_bytes(b"")
    return {"source": str(root), "max_bad": 0.5}


@case("class names with controls, markup, emoji and 255 letters", used=24 + 12)
def class_names(root: Path) -> dict[str, Any]:
    classes(root)
    names = ("\x1b[5mblink", "<script>alert(1)<", "👩‍👩‍👧", "\u202eevil", "x" * 255, "{0.__class__}%s$HOME")
    for place, name in enumerate(names):
        (root / name).mkdir()
        for number in range(2):
            (root / name / f"{number}.png").write_bytes(picture(70 + 2 * place + number))
    return {"source": str(root)}


@case("2,000 empty files", LARGE, says="empty")
def empties(root: Path, count: int = 2000) -> dict[str, Any]:
    classes(root)
    for number in range(count):
        (root / "cat" / f"e{number}.png").write_bytes(b"")
    return {"source": str(root)}


case("10⁵ empty files", LARGE, says="empty")(lambda root: empties(root, 100_000))


@case("folders 300 deep", used=25)
def deep(root: Path) -> dict[str, Any]:
    below = classes(root) / "cat" / Path(*["d"] * 300)
    below.mkdir(parents=True)
    (below / "x.png").write_bytes(picture(99))
    return {"source": str(root)}
