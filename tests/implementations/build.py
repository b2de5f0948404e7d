"""Builds real Kubernetes and etcd from Go modules, into a cache outside the tree.

Each folder beside this file that holds a `go.mod` is one version of one thing: its `tool` lines are the commands, and its `go.sum` pins
every byte of their source. A command is built by its import path, without C, and told its version by the linker, for without that
`/version` is garbage and kubectl refuses to speak to it. The cache holds one folder for each of ours, `kubernetes/1.37`, `etcd/3.6`, and in
it the commands and a stamp that says what they were built from. Where the stamp is the one that would be written, nothing is to do.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from click import echo as say

from seatrial.adapters.values import cache

HERE = Path(__file__).parent
KUBERNETES = "k8s.io/kubernetes"
STAMPED = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
# The main package of etcd's server is the root of its module, so its path does not say what the command is called.
NAMES = {"go.etcd.io/etcd/server/v3": "etcd"}
UNFIT = 6


@dataclass(frozen=True, slots=True)
class Build:
    """One folder with a go.mod: what it builds, and where the commands go."""

    source: Path
    target: Path

    @property
    def name(self) -> str:
        """As the cache and the messages call it: `kubernetes/1.37`."""
        return f"{self.source.parent.name}/{self.source.name}"

    def packages(self) -> list[str]:
        """The import paths on the tool lines of go.mod."""
        listed = re.search(r"^tool (?:\((.*?)^\)|(\S+)$)", self._module(), re.MULTILINE | re.DOTALL)
        assert listed, f"{self.source}/go.mod has no tool line"
        return (listed[1] or listed[2]).split()

    def version(self) -> str:
        """The version that go.mod requires of the first tool's module: `v1.37.1`."""
        first = self.packages()[0]
        required = re.findall(r"^(?:require)?\s+(\S+) (v\S+)", self._module(), re.MULTILINE)
        return next(version for module, version in required if first.startswith(module))

    def stamp(self, *, compiler: str) -> dict[str, str]:
        """What decides about the bytes of the commands."""
        pinned = (self.source / "go.sum").read_bytes()
        digest = hashlib.sha256(self._module().encode() + pinned).hexdigest()
        return {"version": self.version(), "modules": digest, "compiler": compiler, "flags": self.flags()}

    def flags(self) -> str:
        """What the linker is told: no symbols, and for Kubernetes who it is."""
        return "-s -w" if KUBERNETES not in self._module() else f"-s -w {_identity(self.version())}"

    def _module(self) -> str:
        return (self.source / "go.mod").read_text()


def _identity(version: str) -> str:
    major, minor, _ = version.removeprefix("v").split(".")
    told = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitCommit": "0" * 40,
        "gitTreeState": "archive",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    return " ".join(f"-X {package}.{key}={value}" for package in STAMPED for key, value in told.items())


def builds(*, minor: str | None) -> list[Build]:
    """All folders with a go.mod, or of Kubernetes the one `minor` only; newest first."""
    found = sorted(HERE.glob("*/*/go.mod"), key=lambda path: [int(part) for part in path.parent.name.split(".")], reverse=True)
    wanted = [path.parent for path in found if minor is None or path.parts[-3] != "kubernetes" or path.parent.name == minor]
    return [Build(source=folder, target=cache() / folder.parent.name / folder.name) for folder in wanted]


def make(build: Build, *, go: str, compiler: str) -> None:
    """Builds what the stamp of the cache does not already vouch for; says what it does and how long it took."""
    stamp = build.stamp(compiler=compiler)
    stamped = build.target / "stamp.json"
    if stamped.is_file() and json.loads(stamped.read_text()) == stamp:
        say(f"{build.name} {stamp['version']}: in {build.target}, nothing to do")
        return
    shutil.rmtree(build.target, ignore_errors=True)
    build.target.mkdir(parents=True)
    for package in build.packages():
        _command(build, package, go=go)
    stamped.write_text(json.dumps(stamp, indent=1) + "\n")


def _command(build: Build, package: str, *, go: str) -> None:
    name = NAMES.get(package, package.rsplit("/", 1)[1])
    say(f"{build.name} {build.version()}: {name} ... ", nl=False)
    started = time.monotonic()
    words = [go, "build", "-mod=readonly", "-ldflags", build.flags(), "-o", str(build.target / name), package]
    subprocess.run(words, cwd=build.source, check=True, env=os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"})
    say(f"{(build.target / name).stat().st_size / 1e6:.0f} MB, {time.monotonic() - started:.0f} s")


def main() -> int:
    """Exit code 0 when everything asked for is in the cache, 1 when a build failed, 6 where there is no Go."""
    asked = argparse.ArgumentParser(prog="make implementations", description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--minor", help="of Kubernetes this minor only, for example 1.30")
    wanted = builds(minor=asked.parse_args().minor or None)
    go = shutil.which("go")
    if go is None:
        say("Real Kubernetes is built from source: Go 1.26 or later must be on the PATH, and is not.", err=True)
        return UNFIT
    compiler = subprocess.run([go, "env", "GOVERSION"], check=True, capture_output=True, text=True).stdout.strip()
    try:
        for build in wanted:
            make(build, go=go, compiler=compiler)
    except subprocess.CalledProcessError as failed:
        say(f"go build ended with exit code {failed.returncode}; what it said stands above.", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
