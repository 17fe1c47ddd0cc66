"""Shapes to measure: those of models in use, and edges where kernels change.

Weights are (columns n, inner k) of y[m,n] = x[m,k] @ w[k,n]. The comments name models whose
published configuration has the shape; a shape is a point to measure, not a claim about a model.
"""

from __future__ import annotations

__all__ = ["CONVOLUTIONS", "EXPERTS", "EXTENDS", "GROUPED", "HEADS", "OTHER_ROWS",
           "OTHER_WEIGHTS", "PLAIN_ROWS", "ROWS", "STREAM_BATCHES", "STREAM_BEHIND", "STREAM_WORKS",
           "WARM_HEADS", "WEIGHTS"]

ROWS = (1, 4, 8, 16, 32, 48, 64, 100, 128, 256, 384, 512, 1024, 1500, 2048, 4096, 8192, 16384)
PLAIN_ROWS = (16, 256, 4096)

WEIGHTS = (
    # hidden 768 and 1024: BERT, GPT-2
    (768, 768), (2304, 768), (3072, 768), (768, 3072), (50304, 768),
    (1024, 1024), (3072, 1024), (4096, 1024), (1024, 4096),
    # hidden 2048
    (2048, 2048), (6144, 2048), (8192, 2048), (2048, 8192), (2816, 2048), (2048, 1408),
    # hidden 4096: Llama 7B and 8B, Mixtral, and their halves to eighths
    (4096, 4096), (6144, 4096), (12288, 4096), (22016, 4096), (4096, 11008), (28672, 4096),
    (14336, 4096), (4096, 14336), (3584, 4096), (4096, 1792), (4096, 512), (32000, 4096),
    (128256, 4096),
    # hidden 5120: Llama 13B, Qwen 14B
    (5120, 5120), (15360, 5120), (27648, 5120), (5120, 13824), (5120, 1536),
    # hidden 7168: DeepSeek-V3
    (2112, 7168), (4096, 7168), (7168, 2048), (7168, 16384), (24576, 1536),
    # hidden 8192: Llama 70B, whole and an eighth
    (8192, 8192), (10240, 8192), (57344, 8192), (28672, 8192), (8192, 28672), (1280, 8192),
    (7168, 8192), (8192, 3584), (8192, 1024),
    # hidden 12288: GPT-3
    (12288, 12288), (49152, 12288), (12288, 49152), (16384, 16384),
    # few columns: routers, heads, low-rank factors
    (8, 4096), (16, 14336), (64, 4096), (128, 2048), (128, 8192), (256, 7168), (256, 1024),
    # long k: gradients of weights, wide reductions
    (128, 65536), (256, 28672), (512, 32768), (1024, 65536),
    # classifiers of ResNet-50 and VGG-16
    (1000, 2048), (4096, 25088), (1000, 4096),
)
OTHER_WEIGHTS = (
    (1024, 1024), (3072, 768), (2048, 2048), (4096, 4096), (28672, 4096), (4096, 14336),
    (5120, 13824), (8192, 8192), (28672, 8192), (8192, 28672), (128, 8192), (256, 28672),
    (7168, 2048),
)
OTHER_ROWS = {
    "fp8": (1, 16, 64, 128, 256, 512, 1024, 4096, 8192),
    "fp16": (16, 128, 1024, 8192),
    "tf32": (16, 256, 2048, 8192),
    "int8": (32, 256, 2048, 8192),
}
"""Rows by data type; int8 products take more than 16 rows only."""

HEADS = (
    (32, 32, 128), (32, 8, 128), (64, 8, 128), (8, 1, 128), (40, 40, 128), (28, 4, 128),
    (48, 1, 128), (16, 16, 64), (12, 12, 64), (32, 8, 64),
)
"""(heads, key-value heads, head_dim)"""
WARM_HEADS = ((32, 32, 128), (32, 8, 128), (16, 16, 64))
EXTENDS = ((1, 512, 2048), (1, 512, 16384), (4, 16, 2048), (16, 128, 2048))
"""(batch, new queries, keys with the new ones): a prompt taken in pieces, several guesses"""

EXPERTS = ((4096, 14336), (6144, 16384), (2048, 768), (2048, 1408), (5120, 1536), (7168, 2048),
           (5120, 8192))
"""(hidden, ffn) of one expert"""
GROUPED = (
    (8, 28672, 4096), (8, 4096, 14336), (16, 4096, 4096), (64, 2816, 2048), (64, 2048, 1408),
    (128, 1536, 2048), (128, 2048, 768), (32, 4096, 7168), (32, 7168, 2048), (160, 3072, 2048),
)
"""(experts on the GPU, n, k)"""

CONVOLUTIONS = (
    # ResNet-50: (channels in, out, input height = width, kernel, stride)
    (3, 64, 224, 7, 2), (64, 64, 56, 1, 1), (64, 64, 56, 3, 1), (64, 256, 56, 1, 1),
    (256, 64, 56, 1, 1), (256, 128, 56, 1, 1), (128, 128, 56, 3, 2), (128, 512, 28, 1, 1),
    (256, 512, 56, 1, 2), (512, 128, 28, 1, 1), (128, 128, 28, 3, 1), (512, 256, 28, 1, 1),
    (256, 256, 28, 3, 2), (256, 1024, 14, 1, 1), (512, 1024, 28, 1, 2), (1024, 256, 14, 1, 1),
    (256, 256, 14, 3, 1), (1024, 512, 14, 1, 1), (512, 512, 14, 3, 2), (512, 2048, 7, 1, 1),
    (1024, 2048, 14, 1, 2), (2048, 512, 7, 1, 1), (512, 512, 7, 3, 1),
    # VGG-16
    (3, 64, 224, 3, 1), (64, 64, 224, 3, 1), (64, 128, 112, 3, 1), (128, 128, 112, 3, 1),
    (128, 256, 56, 3, 1), (256, 256, 56, 3, 1), (256, 512, 28, 3, 1), (512, 512, 28, 3, 1),
    (512, 512, 14, 3, 1),
)

STREAM_WORKS = (("gemm", 512), ("gemm", 2048), ("gemm", 8192), ("copy", 2 ** 22), ("copy", 2 ** 28),
                ("norm", 64))
"""Works that two streams run side by side: grids below, about and far above the SMs' number"""
STREAM_BATCHES, STREAM_BEHIND = (4, 8, 16, 32, 64), 16
"""Batches of the ResNet-50 in the first stream, and of the one behind it"""
