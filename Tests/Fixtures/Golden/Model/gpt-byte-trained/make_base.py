"""Stores a trained toy as bfloat16, to the nearest even: make_base.py TRAINED/model.safetensors model.safetensors

The toy was trained by
  centram-host train --from-scratch gpt-byte --data TEXT --iters 500 --batch-size 16 --max-seq-length 128 --seed 1 --learning-rate 0.002
on 340 kB of this repository's own ASCII: Swift of Sources/CentramNode, C of Sources/CModelKernels, prose of docs.
"""
import json, struct, sys

data = open(sys.argv[1], "rb").read()
length = struct.unpack("<Q", data[:8])[0]
header, body = json.loads(data[8:8 + length]), data[8 + length:]
out, offset, tensors = b"", 0, {"__metadata__": {"format": "pt"}}
for name in sorted(k for k in header if k != "__metadata__"):
    start, end = header[name]["data_offsets"]
    words = struct.unpack("<%dI" % ((end - start) // 4), body[start:end])
    half = struct.pack("<%dH" % len(words), *[((w + 0x7FFF + ((w >> 16) & 1)) >> 16) & 0xFFFF for w in words])
    tensors[name] = {"dtype": "BF16", "shape": header[name]["shape"], "data_offsets": [offset, offset + len(half)]}
    offset, out = offset + len(half), out + half
text = json.dumps(tensors, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
open(sys.argv[2], "wb").write(struct.pack("<Q", len(text)) + text + out)
