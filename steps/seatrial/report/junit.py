"""JUnit XML, as CI systems read it: a suite for each feature, a test case for each scenario, its rule and verdict as properties.

A build must not break for what counts as good: a warning, a recorded deviation and what could not run here are skipped, with the reason.
"""

import re
from xml.etree import ElementTree as ET

from seatrial.model.exits import Exit
from seatrial.model.verdicts import Verdict
from seatrial.report.failure import failure
from seatrial.report.outcomes import Outcome
from seatrial.report.summary import Report
from seatrial.results import Result

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
BROKEN = {Verdict.FAILED: "failure", Verdict.INCONCLUSIVE: "error", Verdict.HARNESS_FAULT: "error", Verdict.NOT_RUN: "error"}


def junit(report: Report) -> bytes:
    """The whole file."""
    root = ET.Element("testsuites", name=f"seatrial {report.name}")
    suites: dict[str, ET.Element] = {}
    for outcome in report.outcomes:
        for result in outcome.results:
            if result.feature not in suites:
                suites[result.feature] = ET.SubElement(root, "testsuite", name=result.feature)
            _case(suites[result.feature], report, outcome, result)
    for suite in suites.values():
        for attribute, path in (("tests", "testcase"), ("failures", ".//failure"), ("errors", ".//error"), ("skipped", ".//skipped")):
            suite.set(attribute, str(len(suite.findall(path))))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(suite: ET.Element, report: Report, outcome: Outcome, result: Result) -> None:
    example = f" [{', '.join(result.example.values())}]" if result.example else ""
    name, time = legal(result.scenario + example), f"{result.duration_s:.3f}"
    case = ET.SubElement(suite, "testcase", classname=result.feature, name=name, time=time)
    properties = ET.SubElement(case, "properties")
    stated = {"rule": result.rule, "verdict": result.verdict.value, "backend": result.backend, "seed": str(report.seed)}
    for key, value in (stated | ({"flaky": result.flaky} if result.flaky else {})).items():
        ET.SubElement(properties, "property", name=key, value=legal(value))
    if result.verdict is Verdict.PASSED:
        return
    if result.verdict is Verdict.NOT_APPLICABLE or result.backend_lacks or outcome.counts is Exit.GOOD:
        ET.SubElement(case, "skipped", message=legal(_reason(outcome, result)))
        return
    text = "\n".join(failure(report, outcome, result))
    message = result.findings[0].observed if result.findings else result.why
    ET.SubElement(case, BROKEN[result.verdict], type=result.verdict.value, message=legal(message.partition("\n")[0])).text = legal(text)


def _reason(outcome: Outcome, result: Result) -> str:
    if outcome.warning:
        return f"a SHOULD rule failed: {result.why}"
    if outcome.deviation and outcome.expected:
        source = f" ({outcome.deviation.source})" if outcome.deviation.source else ""
        return f"recorded deviation: {outcome.deviation.finding}, because {outcome.deviation.because}{source}"
    return f"{result.verdict.value}: {result.why}"


def legal(text: str) -> str:
    """XML has no control characters, and components write what they like."""
    return ILLEGAL.sub("\ufffd", text)
