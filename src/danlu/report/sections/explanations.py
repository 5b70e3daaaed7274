"""What answers rest on: Grad-CAM beside the image, of the worst and of a few right samples."""

from __future__ import annotations

from danlu.messages import say
from danlu.report.explained import Shown
from danlu.report.html import Html, cut, join, name_of, tag
from danlu.report.sections.base import Page, Section, class_of, note
from danlu.report.thumbnails import Thumbnail


def section(page: Page) -> Section | None:
    found = page.explained
    title = say("explain.section")
    if found.reason:
        return Section("explanations", title, note(say("explain.unmade", reason=found.reason)))
    if not found.worst and not found.right:
        return None
    parts: list[Html | None] = [tag("p", say("explain.about", layer=found.layer))]
    most = page.most(8, least=1)
    for key, shown in (("explain.worst", found.worst), ("explain.right", found.right)):
        if shown:
            parts += [tag("h3", say(key)), tag("ul", [_card(one) for one in shown[:most]], class_="cards wide")]
    count = len(found.worst) + len(found.right)
    if count < found.wanted:
        parts.append(note(say("explain.slow", shown=count, wanted=found.wanted)))
    parts.append(note(say("explain.more", run=page.facts.run.path)))
    return Section("explanations", title, join(parts))


def _card(one: Shown) -> Html:
    told = say("report.picture-of", name=cut(one.id))
    pictures = [_image(one.image, told), _image(one.heat, f"{told}: Grad-CAM")]
    words = tag("div", say("explain.answered", target=""), tag("b", class_of(one.target)))
    return tag("li", tag("div", pictures, class_="pair"), words, tag("div", name_of(one.id, 32), class_="origin"))


def _image(picture: Thumbnail, told: str) -> Html:
    size = {"width": picture.width, "height": picture.height}
    return tag("img", src=picture.uri, alt=told, **size, class_="tiny" if picture.tiny else None)
