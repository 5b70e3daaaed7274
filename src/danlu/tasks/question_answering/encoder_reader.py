"""An encoder of single texts, such as a masked language model's, that reads a question and a text as one."""

from __future__ import annotations

from torch import Tensor, nn

from danlu.data.text.tokenizers import BEGIN, END, PAD
from danlu.nn.nets.span_reader import matches
from danlu.nn.nets.text_transformer import TextTransformer
from danlu.nn.packing import Packing

_FEATURES = 4  # question or text, found on the other side or not


class EncoderReader(nn.Module):
    """As :class:`danlu.nn.nets.span_reader.SpanReader`, around ``encoder``; what tells question from text is new with the head."""

    def __init__(self, encoder: TextTransformer) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.embedding.embedding_dim
        encoder.head = nn.Identity()  # type: ignore[assignment]
        self.packing = Packing((BEGIN,), (END,), (), PAD)
        self.features = nn.Embedding(_FEATURES, width)
        nn.init.normal_(self.features.weight, std=0.02)
        self.head = nn.Linear(width, 2)

    def forward(self, question: Tensor, asked: Tensor, text: Tensor, length: Tensor) -> dict[str, Tensor]:
        packed = self.packing(question, asked, text, length)
        found = matches(question, asked, text, length).gather(1, packed.source)
        x = self.encoder.embedding(packed.ids) + self.features(packed.second.long() * 2 + found.long())
        logits = self.head(self.encoder.states(x, packed.ids, packed.lengths))
        start, end = logits.gather(1, packed.places[:, :, None].expand(-1, -1, 2)).unbind(2)
        return {"start": start, "end": end}

    def get_classifier(self) -> tuple[nn.Module, ...]:
        """What is new, as :func:`danlu.nn.head.head_of` asks for it."""
        return (self.features, self.head)

    def get_input_embeddings(self) -> nn.Module:
        """What turns ids into vectors."""
        return self.encoder.embedding
