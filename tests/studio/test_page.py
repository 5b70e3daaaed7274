"""The page by eye and hand: in Chromium, in both languages, by keyboard alone, with the numbers that torch gives.

``DANLU_PICTURES=folder`` keeps pictures of every page there.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest
import torch

from danlu.errors import RunError
from danlu.learn.builtin import builtin
from danlu.learn.diagrams import of_builtin
from danlu.messages import LANGUAGES
from danlu.messages.texts.learn import TEXTS
from danlu.studio.assets import assets
from danlu.studio.subject import Subject
from tests.studio.browsing import CHROMIUM, Visit, served

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install danlu[browser]")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.timeout(900),
]

PAGES = ("diagrams", "chain", "activation", "rate")
WIDTHS = (1280, 390)
FIRST_LOAD = 300_000  # bytes, compressed
PICTURES = Path(os.environ["DANLU_PICTURES"]) if "DANLU_PICTURES" in os.environ else None

# The nodes of the guide's four diagrams, by its own names.
GUIDE = {
    name: nodes.split()
    for name, nodes in {
        "flow": "输入数据 数据归一化 神经网络内部 输入层 隐藏层 输出层 激活函数 批量归一化 Dropout 损失函数 反向传播 参数更新 优化器",
        "loop": "开始训练 初始化参数 每个批次 前向传播 计算损失 反向传播 更新参数 优化器 学习率调度 下一批次 是 否 训练结束 "
        "每层处理 层计算 批量归一化 激活函数 Dropout",
        "parts": "模型组件 神经网络 结构 网络层 非线性 激活函数 正则化 正则化方法 训练组件 训练过程 评估 损失函数 优化 "
        "优化器 调节 学习率 正则化组件 批量归一化 Dropout L1/L2 优化组件 SGD Adam 学习率调度",
        "data": "原始数据 预处理 处理后数据 划分 训练集 验证集 测试集 模型训练 验证 模型评估 测试 最终评估 "
        "评估指标 损失值 准确率 其他指标",
    }.items()
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path=CHROMIUM)
        yield made
        made.close()


@pytest.fixture(scope="module")
def small() -> Iterator[str]:
    with served(Subject()) as url:
        yield url


def text(key: str, language: str = "en", **places: object) -> str:
    return TEXTS[key][LANGUAGES.index(language)].format(**places)  # type: ignore[arg-type]


def short(value: float, digits: int = 3) -> str:
    """As the page writes a number of ordinary size."""
    places = max(digits - 1 - int(torch.tensor(abs(value)).log10().floor()), 0)
    return f"{value:.{places}f}".replace("-", "−")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_it_opens(browser: Any, small: str, name: str, language: str) -> None:
    """Without an error, a request to another place, a text that is missing, or anything wider than the window."""
    for width, scheme in zip(WIDTHS, ("light", "dark"), strict=True):
        visit = Visit(browser, small, language, width, scheme)
        page = visit.open(name)
        page.wait_for_load_state("networkidle")
        assert page.locator("html").get_attribute("lang") == {"en": "en", "zh": "zh-CN"}[language]
        assert page.title() == f"{text(f'learn.page.{name}', language)} · {text('learn.title', language)}"
        seen = page.inner_text("body") + " ".join(page.locator("svg text").all_text_contents())
        assert not re.findall(r"learn\.[a-z.-]+|undefined|NaN|\[object", seen)
        assert bool(re.search("[\u4e00-\u9fff]", seen.replace("中文", ""))) == (language == "zh")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert {urlsplit(each).netloc for each in visit.asked} == {urlsplit(small).netloc}
        assert not visit.said
        visit.see(PICTURES, f"{name}-{language}-{width}-{scheme}")
        visit.context.close()


def test_the_first_load_is_small(browser: Any, small: str) -> None:
    visit = Visit(browser, small, "en")
    sizes: dict[str, int] = {}
    visit.page.on("requestfinished", lambda request: sizes.update({request.url: request.sizes()["responseBodySize"]}))
    visit.open()
    visit.page.wait_for_load_state("networkidle")
    assert any(url.endswith(".js") for url in sizes)
    assert sum(sizes.values()) <= FIRST_LOAD
    assert sum(len(each.zipped or each.body) for each in assets().values()) <= FIRST_LOAD
    visit.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_reaches_everything(browser: Any, small: str, name: str) -> None:
    """By Tab every control that the mouse reaches (of radio buttons the chosen one), and none keeps the focus."""
    visit = Visit(browser, small, "en")
    page = visit.open(name)
    page.wait_for_load_state("networkidle")
    wanted = page.evaluate(
        """() => {
            const found = [...document.querySelectorAll('a[href], button, input, select, [tabindex="0"]')]
                .filter(each => each.type !== 'radio' || each.checked)
            found.forEach((each, index) => each.dataset.probe = index)
            return found.length
        }"""
    )
    reached, order = set(), []
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        probe = page.evaluate("document.activeElement?.dataset?.probe ?? null")
        if probe is not None and probe not in reached:
            order.append(int(probe))
        reached.add(probe)
        outlined = page.evaluate(
            """() => {
                const at = document.activeElement
                if (!at || at === document.body) return true
                const shown = at.matches('input[type=radio]') ? at.nextElementSibling
                    : at.querySelector('.plate') ?? at
                const style = getComputedStyle(shown)
                return style.outlineStyle !== 'none' || parseFloat(style.strokeWidth) > 2
            }"""
        )
        assert outlined, "the focus can't be seen"
    assert reached - {None} == {str(index) for index in range(wanted)}
    assert order == sorted(order), "in the order in which it stands on the page"
    visit.context.close()


def test_by_keyboard_alone(browser: Any, small: str) -> None:
    """To a lesson, a guess, a slider, another language: without a mouse."""
    visit = Visit(browser, small, "en")
    page = visit.open()
    page.get_by_role("link", name=text("learn.page.chain")).last.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement?.id === 'title'")
    page.wait_for_selector("section.card svg")
    page.get_by_role("button", name=text("learn.chain.text.half")).focus()
    page.keyboard.press("Enter")
    page.get_by_text(text("learn.chain.text.answer")).wait_for()
    slider = page.get_by_label(text("learn.chain.target"), exact=True)
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.locator("output", has_text="0.85").wait_for()
    page.get_by_role("radio", name="English").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("heading", name=text("learn.chain.title", "zh")).wait_for()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert not visit.said
    visit.context.close()


def test_the_guides_diagrams_are_all_there(browser: Any, small: str) -> None:
    visit = Visit(browser, small, "zh")
    page = visit.open()
    for name, nodes in GUIDE.items():
        pieces = page.locator(f"section[aria-labelledby=diagram-{name}] svg text").all_text_contents()
        drawn = [piece.strip() for piece in pieces]
        whole = " ".join(drawn)
        missing = [node for node in nodes if node not in drawn and not (len(node) > 2 and node in whole)]
        assert not missing, name
    visit.context.close()


def test_the_diagrams_numbers_are_the_nets(browser: Any, small: str) -> None:
    net, told = builtin().stage.net, of_builtin()
    visit = Visit(browser, small, "en")
    page = visit.open()
    boxes = page.locator("section[aria-labelledby=diagram-flow] li").all_text_contents()
    count = sum(parameter.numel() for parameter in net.parameters())
    assert f"mlp, {count:,} parameters" in page.locator("section[aria-labelledby=diagram-flow] svg").text_content()
    first, last = (
        [module for module in net.modules() if isinstance(module, torch.nn.Linear)][place] for place in (0, -1)
    )
    for title, layer in (("Input layer", first), ("Output layer", last)):
        own = sum(parameter.numel() for parameter in layer.parameters())
        assert f"{title} Linear {own} parameters" in boxes
    loop = page.locator("section[aria-labelledby=diagram-loop] li").all_text_contents()
    assert f"Backward pass gradient norm {short(told['training']['grad_norm'])}" in loop
    parts = page.locator("section[aria-labelledby=diagram-data] li").all_text_contents()
    assert "Training part 320 samples" in parts
    assert f"Accuracy {short(told['evaluation']['val']['accuracy'])}" in parts
    visit.context.close()


def test_the_chain_lesson_shows_torchs_gradient(browser: Any, small: str) -> None:
    """The tiny net, written down again: the product of the links, the measured slope, the step."""
    first = torch.tensor([[0.6, -0.8], [-0.5, 0.9], [1.2, 0.4]], dtype=torch.float64, requires_grad=True)
    x, bias = torch.tensor([1.0, -0.5], dtype=torch.float64), torch.tensor([0.1, -0.2, 0.0], dtype=torch.float64)
    y = torch.tensor([0.9, -0.7, 0.5], dtype=torch.float64) @ torch.tanh(first @ x + bias) + 0.1
    loss = 0.5 * (y - 0.8) ** 2
    (gradient,) = torch.autograd.grad(loss, first)
    visit = Visit(browser, small, "en")
    page = visit.open("chain")
    chips = page.locator(".link .number")
    assert set(chips.all_text_contents()) == {"?"}, "nothing before the backward pass"
    for _ in range(3):
        page.get_by_role("button", name=text("learn.chain.forward")).click()
    assert short(loss.item()) in page.locator(".picture svg").text_content()
    for _ in range(4):
        page.get_by_role("button", name=text("learn.chain.backward")).click()
    *links, product, measured = (float(each.replace("−", "-")) for each in chips.all_text_contents())
    assert torch.tensor(links).prod().item() == pytest.approx(gradient[0, 0].item(), abs=2e-4)
    assert product == pytest.approx(gradient[0, 0].item(), abs=5e-5)
    assert measured == product
    page.get_by_label(text("learn.chain.chosen")).select_option(index=5)
    expected = short(gradient[2, 1].item(), 4)
    page.locator(".link.product .number", has_text=expected).wait_for()
    visit.context.close()


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [("chain", "zero", "same"), ("activation", "most", "few"), ("rate", "higher", "lower")],
)
@pytest.mark.parametrize("guessed", ["right", "wrong"])
def test_a_question_is_answered_after_the_guess(
    browser: Any, small: str, name: str, right: str, wrong: str, guessed: str
) -> None:
    """What is right was computed by the lesson itself: see tests/learn for its numbers."""
    visit = Visit(browser, small, "en")
    page = visit.open(name)
    question = page.locator("section.question")
    assert question.locator(".answer").inner_text() == ""
    question.get_by_role("button", name=text(f"learn.{name}.text.{right if guessed == 'right' else wrong}")).click()
    question.get_by_text(text("learn.right" if guessed == "right" else "learn.wrong")).wait_for()
    marked = question.locator("button.right")
    assert text(f"learn.{name}.text.{right}") in marked.inner_text()
    assert question.locator("button.wrong").count() == (0 if guessed == "right" else 1)
    visit.see(PICTURES, f"{name}-answered-{guessed}")
    assert not visit.said
    visit.context.close()


def test_an_activation_is_exchanged_and_moved(browser: Any, small: str) -> None:
    """The figures follow the controls, and are those of the lesson asked with the same controls."""
    visit = Visit(browser, small, "en")
    page = visit.open("activation")
    page.get_by_label("tanh").check()
    slider = page.get_by_label(text("learn.activation.gain"))
    slider.focus()
    page.keyboard.press("End")
    controls = {"layer": 0, "name": "tanh", "shift": 0.0, "gain": 5.0}
    told = Subject().lesson("activation", "builtin", controls, Event())
    page.locator("dd", has_text=short(told["loss"])).first.wait_for()
    shown = dict(zip(page.locator("dt").all_text_contents(), page.locator("dt + dd").all_text_contents(), strict=True))
    assert shown[text("learn.activation.flat")] == f"{told['flat'] * 100:.0f} %"
    assert shown[text("learn.activation.saturated")] == f"{told['saturated'] * 100:.0f} %"
    visit.context.close()


class Training(Subject):
    """Pretends to be a run that trains, one step further each time that it is looked at; its lessons have nothing to work on."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "night-shift"
        self.looks = 0

    def diagrams(self, of: str, stop: Event) -> dict[str, Any]:
        found = copy.deepcopy(of_builtin())
        if of == "builtin":
            return found
        self.looks += 1
        if self.looks == 3:
            raise RunError.of("", "The folder is being written.", "Look again.")
        found["name"], found["status"] = self.name, "running"
        found["training"] |= {"step": self.looks, "steps": 400, "epoch": 1}
        return found

    def lesson(self, name: str, of: str, controls: Any, stop: Event) -> dict[str, Any]:
        if of == "run" and name != "chain":
            raise RunError.of("/somewhere/night-shift", "There are no weights yet.", "Wait for the first checkpoint.")
        return super().lesson(name, of, controls, stop)


