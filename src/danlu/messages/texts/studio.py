"""Texts of the server behind the page: key → (English, Chinese)."""

TEXTS = {
    "studio.serving": ("The page is at {url} (Ctrl-C ends it).", "页面地址：{url}（按 Ctrl-C 结束）。"),
    "studio.about-run": ("It shows the run {name}.", "展示的训练：{name}。"),
    "studio.about-builtin": (
        "It shows a small net that it trains itself; `danlu learn RUN` shows a run of yours.",
        "展示的是页面自己训练的小网络；用 `danlu learn 训练文件夹` 可展示你自己的训练。",
    ),
    "studio.no-browser": (
        "There is no browser to open here; open the address yourself.",
        "这里没有可打开的浏览器，请自行打开上面的地址。",
    ),
    "studio.exposed": (
        "Everybody who can reach this machine can see the page, which shows the run's numbers.",
        "能访问这台机器的人都可以看到页面及这次训练的数据。",
    ),
    "studio.ended": ("The page has ended.", "页面已关闭。"),
    "studio.no-port": ("No port can be listened on: {reason}.", "无法监听端口：{reason}。"),
    "studio.no-port.remedy": (
        "Choose another with --port, or leave it out: then a free one is taken.",
        "请用 --port 换一个端口，或省略它以自动选择空闲端口。",
    ),
    "studio.bad-port": (
        "--port is a number from 1 to 65535, not {port!r}.",
        "--port 应为 1 到 65535 的整数，而不是 {port!r}。",
    ),
    "studio.no-page": ("The built page is not in this installation.", "此安装中没有构建好的页面。"),
    "studio.no-page.remedy": (
        "Build it: `npm ci && npm run build` in studio-ui.",
        "请在 studio-ui 中运行 `npm ci && npm run build` 构建。",
    ),
    "studio.busy": ("Too much is being computed already; try again in a moment.", "正在进行的计算太多，请稍后再试。"),
    "studio.gone": ("Nobody waits for this any more.", "已经没有人在等待这个结果。"),
    "studio.other-host": (
        "This is not the server that was asked for: open the address that `danlu learn` has printed.",
        "请求的不是这台服务器：请打开 `danlu learn` 输出的地址。",
    ),
    "studio.other-site": ("Pages of other sites may not ask.", "不接受其他网站页面的请求。"),
    "studio.other-method": ("Only GET and POST are answered.", "只接受 GET 和 POST。"),
    "studio.other-content": ("Only JSON is taken.", "只接受 JSON。"),
    "studio.too-large": ("The request is too large.", "请求太大。"),
    "studio.too-slow": ("The request came too slowly.", "请求到达得太慢。"),
    "studio.misasked": ("These controls have no such value: {fields}.", "以下控件的取值无效：{fields}。"),
    "studio.no-json": ("The request is not a JSON object.", "请求不是 JSON 对象。"),
    "studio.missing": ("There is nothing at this address.", "此地址没有内容。"),
    "studio.defect": (
        "This is a defect of Danlu ({kind}); the other lessons still work.",
        "这是丹炉自身的缺陷（{kind}），其余课程仍可使用。",
    ),
}
