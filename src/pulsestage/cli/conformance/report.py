"""What came of it, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from pulsestage.cli.terminal import one_line

if TYPE_CHECKING:
    from pulsestage.cli.conformance.probe import Plan
    from pulsestage.cli.conformance.suite import Result

_STYLES = {"ok": "green", "failed": "bold red", "skipped": "yellow"}


def table_of(results: list[Result]) -> Table:
    """A line per rule, and below it why it failed or was skipped."""
    table = Table(box=None, pad_edge=False)
    for heading in ("Result", "Rule", "What it says"):
        table.add_column(heading, no_wrap=heading != "What it says", overflow="fold")
    for each in results:
        said = Text(each.rule.title)
        if each.outcome != "ok":
            said.append(f"\n{one_line(each.reason)}", style=_STYLES[each.outcome])
        if each.outcome == "failed":
            said.append(f"\n{each.rule.section}", style="dim")
        table.add_row(Text(each.outcome, style=_STYLES[each.outcome]), each.rule.name, said)
    return table


def summary_of(results: list[Result]) -> str:
    """One sentence."""
    counts = Counter(each.outcome for each in results)
    verdict = "does not keep the contract" if counts["failed"] else "keeps what was tried of the contract"
    return f"The server {verdict}: {counts['ok']} ok, {counts['failed']} failed, {counts['skipped']} skipped."


def json_text(plan: Plan, results: list[Result]) -> str:
    """The same for programs."""
    counts = Counter(each.outcome for each in results)
    told = {
        "url": plan.target.url,
        "tenant": plan.tenant,
        "ok": not counts["failed"],
        "counts": {"ok": counts["ok"], "failed": counts["failed"], "skipped": counts["skipped"]},
        "rules": [
            {
                "name": each.rule.name,
                "title": each.rule.title,
                "section": each.rule.section,
                "outcome": each.outcome,
                "reason": each.reason,
            }
            for each in results
        ],
    }
    return json.dumps(told, indent=2)
