"""Networks whose training steps are measured, in plain PyTorch: VGG-16, GPT-2 and ViT-B/16.

ResNet-50 is in `resnet`. Layers and sizes are the published ones: VGG-16 (Simonyan and Zisserman,
arXiv 1409.1556, configuration D, with dropout), GPT-2 small (Radford et al. 2019; the output shares
the embedding's weights), ViT-B/16 (Dosovitskiy et al., arXiv 2010.11929). Dropout of GPT-2 and
ViT is left out. Weights are random: nothing is learnt here.
"""

from __future__ import annotations

from typing import Any

__all__ = ["TOKENS", "VOCABULARY", "gpt2", "vgg16", "vit_b16"]

CLASSES = 1000
STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions before a pool
HIDDEN, HEADS, BLOCKS, GROWTH = 768, 12, 12, 4              # of GPT-2 small and of ViT-B
TOKENS, VOCABULARY = 1024, 50257
PATCH, SIZE = 16, 224


def vgg16(torch: Any) -> Any:
    """138,357,544 weights; takes images of 224 x 224."""
    nn = torch.nn
    layers, channels = [], 3
    for width, count in STAGES:
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2))
    wide = 4096
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(),
        nn.Linear(512 * 49, wide), nn.ReLU(inplace=True), nn.Dropout(),
        nn.Linear(wide, wide), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(wide, CLASSES))


def gpt2(torch: Any) -> Any:
    """124,439,808 weights; takes tokens (batch, length), gives logits."""
    nn = torch.nn

    class Gpt2(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(VOCABULARY, HIDDEN)
            self.places = nn.Embedding(TOKENS, HIDDEN)
            self.blocks = nn.Sequential(*(_block(torch, True) for _ in range(BLOCKS)))
            self.norm = nn.LayerNorm(HIDDEN)

        def forward(self, tokens: Any) -> Any:
            places = torch.arange(tokens.shape[1], device=tokens.device)
            x = self.blocks(self.tokens(tokens) + self.places(places))
            return nn.functional.linear(self.norm(x), self.tokens.weight)
    return Gpt2()


def vit_b16(torch: Any) -> Any:
    """86,567,656 weights; takes images of 224 x 224."""
    nn = torch.nn

    class Vit(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, HIDDEN, PATCH, PATCH)
            self.first = nn.Parameter(torch.zeros(1, 1, HIDDEN))
            self.places = nn.Parameter(torch.zeros(1, (SIZE // PATCH) ** 2 + 1, HIDDEN))
            self.blocks = nn.Sequential(*(_block(torch, False) for _ in range(BLOCKS)))
            self.norm = nn.LayerNorm(HIDDEN)
            self.head = nn.Linear(HIDDEN, CLASSES)

        def forward(self, images: Any) -> Any:
            x = self.patches(images).flatten(2).transpose(1, 2)
            x = torch.cat([self.first.expand(len(x), -1, -1).to(x.dtype), x], 1) + self.places
            return self.head(self.norm(self.blocks(x))[:, 0])
    return Vit()


def _block(torch: Any, causal: bool) -> Any:
    """Attention and a feed-forward layer, each after a norm and beside a shortcut."""
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(HIDDEN), nn.LayerNorm(HIDDEN)
            self.qkv, self.out = nn.Linear(HIDDEN, 3 * HIDDEN), nn.Linear(HIDDEN, HIDDEN)
            self.ffn = nn.Sequential(nn.Linear(HIDDEN, GROWTH * HIDDEN),
                                     nn.GELU(approximate="tanh" if causal else "none"),
                                     nn.Linear(GROWTH * HIDDEN, HIDDEN))

        def forward(self, x: Any) -> Any:
            batch, length, _ = x.shape
            heads = self.qkv(self.norm1(x)).view(batch, length, 3, HEADS, -1)
            q, k, v = heads.permute(2, 0, 3, 1, 4)
            seen = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
            x = x + self.out(seen.transpose(1, 2).reshape(batch, length, HIDDEN))
            return x + self.ffn(self.norm2(x))
    return Block()
