"""Makes the GGUF files beside it with the gguf package, and the same models as Hugging Face folders with transformers.
usage: make_gguf.py OUT   (needs gguf, numpy, torch, transformers, safetensors from PyPI)

types.gguf    metadata of every type, and one vector
formats.gguf  a matrix in each quantised format, and beside it what the gguf package dequantises it to
llama/, llama.gguf        grouped queries, a head of its own, Llama 3's rotary scaling, query and key rows in pairs
qwen2/, qwen2.gguf        biases, a tied head
llama-bias/, llama-bias.gguf   biases on query, key, value and output
"""
import math, os, sys
import numpy as np, torch
import gguf
from gguf import GGMLQuantizationType as T, GGUFWriter
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
rng = np.random.default_rng(11)
torch.manual_seed(11)


def finish(w):
    w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()


def types():
    w = GGUFWriter(f"{out}/types.gguf", "test")
    w.add_uint8("t.u8", 200); w.add_int8("t.i8", -100); w.add_uint16("t.u16", 60000); w.add_int16("t.i16", -30000)
    w.add_uint32("t.u32", 4000000000); w.add_int32("t.i32", -2000000000); w.add_uint64("t.u64", 2**64 - 1); w.add_int64("t.i64", -(2**63))
    w.add_float32("t.f32", 0.1); w.add_float64("t.f64", 0.1); w.add_bool("t.yes", True); w.add_bool("t.no", False)
    w.add_string("t.text", "grüße 😀")
    w.add_array("t.ints", [1, -2, 3]); w.add_array("t.floats", [0.5, -1.5]); w.add_array("t.bools", [True, False, True])
    w.add_array("t.texts", ["", "a", "zwölf", "\u2581x"]); w.add_array("t.nested", [[1, 2], [3]])
    w.add_tensor("vector", np.arange(5, dtype=np.float32))
    finish(w)


def formats():
    w = GGUFWriter(f"{out}/formats.gguf", "test")
    for t in [T.F32, T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1]:
        raw = gguf.quants.quantize(rng.standard_normal((3, 64)).astype(np.float32), t)
        w.add_tensor(t.name, raw, raw_dtype=t)
        w.add_tensor(t.name + ".expected", gguf.quants.dequantize(raw, t).astype(np.float32))
    # The package quantises no K formats: random blocks with scales that are small and finite.
    for t, scales in [(T.Q4_K, [0, 2]), (T.Q5_K, [0, 2]), (T.Q6_K, [208])]:
        length, size = gguf.GGML_QUANT_SIZES[t]
        raw = rng.integers(0, 256, (2, 2 * size), dtype=np.uint8)
        for block in range(2):
            for at in scales:
                raw[:, block * size + at:block * size + at + 2] = rng.uniform(-0.01, 0.01, (2, 1)).astype(np.float16).view(np.uint8)
        w.add_tensor(t.name, raw, raw_dtype=t)
        w.add_tensor(t.name + ".expected", gguf.quants.dequantize(raw, t).astype(np.float32))
    finish(w)


names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
parts = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
         "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def gguf_name(name):
    module, part = name.rsplit(".", 1)
    if module in names: return f"{names[module]}.{part}"
    _, _, layer, rest = module.split(".", 3)
    return f"blk.{layer}.{parts[rest]}.{part}"


def pairs(x, heads):
    """Rows i and i + size/2 of each head side by side, as llama.cpp's converter has them."""
    return x.reshape(heads, 2, x.shape[0] // heads // 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)


def llama3_divisors(c):
    """What the converter writes to rope_freqs.weight, from the definition in transformers."""
    p = c.rope_parameters; size = c.head_dim
    freqs = 1.0 / (p["rope_theta"] ** (torch.arange(0, size, 2, dtype=torch.float32) / size))
    low, high, factor, old = p["low_freq_factor"], p["high_freq_factor"], p["factor"], p["original_max_position_embeddings"]
    result = []
    for freq in freqs:
        wave = 2 * math.pi / freq
        if wave < old / high: result.append(1.0)
        elif wave > old / low: result.append(factor)
        else: result.append(1 / ((1 - (smooth := (old / wave - low) / (high - low))) / factor + smooth))
    return np.array(result, dtype=np.float32)


def model(name, cls, config):
    m = cls(config).float().eval()
    with torch.no_grad():
        for n, p in m.named_parameters(): p.copy_((torch.randn_like(p) * 0.2 + (1.0 if "norm" in n else 0.0)).half().float())
    m.save_pretrained(f"{out}/{name}", safe_serialization=True)
    arch = config.model_type
    w = GGUFWriter(f"{out}/{name}.gguf", arch)
    w.add_block_count(config.num_hidden_layers); w.add_context_length(config.max_position_embeddings); w.add_embedding_length(config.hidden_size)
    w.add_feed_forward_length(config.intermediate_size); w.add_head_count(config.num_attention_heads); w.add_head_count_kv(config.num_key_value_heads)
    w.add_layer_norm_rms_eps(config.rms_norm_eps); w.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if getattr(config, "head_dim", None): w.add_key_length(config.head_dim); w.add_value_length(config.head_dim); w.add_rope_dimension_count(config.head_dim)
    w.add_vocab_size(config.vocab_size); w.add_tokenizer_model("none"); w.add_eos_token_id(3)
    w.add_chat_template("{% for m in messages %}{{ m.content }}{% endfor %}")
    if config.rope_parameters["rope_type"] == "llama3": w.add_tensor("rope_freqs.weight", llama3_divisors(config))
    for n, p in m.state_dict().items():
        if n == "lm_head.weight" and config.tie_word_embeddings: continue
        x = p.numpy()
        if arch == "llama" and "q_proj" in n: x = pairs(x, config.num_attention_heads)
        if arch == "llama" and "k_proj" in n: x = pairs(x, config.num_key_value_heads)
        t = T.F32 if x.ndim == 1 else T.F16
        w.add_tensor(gguf_name(n), gguf.quants.quantize(np.ascontiguousarray(x), t), raw_dtype=t)
    finish(w)


shape = dict(vocab_size=48, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
             bos_token_id=None, eos_token_id=3)
types(); formats()
model("llama", LlamaForCausalLM, LlamaConfig(**shape, rms_norm_eps=1e-5, head_dim=16, tie_word_embeddings=False, rope_parameters=dict(
    rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)))
model("llama-bias", LlamaForCausalLM, LlamaConfig(**shape, attention_bias=True, tie_word_embeddings=True))
model("qwen2", Qwen2ForCausalLM, Qwen2Config(**shape, tie_word_embeddings=True, rope_theta=1000000.0))
