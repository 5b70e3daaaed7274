"""Texts of evaluation: key → (English, Chinese)."""

TEXTS = {
    "evaluation.no-predictions": (
        "it holds no predictions of the {part} part.",
        "其中没有 {part} 部分的预测结果。",
    ),
    "evaluation.no-predictions.remedy": (
        "Make them: `danlu evaluate {run} --part {part}`.",
        "请先生成：`danlu evaluate {run} --part {part}`。",
    ),
}
