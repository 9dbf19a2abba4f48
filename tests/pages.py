"""A strict reader of our pages: every element closed in order, nothing fetched from elsewhere."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Strict(HTMLParser):
    """Raises where an element is not closed in order; collects tags, attributes and text (without style and script)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.text.append(data)

    @property
    def words(self) -> str:
        """All text that a reader sees."""
        return " ".join(self.text)

    def count(self, tag: str) -> int:
        """How many elements of a kind there are."""
        return sum(t == tag for t, _ in self.tags)

    def values(self, tag: str, attribute: str) -> list[str]:
        """An attribute of all elements of a kind that have it."""
        return [a[attribute] or "" for t, a in self.tags if t == tag and attribute in a]


def parsed(page: str) -> Strict:
    """Read a page; fails where it is not closed, loads anything, or links to a section that is not there."""
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert not parser.open
    assert page.startswith("<!DOCTYPE html>")
    ids = [a["id"] for _, a in parser.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for tag, attributes in parser.tags:
        assert tag not in ("link", "iframe", "object", "embed", "form")
        assert (attributes.get("src") or "data:").startswith("data:")
        assert tag != "script" or "src" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        assert "href" not in attributes or (attributes["href"] or "")[1:] in ids
    return parser
