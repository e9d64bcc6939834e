"""Collect what the container is made of (make wheels): a folder for each program, its wheels and their hashes in it."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
# Debian 12 has this version of the C library, and the images of Python are of Debian 12 or later.
GLIBC: Final = 36


def main() -> None:
    """Collect the wheels that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", required=True, help="the image's version of Python, such as 3.13")
    parser.add_argument("--machine", required=True, help="x86_64 or aarch64")
    parser.add_argument("programs", nargs="*", help="what else the image is to have, such as meltano[s3]")
    asked = parser.parse_args()
    shutil.rmtree(asked.folder, ignore_errors=True)

    tap = asked.folder / "tap-interviewflow"
    _run("build", "--wheel", "--outdir", str(tap), str(ROOT))
    (wheel,) = tap.glob("*.whl")
    listing = _collect(tap, str(ROOT / "pyproject.toml"), "", asked)
    name, version, *_ = wheel.name.split("-")
    with listing.open("a", encoding="utf-8", newline="\n") as lines:
        lines.write(f"{name}=={version} --hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}\n")

    for program in asked.programs:
        (name,) = re.findall(r"^[\w.-]+", program)
        (asked.folder / name).mkdir()
        _collect(asked.folder / name, "-", program, asked)


def _collect(folder: Path, source: str, said: str, asked: argparse.Namespace) -> Path:
    """Find out what a program needs on the image's machine, and download that and nothing else."""
    listing = folder / "requirements.txt"
    compile_ = ["uv", "pip", "compile", source, "--quiet", "--no-header", "--no-annotate", "--only-binary=:all:"]
    system = [f"--python-version={asked.python}", f"--python-platform={asked.machine}-unknown-linux-gnu"]
    _run(*compile_, *system, "--generate-hashes", f"--output-file={listing}", said=said)
    platforms = [f"--platform=manylinux_2_{minor}_{asked.machine}" for minor in range(GLIBC, 4, -1)]
    platforms += [f"--platform={older}_{asked.machine}" for older in ("manylinux2014", "manylinux2010", "manylinux1")]
    download = ["pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps", "--only-binary=:all:"]
    _run(*download, f"--python-version={asked.python}", *platforms, f"--requirement={listing}", f"--dest={folder}")
    return listing


def _run(module: str, *arguments: str, said: str = "") -> None:
    """Run a program of this environment."""
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, input=said, text=True)


if __name__ == "__main__":
    main()
