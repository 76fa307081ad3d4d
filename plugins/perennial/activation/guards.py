"""What makes a plan wait for a person: a first export, an empty audience, a big change."""

from dataclasses import dataclass

from perennial.destinations.base import Guards


@dataclass(frozen=True)
class Counts:
    """Members the destination has, members it is to have, and the changes between."""

    before: int
    members: int
    adds: int
    updates: int
    removes: int
    leaving: int = 0  # of the removes, those who said no: they go whatever a person decides


def tripped(counts: Counts, guards: Guards) -> list[str]:
    """Names of the guards that ask for approval, none if the plan may go."""
    before, removes = counts.before - counts.leaving, counts.removes - counts.leaving
    found = []
    if guards.first and counts.before == 0 and counts.adds:
        found.append("first")
    if guards.empty and before and not counts.members:
        found.append("empty")
    if counts.before and max(before, counts.members) >= guards.from_members:
        if guards.removals is not None and removes > guards.removals * before:
            found.append("removals")
        if guards.size is not None and abs(counts.members - before) > guards.size * before:
            found.append("size")
    return found


def told(counts: Counts, names: list[str]) -> str:
    """The guards in words."""
    words = {
        "first": "first export of this audience to this destination",
        "empty": f"nobody is left of {counts.before:,} members",
        "removals": f"{counts.removes:,} of {counts.before:,} members would be taken out",
        "size": f"from {counts.before:,} to {counts.members:,} members",
        "rejected_before": "somebody rejected it, and its data is another now",
        "unevaluable": "who belongs to it is not known, its members stay; see activation.audience_problems",
    }
    return "; ".join(words[name] for name in names)
