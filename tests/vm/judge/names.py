# SPDX-License-Identifier: GPL-2.0-only
"""Holds what a report says of names against what a power cut leaves.

"durable" on its file system, or a side that is by POSIX: the name is there, or gone, in every
legal image once the audit is over. "not-durable": in the worst image from before it was over, the
change has not been made, or only in part.
"""

import os


class Effect:
    """What one side of a change should have left: the name is there, or gone."""

    def __init__(self, top, path, there, posix):
        self.top = top
        self.path = path
        self.there = there
        self.posix = posix
        self.telling = True  # it was not so before, whatever is lost

    def promise(self):
        directory, name = os.path.split(self.path[len(self.top) :])
        return f"{'D' if self.there else 'G'}\t{directory or '.'}\t{name}\n"


class Change:
    """A row of the report, and those of its effects that no later change touches."""

    def __init__(self, row, top):
        self.row = row
        self.effects = []
        if row["kind"] == "exchange":
            return
        for side, there in (("old", False), ("new", True)):
            path = row[f"{side}_path"]
            if path:
                self.effects.append(Effect(top, path, there, row[f"{side}_posix"]))

    def paths(self):
        return [path for path in (self.row["old_path"], self.row["new_path"]) if path]

    def forget(self, paths):
        """A later change touches these names, and so what is below them."""
        self.effects = [
            e for e in self.effects if not any(e.path == p or e.path.startswith(p + "/") for p in paths)
        ]

    def __str__(self):
        row = self.row
        return (
            f"{row['kind']} {row['old_path'] or ''} -> {row['new_path'] or ''}:"
            f" {row['old_posix'] or '-'} {row['new_posix'] or '-'} by POSIX,"
            f" {row['filesystem']} here, transaction {row['transaction']}"
        )


def follow(made, change):
    """Keeps which change each name is there by. A directory takes along the names below it."""
    row = change.row
    old, new = row["old_path"], row["new_path"]
    if row["kind"] == "exchange":
        return
    if row["kind"] == "rename":
        for path in [path for path in made if path.startswith(old + "/")]:
            made.pop(path)
            made[new + path[len(old) :]] = change
    if old:
        made.pop(old, None)
    if new:
        made[new] = change


def changes_of(report, top):
    """Those below top, a path with a slash at its end, where all names must have been made in the
    audit."""
    changes, made = [], {}
    for row in report.get("changes", []):
        change = Change(row, top)
        if not change.paths() or not all(path.startswith(top) for path in change.paths()):
            continue
        for effect in change.effects:
            maker = made.get(effect.path)
            effect.telling = not maker if effect.there else maker and maker.row["filesystem"] == "durable"
        follow(made, change)
        for before in changes:
            before.forget(change.paths())
        changes.append(change)
    return changes


def drop_undone(changes, present):
    """Lets go of what was not so any more when the script had ended: present are the names there
    were then. Returns complaints: the report lacks what undid it, as it may where events were lost."""
    complaints = []
    for change in changes:
        for effect in list(change.effects):
            if (effect.path[len(effect.top) :] in present) != effect.there:
                change.effects.remove(effect)
                complaints.append(f"{effect.path}: the report lacks what was done to it after {change}")
    return complaints


def judge_early(changes, ask):
    """Those that are said not to be durable, on the worst image from before the audit was over."""
    complaints = []
    for change in changes:
        promises = [effect.promise() for effect in change.effects if effect.telling]
        if change.row["filesystem"] != "not-durable" or not promises:
            continue
        if ask(promises, 0) == "survived":
            complaints.append(f"FALSE NOT-DURABLE name: {change}")
    return complaints


def claimed(change):
    """The effects that must be there whatever happens."""
    if change.row["filesystem"] == "durable":
        return change.effects
    return [effect for effect in change.effects if effect.posix == "durable"]


def judge_late(changes, ask, images):
    """Those that are said to be durable, on the images from after the audit."""
    complaints = []
    for number in range(1 + images):
        promises = [e.promise() for change in changes for e in claimed(change)]
        if not promises or ask(promises, number) == "survived":
            continue
        # One of them: which?
        for change in changes:
            lines = [effect.promise() for effect in claimed(change)]
            answer = ask(lines, number) if lines else "survived"
            if answer != "survived":
                complaints.append(f"FALSE DURABLE name, image {number}: {answer}; {change}")
        if not complaints:
            complaints.append(f"image {number} did not keep all names, and did when asked again")
    return complaints
