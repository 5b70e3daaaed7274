"""What stands in the slots of the loop, and what the checks before it found: key → (English, Chinese)."""

TEXTS = {
    "loop.rows": ("{count} rows", "{count} 行"),
    "loop.parameters": ("{count} parameters", "{count} 个参数"),
    "loop.loss": ("loss {value}", "损失 {value}"),
    "loop.trained": ("{count} trained", "训练其中 {count} 个"),
    "loop.averaged": ("the optimiser's mean weights", "优化器的平均权重"),
    "loop.swa": ("SWA from step {step}", "SWA，自第 {step} 步"),
    "loop.proximal": ("proximal L1 {weight}", "近端 L1 {weight}"),
    "loop.sam": ("SAM {rho}", "SAM {rho}"),
    "loop.unfreezing": (
        "{count} trained; {plan}: at first {now}, {first} of {stages} stages",
        "训练其中 {count} 个；{plan}：开始时 {now} 个，{stages} 段中的 {first} 段",
    ),
    "loop.compiled": ("compiled", "已编译"),
    "loop.closed": ("in closed form with the update", "与更新合并，以闭式计算"),
    "loop.accumulate": ("accumulate {count}", "累积 {count}"),
    "loop.cached": (
        "accumulate {count} by cached gradients (forward twice)",
        "累积 {count}，缓存梯度（前向两次）",
    ),
    "loop.unscale": ("unscale", "还原缩放"),
    "loop.clip": ("clip norm {norm}", "裁剪范数 {norm}"),
    "loop.l1": ("L1 {weight}", "L1 {weight}"),
    "loop.guard.stop": ("guard: stop at NaN or infinity", "检查：遇 NaN 或无穷即停止"),
    "loop.guard.skip": ("guard: skip steps of NaN or infinity", "检查：略过 NaN 或无穷的步"),
    "loop.update": (
        "{optimizer}, peak rate {rate}, decay {decay}, {schedule}",
        "{optimizer}，峰值学习率 {rate}，权重衰减 {decay}，{schedule}",
    ),
    "loop.after-warmup": ("{schedule} after {count} warm-up steps", "{schedule}（先预热 {count} 步）"),
    "loop.every-epoch": ("every epoch", "每轮"),
    "loop.every-epochs": ("every {count} epochs", "每 {count} 轮"),
    "loop.best": ("{when}, best by {monitor}", "{when}，按 {monitor} 保留最佳"),
    "loop.patience": ("{monitor}, patience {count}", "{monitor}，容忍 {count} 次无改进"),
}
