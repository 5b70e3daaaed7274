"""What was trained, how good it is, and whether that is more than a simple model reaches."""

from __future__ import annotations

from danlu.messages import choose, say
from danlu.metrics.meaning import at_one, better
from danlu.report.html import Html, between, name_of, tag
from danlu.report.sections.base import Page, metric, metric_name, note, told
from danlu.watch.figures import duration
from danlu.watch.verdict import untrained, verdict

_TILES = 6


def headline(page: Page) -> Html:
    """The page's head."""
    facts = page.facts
    title = choose(facts.spec.title) if facts.spec is not None else facts.recipe.task
    return tag(
        "header",
        tag("p", "Danlu 丹炉 · ", title, class_="eyebrow"),
        tag("h1", name_of(facts.run.path.resolve().name, 60)),
        tag("p", " · ".join(_facts(page)), class_="facts"),
        _sentence(page),
        _tiles(page),
        class_="head",
    )


def _facts(page: Page) -> list[str]:
    facts = page.facts
    found = [say(f"report.status.{facts.status}")]
    started, ended = facts.last("fit-started"), facts.last("fit-done")
    if started is not None:
        found.append(say("report.when", date=str(started["time"])[:16].replace("T", " ")))
    if ended is not None:
        found.append(say("report.trained", steps=f"{ended['step']:,}", duration=duration(float(ended["seconds"]))))
    rows = facts.card.get("rows", {})
    if rows:
        found.append(say("report.trained-on", rows=f"{rows.get('train', 0):,}"))
    return found


def _sentence(page: Page) -> Html:
    compared = page.facts.compared()
    if compared is not None:
        return told("good" if compared.beaten else "bad", verdict(compared))
    before = untrained(page.facts.metrics, page.facts.part or "val")
    if before is not None:
        return told("good" if before[0] else "bad", before[1])
    if page.facts.part:
        return told("plain", say("report.no-baselines"))
    if page.facts.status == "running":
        return told("plain", say("report.not-yet-judged"))
    if page.facts.status == "refused":
        return told("bad", say("report.refused"))
    return told("plain", say("report.nothing-judged"))


def _tiles(page: Page) -> Html | None:
    """The judged part's metrics, the deciding one first; its loss is in the curves."""
    facts = page.facts
    part = facts.part or "val"
    names = [name for name in facts.metrics if name.startswith(f"{part}/") and not name.startswith(f"{part}/loss")]
    wanted = f"{part}/{facts.monitor.rpartition('/')[2]}"
    names.sort(key=lambda name: name != wanted)
    if not names:
        return None
    tiles = [_tile(page, name) for name in names[:_TILES]]
    said = say("report.tiles", part=page.part, confidence=page.confidence)
    return tag("div", tag("ul", tiles, class_="tiles"), note(said))


def _tile(page: Page, name: str) -> Html:
    facts = page.facts
    way = say("report.one") if at_one(name) else say("report.larger" if better(name) > 0 else "report.smaller")
    bounds = facts.intervals.get(name)
    return tag(
        "li",
        tag("span", metric_name(name), class_="what"),
        tag("strong", metric(facts.metrics[name], name, data_name=name)),
        None if bounds is None else tag("span", between(bounds, name), class_="interval"),
        tag("span", way, class_="way"),
    )
