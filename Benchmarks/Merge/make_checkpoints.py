#!/usr/bin/env python3
"""Random bf16 checkpoints in the shape of Qwen2-0.5B: 494 M parameters, 988 MB each. Needs numpy, no download.
usage: make_checkpoints.py FOLDER [LAYERS]     writes FOLDER/{base,a,b}; a and b are base + N(0, 0.002)"""
import json, os, struct, sys
import numpy as np

HIDDEN, INNER, VOCABULARY, KEYS = 896, 4864, 151936, 128


def shapes(layers):
    yield "model.embed_tokens.weight", (VOCABULARY, HIDDEN)
    for layer in range(layers):
        p = f"model.layers.{layer}."
        yield p + "input_layernorm.weight", (HIDDEN,)
        yield p + "mlp.down_proj.weight", (HIDDEN, INNER)
        yield p + "mlp.gate_proj.weight", (INNER, HIDDEN)
        yield p + "mlp.up_proj.weight", (INNER, HIDDEN)
        yield p + "post_attention_layernorm.weight", (HIDDEN,)
        for name, rows in (("k", KEYS), ("o", HIDDEN), ("q", HIDDEN), ("v", KEYS)):
            yield p + f"self_attn.{name}_proj.weight", (rows, HIDDEN)
            if name != "o":
                yield p + f"self_attn.{name}_proj.bias", (rows,)
    yield "model.norm.weight", (HIDDEN,)


def bf16(x):
    """Nearest bfloat16, ties to even, as its 16 bits."""
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def main():
    folder, layers = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 24
    config = dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2", hidden_size=HIDDEN, intermediate_size=INNER, num_hidden_layers=layers,
                  num_attention_heads=14, num_key_value_heads=2, vocab_size=VOCABULARY, max_position_embeddings=32768, rms_norm_eps=1e-6,
                  rope_theta=1000000.0, tie_word_embeddings=True, hidden_act="silu", torch_dtype="bfloat16", bos_token_id=151643, eos_token_id=151645)
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes(layers):
        size = 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    files = {}
    for model in ("base", "a", "b"):
        os.makedirs(os.path.join(folder, model), exist_ok=True)
        json.dump(config, open(os.path.join(folder, model, "config.json"), "w"), indent=1)
        files[model] = open(os.path.join(folder, model, "model.safetensors"), "wb")
        files[model].write(struct.pack("<Q", len(head)) + head)
    for number, (name, shape) in enumerate(shapes(layers)):
        base = np.random.default_rng([1, number]).standard_normal(shape, np.float32) * np.float32(0.02) + np.float32("norm" in name)
        rounded = bf16(base)
        files["base"].write(rounded.tobytes())
        base = (rounded.astype(np.uint32) << 16).view(np.float32)
        for seed, model in ((2, "a"), (3, "b")):
            change = np.random.default_rng([seed, number]).standard_normal(shape, np.float32) * np.float32(0.002)
            files[model].write(bf16(base + change).tobytes())
    print(f"{folder}: 3 checkpoints of {end} bytes")


main()
