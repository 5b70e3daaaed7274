"""Texts of the page and its lessons: key → (English, Chinese)."""

TEXTS = {
    "learn.too-slow": ("This net is too slow here for a lesson.", "这个网络在本机上太慢，不适合用于课程。"),
    "learn.no-activations": ("This net has no activation layers.", "这个网络没有激活层。"),
    "learn.no-weights": ("This net trains no weights.", "这个网络没有可训练的权重。"),
    "learn.no-activation": ("There is no activation {name}.", "没有激活函数 {name}。"),
    "learn.use-builtin": ("Choose the small net instead.", "请改用内置的小网络。"),
}
