"""A review as JUnit XML, which CI systems show as tests."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from moorage.review.finding import Kind
from moorage.review.forms.cost_sentences import cost_sentences
from moorage.review.forms.page import HEADINGS
from moorage.review.review import Review

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 does not permit."""


def render(review: Review) -> str:
    """Render the findings of a review, except deployments, and the exceeded limits of the cost as failed test cases.

    A kind without findings becomes one passed test case.

    Args:
        review: The review to render.
    """
    kinds = [kind for kind in Kind if kind is not Kind.DEPLOYED]
    suites = ET.Element("testsuites", name=_permitted(review.title))
    for kind in kinds:
        found = review.of_kind(kind)
        suite = ET.SubElement(
            suites, "testsuite", name=HEADINGS[kind], tests=str(max(len(found), 1)), failures=str(len(found))
        )
        if not found:
            ET.SubElement(suite, "testcase", name="no finding", classname=kind.value)
        for finding in found:
            case = ET.SubElement(suite, "testcase", name=_permitted(finding.sentence), classname=finding.rule)
            if finding.line:
                case.set("file", finding.line.file)
                case.set("line", str(finding.line.number))
            failure = ET.SubElement(case, "failure", message=_permitted(finding.sentence), type=finding.rule)
            failure.text = _permitted("\n".join((finding.path, *finding.details)))
    if review.cost and review.cost.exceeded:
        exceeded = review.cost.exceeded
        count = str(len(exceeded))
        suite = ET.SubElement(suites, "testsuite", name="Cost", tests=count, failures=count)
        for sentence in map(_permitted, exceeded):
            case = ET.SubElement(suite, "testcase", name=sentence, classname="cost")
            failure = ET.SubElement(case, "failure", message=sentence, type="cost")
            failure.text = _permitted("\n".join(cost_sentences(review.cost)))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _permitted(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
