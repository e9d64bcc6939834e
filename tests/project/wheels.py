"""Collect what the container is made of (make wheels): a folder for each program, with its wheels and their hashes.

Versions are those of the lists in `pins/`. A program that has no list there gets one first.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from packaging.markers import default_environment
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent.parent
TAP: Final = "tap-interviewflow"
# The image is of Debian 13, whose C library is newer: this is Debian 12's version.
GLIBC: Final = 36


def main() -> None:
    """Collect the wheels that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", required=True, help="the image's version of Python, such as 3.13.15")
    parser.add_argument("--machine", required=True, help="x86_64 or aarch64")
    parser.add_argument("--pins", type=Path, required=True, help="the folder of the lists")
    parser.add_argument("--pin", action="store_true", help="write the lists anew, and collect nothing")
    parser.add_argument("programs", nargs="*", help="what else the image is to have, such as meltano[s3]")
    asked = parser.parse_args()
    programs = {re.split(r"[^\w.-]", program)[0]: program for program in [TAP, *asked.programs]}
    for name, program in programs.items():
        pins = asked.pins / f"{name}.txt"
        if asked.pin or not pins.is_file():
            pin(program, pins)
    if asked.pin:
        return
    shutil.rmtree(asked.folder, ignore_errors=True)
    for name in programs:
        _collect(asked.folder / name, asked.pins / f"{name}.txt", asked.python, asked.machine)
    (wheel,) = (ROOT / "dist").glob("*.whl")
    shutil.copy(wheel, asked.folder / TAP)
    distribution, version, *_ = wheel.name.split("-")
    with (asked.folder / TAP / "requirements.txt").open("a", encoding="utf-8", newline="\n") as lines:
        lines.write(f"{distribution}=={version} --hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}\n")


def pin(program: str, pins: Path) -> None:
    """Write the newest versions that go together, with the hash of each file, for every Python and system."""
    source = str(ROOT / "pyproject.toml") if program == TAP else "-"
    compile_ = ["uv", "pip", "compile", source, "--quiet", "--upgrade", "--universal", "--python-version=3.11"]
    how = ["--generate-hashes", "--no-emit-index-url", "--custom-compile-command=make pins", f"--output-file={pins}"]
    pins.parent.mkdir(parents=True, exist_ok=True)
    _run(*compile_, *how, stdin=program)


def _collect(folder: Path, pins: Path, python: str, machine: str) -> None:
    """Download what a program needs on the image's machine, and nothing that is not pinned."""
    listing = folder / "requirements.txt"
    folder.mkdir(parents=True)
    listing.write_text("".join(f"{line}\n" for line in _applying(pins, python, machine)), "utf-8", newline="\n")
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)]
    platforms += [f"--platform={older}_{machine}" for older in ("manylinux2014", "manylinux2010", "manylinux1")]
    download = ["pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps", "--only-binary=:all:"]
    how = ["--require-hashes", f"--requirement={listing}", f"--dest={folder}"]
    _run(*download, f"--python-version={python}", *platforms, *how)


def _applying(pins: Path, python: str, machine: str) -> Iterator[str]:
    """Yield the lines of a list that count on the image's machine, without their markers."""
    image = cast("dict[str, str]", default_environment()) | {
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_system": "Linux",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
    }
    text = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", pins.read_text("utf-8"), flags=re.MULTILINE))
    for line in text.splitlines():
        pinned, hashes = line.split(" --hash", 1)
        requirement = Requirement(pinned)
        if requirement.marker is None or requirement.marker.evaluate(image):
            yield f"{requirement.name}{requirement.specifier} --hash{hashes}"


def _run(module: str, *arguments: str, stdin: str = "") -> None:
    """Run a program of this environment."""
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, input=stdin, text=True)


if __name__ == "__main__":
    main()
