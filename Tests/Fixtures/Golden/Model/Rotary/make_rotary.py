"""Makes rotary.json: inverse frequencies, cosines and sines of rotary positions as transformers computes them.
usage: make_rotary.py   (needs torch and transformers from PyPI)"""
import json, os, torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
torch.set_num_threads(1); out = []; positions = [0, 1, 2, 63, 64, 100, 255, 2048, 8191, 32767, 131071]
def case(name, head, theta, kind="default", **scaling):
    c = LlamaConfig(hidden_size=head * 2, num_attention_heads=2, head_dim=head, max_position_embeddings=131072, rope_parameters={"rope_type": kind, "rope_theta": theta, **scaling})
    r = LlamaRotaryEmbedding(c); cos, sin = r(torch.zeros(1), torch.tensor([positions])); h = head // 2
    f = lambda t: [[float(x) for x in row[:h]] for row in t[0]]
    out.append({"name": name, "headSize": head, "theta": theta, "scaling": scaling, "inverse": [float(x) for x in r.inv_freq], "positions": positions, "cosines": f(cos), "sines": f(sin)})
case("llama", 64, 10000.0); case("smollm2", 64, 100000.0); case("qwen2", 64, 1000000.0); case("qwen2.5", 128, 1000000.0); case("small head", 6, 500.0)
case("linear", 64, 10000.0, "linear", factor=4.0)
llama3 = dict(low_freq_factor=1.0, high_freq_factor=4.0)
case("llama 3.1", 128, 500000.0, "llama3", factor=8.0, original_max_position_embeddings=8192, **llama3)
case("llama 3.2", 64, 500000.0, "llama3", factor=32.0, original_max_position_embeddings=8192, **llama3)
json.dump(out, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "rotary.json"), "w"))
