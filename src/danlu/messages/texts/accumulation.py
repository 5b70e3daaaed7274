"""Texts about effective batches: key → (English, Chinese)."""

TEXTS = {
    "accumulation.coupled": (
        "the term {name} couples the samples of a batch, so accumulating it would change it.",
        "损失项 {name} 使批次内样本相互关联，累积会改变其值。",
    ),
    "accumulation.coupled.remedy": (
        "Set accumulate to 1, with larger batches instead.",
        "请将 accumulate 设为 1，改用更大的批次。",
    ),
}
