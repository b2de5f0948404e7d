"""Implementations with certificates of their own: credentials are theirs, and what goes wrong is said with their own words."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from seatrial.backends.interface import Program
from seatrial.cluster.authority import Authority
from seatrial.cluster.identities import Identities
from seatrial.model.errors import NotReady
from seatrial.wire.kubeconfig import kubeconfig
from seatrial.wire.pki import Pki
from seatrial_schemas.context import SystemContext

MIGHTY = "mighty"


class Minter:
    """A network whose programs end at once, with what they were told to print."""

    def __init__(self, directory: Path, printed: str, status: int = 0) -> None:
        self.directory = directory
        self.programs: list[Program] = []
        self._printed, self._status = printed, status

    async def boot(self, _name: str, _host: object, program: Program) -> Any:
        self.programs.append(program)
        exited = asyncio.get_running_loop().create_future()
        exited.set_result(self._status)
        return SimpleNamespace(exited=exited, log_tail=lambda _lines: self._printed)


def authority(folder: Path, network: Minter, *, mint: tuple[str, ...] = ("mint", "${user}", "${groups}")) -> tuple[Authority, Identities]:
    identities = Identities(directory=folder, pki=Pki(folder / "pki"), context=SystemContext(), certificates=False)

    def command(words: tuple[str, ...], **more: str) -> list[str]:
        return [more.get(word.strip("${}"), word) for word in words]

    filling: Any = SimpleNamespace(path=lambda _template: folder / "admin", command=command)
    server: Any = SimpleNamespace(host=None)
    parts: Any = {"network": network, "identities": identities, "server": server, "filling": filling}
    made = Authority(admin="${data}/admin", mint=mint, **parts)
    return made, identities


def config(folder: Path, token: str) -> str:
    return orjson.dumps(kubeconfig(server="https://127.0.0.1:6443", ca=folder / "own-ca.crt", token=token)).decode()


def test_the_operator_shows_what_the_server_has_written(tmp_path: Path) -> None:
    made, identities = authority(tmp_path, Minter(tmp_path, ""))

    async def act() -> list[bool]:
        early = await made.open()
        (tmp_path / "admin").write_text(config(tmp_path, MIGHTY))
        return [early, await made.open()]

    assert asyncio.run(act()) == [False, True]
    assert identities.admin.token == MIGHTY
    assert identities.server_ca == tmp_path / "own-ca.crt"


def test_people_are_minted_once(tmp_path: Path) -> None:
    network = Minter(tmp_path, config(tmp_path, "minted"))
    made, identities = authority(tmp_path, network)

    async def act() -> list[str]:
        return [await made.token(identities.person("alice")) for _ in range(2)]

    assert asyncio.run(act()) == ["minted", "minted"]
    assert [list(p.command) for p in network.programs] == [["mint", "alice", "people"]]


def test_without_a_mint_everybody_shows_what_the_operator_shows(tmp_path: Path) -> None:
    made, identities = authority(tmp_path, Minter(tmp_path, ""), mint=())
    (tmp_path / "admin").write_text(config(tmp_path, MIGHTY))

    async def act() -> str:
        await made.open()
        return await made.token(identities.person("alice"))

    assert asyncio.run(act()) == MIGHTY


@pytest.mark.parametrize(("printed", "status"), [("no such user", 1), ("no such user", 0)])
def test_a_mint_that_fails_is_quoted(printed: str, status: int, tmp_path: Path) -> None:
    made, identities = authority(tmp_path, Minter(tmp_path, printed, status))

    with pytest.raises(NotReady, match=r"(?s)Minting alice .*no such user"):
        asyncio.run(made.token(identities.person("alice")))


def test_people_need_tokens(tmp_path: Path) -> None:
    made, identities = authority(tmp_path, Minter(tmp_path, config(tmp_path, "")))

    with pytest.raises(NotReady, match="People show tokens"):
        asyncio.run(made.token(identities.person("alice")))
