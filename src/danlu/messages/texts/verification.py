"""Texts of a report about embeddings that tell identities apart."""

TEXTS: dict[str, tuple[str, str]] = {
    "verification.section": ("Who is told apart", "身份区分"),
    "verification.roc": ("Accepted pairs by threshold", "不同阈值下被接受的配对"),
    "verification.roc.about": (
        "At the threshold {threshold} on the cosine, {accepted} of the pairs of one identity are accepted, and {alarms} of the others.",
        "余弦阈值取 {threshold} 时，同一身份的配对有 {accepted} 被接受，不同身份的有 {alarms} 被误接受。",
    ),
    "verification.far": ("false acceptance rate", "误识率"),
    "verification.tar": ("true acceptance rate", "正确接受率"),
    "verification.chance": ("by chance", "随机"),
    "verification.note": (
        "The threshold is chosen on these pairs themselves: it shows what is possible. The accuracy above is of thresholds chosen on other "
        "identities.",
        "该阈值就是在这些配对上选的，只说明可能达到的水平；上方的准确率所用的阈值选自其他身份。",
    ),
    "verification.missed": ("One identity, least alike", "同一身份中最不相像的"),
    "verification.mistaken": ("Two identities, most alike", "不同身份中最相像的"),
    "verification.likeness": ("cosine {value}", "余弦 {value}"),
}
