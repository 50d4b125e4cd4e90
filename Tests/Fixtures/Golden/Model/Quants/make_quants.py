"""Blocks of every quantised format and what the gguf package makes of them.

python make_quants.py   (numpy and gguf 0.17 or later; writes beside itself)

FORMAT.blocks  random blocks, scales of a model's size, and the same with every bit pattern of the integers
FORMAT.f32     their values by gguf.quants.dequantize, float32, little-endian
values.f32     numbers to quantise: normal, a block of zeros, equal numbers, huge, tiny, ties
FORMAT.quantized   by gguf.quants.quantize
"""
import pathlib
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(20240607)
# offsets of float16 scales in a block
scales = {T.Q8_0: [0], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208]}
for kind, places in scales.items():
    length, size = quants.GGML_QUANT_SIZES[kind]
    count = 1024 // length
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for place in places:
        d = (rng.standard_normal(count) * 0.02).astype(np.float16)
        d[0], d[1] = 6e-8, -3.1
        blocks[:, place : place + 2] = d.view(np.uint8).reshape(count, 2)
    blocks.tofile(here / f"{kind.name}.blocks")
    quants.dequantize(blocks, kind).astype("<f4").tofile(here / f"{kind.name}.f32")

values = rng.standard_normal((24, 32)).astype(np.float32)
values[1] = 0
values[2] = 0.75
values[3] *= 1e4
values[4] *= 1e-7
values[5] = np.arange(32) - 16
values[6] = (np.arange(32) - 16) / 8 + 0.5 / 8
values[7] = -np.abs(values[7])
values[8] = np.abs(values[8])
values.astype("<f4").tofile(here / "values.f32")
for kind in [T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0]:
    quants.quantize(values, kind).tofile(here / f"{kind.name}.quantized")
