"""Installs the system programs that the project can use: with PortAudio it is heard, with the others all tests run.

python3 .ci/system_programs.py --sound | --all | --ci

On Debian and Ubuntu as root or where sudo asks for no password, on macOS with Homebrew; elsewhere the line to type is printed.
Each program is optional, so nothing fails for want of one, but with --ci, where all must be there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SOUND = {"debian": ["libportaudio2"], "homebrew": ["portaudio"]}
OTHERS = {
    "debian": Path(__file__).with_name("debian-packages").read_text().split(),
    "homebrew": ["jack", "liblo", "fluid-synth", "ffmpeg", "pulseaudio"],
}


def missing_on_debian(packages: list[str]) -> list[str]:
    """Those that are not there whole: a removed package may have left its configuration."""
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *packages]
    told = subprocess.run(query, capture_output=True, text=True).stdout.splitlines()
    installed = {line.split()[0] for line in told if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def missing_on_homebrew(packages: list[str]) -> list[str]:
    told = subprocess.run(["brew", "list", "--formula", "-1"], capture_output=True, text=True).stdout.split()
    return [package for package in packages if package not in told]


def debian_commands(packages: list[str], before: list[str]) -> list[list[str]]:
    apt = [*before, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    return [[*apt, "update"], [*apt, "install", "--yes", "--no-install-recommends", *packages]]


def may_install() -> list[str] | None:
    """What goes before a command that needs root; None: not without a password."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def run(commands: list[list[str]]) -> bool:
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            print(f"{' '.join(command)}: {done.stdout.strip()[-1500:]}", file=sys.stderr)
            return False
    return True


def bring(what: str, debian: list[str], homebrew: list[str]) -> bool:
    """Installs what is missing of it, or says how to: True if all is there now."""
    if shutil.which("dpkg-query") and shutil.which("apt-get"):
        missing = missing_on_debian(debian)
        if not missing:
            return True
        before = may_install()
        line = f"sudo apt-get install {' '.join(missing)}"
        commands = None if before is None else debian_commands(missing, before)
    elif shutil.which("brew"):
        missing = missing_on_homebrew(homebrew)
        if not missing:
            return True
        line = f"brew install {' '.join(missing)}"
        commands = [["brew", "install", "--quiet", *missing]]
    else:
        print(f"{what}: install with your system's packages what Debian calls {' '.join(debian)}")
        return False
    if commands is None:
        print(f"{what}: {line}")
        return False
    print(f"installing {' '.join(missing)} …", flush=True)
    if run(commands):
        return True
    print(f"{what} could not be installed; to try again: {line}")
    return False


def main(asked: str) -> int:
    if asked not in ("--sound", "--all", "--ci"):
        print(__doc__, file=sys.stderr)
        return 2
    there = bring("to hear results, PortAudio", SOUND["debian"], SOUND["homebrew"])
    if asked != "--sound":
        there = bring("to run every test", OTHERS["debian"], OTHERS["homebrew"]) and there
    return 1 if asked == "--ci" and not there else 0


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