def test_a_run_that_trains_is_followed(browser: Any) -> None:
    """New numbers come by themselves; a look that fails is said, and mended by the next."""
    with served(Training()) as url:
        visit = Visit(browser, url, "en")
        page = visit.open()
        page.get_by_text("night-shift").first.wait_for()
        assert page.get_by_text(text("learn.status.running")).first.is_visible()
        page.get_by_text("The folder is being written. Look again.").wait_for()
        steps = page.locator("section[aria-labelledby=diagram-loop] li", has_text="step 5 / 400")
        steps.wait_for(state="attached")
        assert page.get_by_text("The folder is being written.").count() == 0
        page.get_by_role("radio", name=text("learn.builtin")).check()
        page.get_by_text(text("learn.status.finished")).first.wait_for()
        visit.context.close()


def test_a_server_that_does_not_answer(browser: Any, small: str) -> None:
    """Before the page has any texts it speaks both languages."""
    visit = Visit(browser, small, "en")
    visit.page.route("**/api/about", lambda route: route.abort())
    visit.page.goto(small)
    visit.page.get_by_text("The server does not answer.").wait_for()
    assert visit.page.get_by_text("服务器没有应答。").is_visible()
    visit.page.unroute("**/api/about")
    visit.page.get_by_role("button").click()
    visit.page.locator(".graph svg").first.wait_for()
    visit.context.close()


def test_what_goes_wrong_is_said_kindly(browser: Any) -> None:
    """In the page, with a way on: the small net; and where the server has ended, that."""
    with served(Training()) as url:
        visit = Visit(browser, url, "zh")
        page = visit.page
        page.goto(f"{url}#/rate")
        notice = page.get_by_role("alert")
        notice.get_by_text("Wait for the first checkpoint.").wait_for()
        notice.get_by_role("button", name=text("learn.to-builtin", "zh")).click()
        page.locator("section.card svg").first.wait_for()
        assert notice.count() == 0
    page.get_by_label(text("learn.rate.cosine", "zh")).check()
    page.get_by_text("danlu learn").wait_for()
    visit.context.close()
