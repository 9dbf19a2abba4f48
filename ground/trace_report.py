"""A chain as a tree of text. Records are written by anybody: nothing in them reaches the terminal but printable characters."""

from __future__ import annotations

from ground.provenance import version
from ground.record import Record
from ground.trace import SHOWN, Link, Traced

_LONGEST = 120


def report(chain: Traced) -> str:
    """Return the tree: each file with what made it, each link with whether it still matches, and the verdict."""
    lines = [f"{_plain(chain.path)}  sha256 {chain.sha256[:12]}", *_below(chain, top=True), ""]
    broken, missing = chain.broken(), chain.missing()
    links = sum(len(file.links) for file in chain.walk())
    if broken:
        lines += [f"NO LONGER MATCHES: {_plain(what, 300)}" for what in broken]
    elif links > len(missing):
        lines.append("Every link that was found matches." if missing else "Every link matches.")
    if missing:
        lines.append(
            f"Not found: {', '.join(_plain(name) for name in missing[:20])}"
            + (f" and {len(missing) - 20} more" if len(missing) > 20 else "")
            + ". --look-in FOLDER searches there, too."
        )
    return "\n".join(lines).rstrip("\n")


def _below(file: Traced, *, top: bool = False) -> list[str]:
    lines = []
    if file.note and file.note != SHOWN:
        lines.append(f"({_plain(file.note, 300)})")
    elif file.record is not None:
        lines += _made(file.record)
    elif top:
        lines.append("nothing says what made it: it carries no record, and there is none beside it")
    if not file.itself:
        lines.append("the record beside it was written for another content of this file: CHANGED since")
    for number, link in enumerate(file.links, 1):
        last = number == len(file.links)
        first, *rest = _link(link)
        lines.append(("└─ " if last else "├─ ") + first)
        lines += [("   " if last else "│  ") + line for line in rest]
    return lines


def _made(record: Record) -> list[str]:
    other = "" if record.version == version() else f" (another version: {version()} is installed)"
    lines = [
        f"made by {_plain(record.made_by)}, cmo-reram {_plain(record.version)}{other}, {_plain(record.made_at)}"
        + (", SYNTHETIC" if record.synthetic else "")
    ]
    if record.libraries:
        lines.append("with " + ", ".join(f"{_plain(n)} {_plain(v)}" for n, v in sorted(record.libraries.items())))
    words = {True: "matches what is recorded of it", False: "NOT the hash of what is recorded of it", None: ""}
    for name, (given, matches) in record.specifications().items():
        lines.append(f"{_plain(name)} {_plain(given)} {words[matches]}".rstrip())
    return lines


def _link(link: Link) -> list[str]:
    w, f = link.wanted, link.found
    says = {
        "matches": "matches",
        "matches in content": "matches in content; only its own record was made again",
        "changed": f"CHANGED since (sha256 now {(f.sha256 or '')[:12]})",
        "not found": "not found",
        "unreadable": "cannot be read",
    }[f.status]
    if w.shipped is not None:
        where = " (shipped)"
    elif f.path is not None and f.path.name != w.name:
        where = f", found as {_plain(f.path)}"
    else:
        where = ""
    head = f"{_plain(w.role)}: {_plain(w.name)}  sha256 {w.sha256[:12]}  {says}{where}"
    if link.origin is not None and link.origin.note == SHOWN:
        head += f", {SHOWN}"
    return [head, *([] if link.origin is None else _below(link.origin))]


def _plain(text: object, most: int = _LONGEST) -> str:
    whole = "".join(c if c.isprintable() else "\ufffd" for c in str(text))
    return whole if len(whole) <= most else whole[: most - 1] + "…"
