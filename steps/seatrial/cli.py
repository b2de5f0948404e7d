"""The command line. Each command imports what it needs when it runs, so that help comes at once.

Answers go to stdout, progress and complaints to stderr. A complaint is one paragraph; the exit code says whose it is (see `--help`).
"""

import contextlib
import dataclasses
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from seatrial import __version__, endings
from seatrial.model.errors import HarnessFault, Inconclusive, NotReady, NotRunnable, UsageError
from seatrial.model.exits import Exit

if TYPE_CHECKING:
    from seatrial.wish import Wish

F = TypeVar("F", bound=Callable[..., Any])
NOTHING = "nothing selected: no rule matches every criterion. See: seatrial rules"
CODES = "\b\nExit codes:\n" + "\n".join(f"  {code}  {code.means}" for code in Exit)


@click.group(epilog=CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="seatrial")
def cli() -> None:
    """Sea trials for Kubernetes control planes: an executable specification of how the machinery works."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code, whatever happens."""
    try:
        with endings.requests_interrupt():
            return _code(sys.argv[1:] if arguments is None else arguments)
    except BrokenPipeError:  # of a complaint
        return _unheard()


def _code(arguments: Sequence[str]) -> int:
    """Not by click's own `main`: it makes of a broken pipe what a rule that failed is."""
    try:
        with cli.make_context("seatrial", list(arguments)) as context:
            return int(cli.invoke(context) or 0)
    except click.exceptions.Exit as ended:  # of --help and --version
        return ended.exit_code
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (KeyboardInterrupt, click.Abort):
        return _complain("interrupted", Exit.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - whatever it is, no pipeline may take it for a rule that failed
        return _blame(error)


def _blame(error: Exception) -> int:
    if isinstance(error, UsageError | NotRunnable):
        return _complain(error, Exit.USAGE)
    if isinstance(error, NotReady | Inconclusive):
        return _complain(error, Exit.NOT_READY)
    if isinstance(error, BrokenPipeError) and endings.unheard():
        return _unheard()
    if not isinstance(error, HarnessFault):
        traceback.print_exc()
    return _complain(f"harness fault: {error}", Exit.HARNESS_FAULT)


def _unheard() -> int:
    endings.fall_silent()
    return endings.UNHEARD


def _complain(what: object, code: int) -> int:
    click.echo(f"seatrial: {what}", err=True)
    return code


def _implementation(command: F) -> F:
    names = ("-i", "--implementation")
    return click.option(
        *names,
        metavar="IMPL",
        default="reference",
        show_default=True,
        help="Shipped name, descriptor (.yaml), or kubeconfig:PATH[#CONTEXT].",
    )(command)


def _backend(command: F) -> F:
    kinds = click.Choice(["simulation", "processes", "attached"])
    return click.option("--backend", type=kinds, help="Where components run; default: simulation where all are Python.")(command)


def _settings(command: F) -> F:
    return click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Fills ${set.NAME} of the descriptor.")(command)


def _where(implementation: str) -> str:
    """A shipped name, or an absolute path: pytest runs elsewhere."""
    prefix, _, where = implementation.partition(":")
    path, hash_, context = where.partition("#")
    if prefix == "kubeconfig" and path:
        return f"{prefix}:{Path(path).expanduser().resolve()}{hash_}{context}"
    return str(Path(implementation).resolve()) if implementation.endswith((".yaml", ".yml")) else implementation


def _settled(settings: Sequence[str], implementation: str) -> dict[str, str]:
    """The settings by name. Raises UsageError where the implementation has no use for one, wants another, or records what no rule says."""
    from seatrial import catalogue
    from seatrial.adapters.descriptor import documents, load, settle

    found = load(implementation)
    given = _pairs(settings, implementation, known=sorted(found.asks_for))
    settle(found, given)
    catalogue.recognize(documents(found))
    return given


def _pairs(settings: Sequence[str], implementation: str, *, known: Sequence[str]) -> dict[str, str]:
    for setting in settings:
        name = setting.partition("=")[0]
        if not name or "=" not in setting:
            raise UsageError(f"--set {setting}: expected NAME=VALUE.")
        if name not in known:
            raise UsageError(f"--set {setting}: {implementation} asks for {', '.join(known) or 'no settings'}.")
    return dict(setting.partition("=")[::2] for setting in settings)


class Workers(click.ParamType[int]):
    """How many scenarios at a time."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if not str(value).isdecimal():
            self.fail(f"expected how many scenarios to run at a time, such as 4, found {value!r}.", param, ctx)
        return int(value)


def _criteria(command: F) -> F:
    """Options that select rules; the first is to be shown first."""
    for option in reversed(
        (
            click.option("--rule", "rules", metavar="ID", multiple=True, help="Only this rule. May be repeated, as may the next three."),
            click.option("--role", "roles", metavar="ROLE", multiple=True, help="Only rules that this role could break."),
            click.option("--profile", "profiles", metavar="PROFILE", multiple=True, help="Only rules of this profile."),
            click.option("--area", "areas", metavar="AREA", multiple=True, help="Only rules of this area."),
            click.option("--smoke", is_flag=True, help="Only the rules that a quick look is content with."),
        )
    ):
        command = option(command)
    return command


@cli.command(epilog=CODES)
@_implementation
@_backend
@_criteria
@click.option(
    *("--scenario", "titles"),
    metavar="TITLE",
    multiple=True,
    help="Only scenarios with this title, or with these words in it. May be repeated.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides everything that chance decides.")
@click.option(
    "-n",
    "--workers",
    type=Workers(),
    metavar="N",
    help="Run N scenarios at a time. By default as many as there are cores, simulated, else one.",
)
@click.option(
    *("-o", "--output", "reports"),
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write reports there; reports that lie there are replaced.",
)
@_settings
@click.option("--fail-fast", is_flag=True, help="Stop at the first MUST rule that does not pass.")
@click.option("--brief", is_flag=True, help="Try a rule no further once it has failed.")
@click.option("--patient", is_flag=True, help="Watch for patient wrongdoers in real time too: some windows last a minute.")
@click.option("--once", is_flag=True, help="Repeat nothing: a verdict may be chance, or the fault of the base.")
@click.option("--dry-run", is_flag=True, help="Say what would run; start nothing.")
def run(*, implementation: str, reports: Path | None, dry_run: bool, **options: Any) -> int:
    """Judge an implementation by the rules. Without -i: the reference.

    Criteria of one kind add up, those of different kinds intersect: `--role scheduler --area nodes` are the rules of area nodes that a
    scheduler could break."""
    from seatrial import versions
    from seatrial.adapters.descriptor import load
    from seatrial.opening import must_suit
    from seatrial.report import files
    from seatrial.wish import Wish

    folder = reports.resolve() if reports else None
    wish = Wish(implementation=_where(implementation), reports=None if dry_run else folder, **options)
    settings = _settled(wish.settings, wish.implementation)
    must_suit(wish.backend, load(wish.implementation))
    if not wish.selected():
        return _complain(NOTHING, Exit.NOTHING)
    if dry_run:
        return _plan(wish)
    _make(folder)
    versions.verify(load(wish.implementation), settings)
    with files.taken(folder) if folder else contextlib.nullcontext():
        return _report(wish, folder, command=_command(implementation, options["settings"], patient=options["patient"]))


def _plan(wish: "Wish") -> int:
    from seatrial import runner
    from seatrial.adapters.descriptor import load
    from seatrial.opening import backend_name
    from seatrial.report.words import counted

    found = runner.plan(wish)
    if found.trouble:
        raise HarnessFault(found.trouble[0])
    for one in found.planned:
        _, bracket, example = one.node.partition("[")
        click.echo(f"{one.rule:<10} {one.feature:<42} {one.scenario}{bracket and '  ['}{example}")
    chosen, scenarios = counted(len({p.rule for p in found.planned}), "rule"), counted(len(found.planned), "scenario")
    implementation = load(wish.implementation)
    where = backend_name(wish.backend, implementation)
    click.echo(f"{chosen}, {scenarios} of {implementation.name} ({where}); nothing was started")
    return 0


def _make(folder: Path | None) -> None:
    """What can be said of an argument before the run is said there. Raises UsageError."""
    try:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Reports cannot be written to {folder}: {error.strerror}. Choose another folder with -o.") from None
    if folder and not os.access(folder, os.W_OK):
        raise UsageError(f"Reports cannot be written to {folder}: it may not be written to. Choose another folder with -o.")


def _report(wish: "Wish", folder: Path | None, *, command: str) -> int:
    from seatrial import runner
    from seatrial.report import files
    from seatrial.report.console import console
    from seatrial.report.progress import progress

    report = runner.run(wish, progress(), command=command)
    unwritten = next((r.unwritten for o in report.outcomes for r in o.results if r.unwritten), "")
    try:
        if folder:
            files.write(report, folder)
    except OSError as error:
        unwritten = str(error)
    for line in console(report, folder=folder if not unwritten else None):
        click.echo(line)
    if unwritten:
        raise NotReady(f"The reports could not be written to {folder}: {unwritten}. What was judged stands above.")
    return int(report.exit)


def _command(implementation: str, settings: Sequence[str], *, patient: bool) -> str:
    given = [*(f"--set {s.partition('=')[0]}=..." for s in settings), *(["--patient"] if patient else [])]
    return " ".join(["seatrial run -i", implementation, *given])


@cli.command()
@_criteria
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def rules(*, as_json: bool, **criteria: Any) -> int:
    """List the rules: all of them, or those that match every criterion."""
    import orjson

    from seatrial import catalogue

    found = catalogue.select(ids=criteria.pop("rules"), **criteria)
    if not found:
        return _complain(NOTHING, Exit.NOTHING)
    if as_json:
        rows = [dataclasses.asdict(rule) for rule in found]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())
        return Exit.GOOD
    for rule in found:
        click.echo(f"{rule.id:<10} {'MUST' if rule.must else 'SHOULD':<6} {','.join(rule.roles):<44} {rule.sentence}")
    return Exit.GOOD


@cli.command()
@click.argument("rule")
def explain(*, rule: str) -> None:
    """Explain one RULE: what it says, how it is tried, what that needs. Instead of one, `values` are what descriptors may ask for."""
    from seatrial.report.explain import explain as lines
    from seatrial.report.explain import values

    for line in values() if rule == "values" else lines(rule):
        click.echo(line)


@cli.command()
@_implementation
@_backend
@_settings
def doctor(*, implementation: str, backend: str | None, settings: Sequence[str]) -> int:
    """Start an implementation with one node, or visit a cluster that exists; say what works, what does not, and whose fault that is."""
    from seatrial import doctor as examination
    from seatrial.adapters.descriptor import load
    from seatrial.opening import must_suit

    where, healthy = _where(implementation), True
    given = _settled(settings, where)
    must_suit(backend, load(where))
    for finding in examination.examine(where, backend=backend, settings=given):
        click.echo(str(finding))
        healthy = healthy and finding.ok
    return Exit.GOOD if healthy else Exit.NOT_READY


@cli.command()
@click.argument("histories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="HISTORY...")
def judge(*, histories: Sequence[Path]) -> int:
    """Judge saved histories again: files, or folders of them. No cluster is started."""
    from seatrial.rejudge import rejudge, saved, total

    judgements = [rejudge(path) for path in saved(histories)]
    for judgement in judgements:
        click.echo(str(judgement))
    if len(judgements) > 1:
        click.echo(total(judgements))
    return max(j.exit for j in judgements)


@cli.command()
@_implementation
@_settings
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, dir_okay=False),
    default="seatrial.kubeconfig",
    show_default=True,
    metavar="FILE",
    help="Written when the cluster is up, and removed with it, unless Seatrial is killed (SIGKILL).",
)
@click.option("--nodes", type=click.IntRange(0, 100), default=1, show_default=True, help="Kubelets to start.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the API server on 127.0.0.1; 0: any free one.")
def up(*, implementation: str, kubeconfig: Path, settings: Sequence[str], nodes: int, port: int) -> None:
    """Start a cluster as processes and keep it until Ctrl-C."""
    from seatrial.upcluster import Wanted
    from seatrial.upcluster import up as start

    where = _where(implementation)
    wanted = Wanted(implementation=where, kubeconfig=kubeconfig, settings=_settled(settings, where), nodes=nodes, port=port)
    start(wanted, say=click.echo)


if __name__ == "__main__":
    sys.exit(main())
