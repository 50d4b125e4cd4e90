"""Makes anew what make_goldens.py and scripts/make_golden.py made by mistake; each is checked here to be that mistake.
tiny/tiny-qwen2-bf16: casting the model to bfloat16 rounded the inverse frequencies of its rotary positions too, which no model that is loaded has.
qwen2-untied: the prompt of the greedy text holds the token 0, which generate() took for padding and hid from attention.
usage: make_corrections.py   (needs torch, transformers, safetensors from PyPI)"""
import json, os, torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
here = os.path.dirname(os.path.abspath(__file__)); torch.set_num_threads(1)

d = f"{here}/tiny/tiny-qwen2-bf16"; m = AutoModelForCausalLM.from_pretrained(d, dtype=torch.float32).eval()
g = load_file(f"{d}/golden.safetensors"); j = json.load(open(f"{d}/golden.json")); x = torch.tensor([j["ids"]])
with torch.no_grad():
    o = m(x, output_hidden_states=True); gen = m.generate(x, max_new_tokens=16, do_sample=False, pad_token_id=0)[0].tolist()
    f = m.model.rotary_emb.inv_freq; f.copy_(f.bfloat16().float()); assert (m(x).logits[0] - g["logits"]).abs().max() < 1e-5
save_file({"logits": o.logits[0].contiguous(), **{f"hidden.{i}": h[0].contiguous() for i, h in enumerate(o.hidden_states)}}, f"{d}/corrected.safetensors")
json.dump({"ids": j["ids"], "greedy": gen}, open(f"{d}/corrected.json", "w"))

d = f"{here}/qwen2-untied"; m = AutoModelForCausalLM.from_pretrained(d, dtype=torch.float32).eval()
text = load_file(f"{d}/golden-logits.safetensors")["greedy"]; x = text[None, :8]; assert 0 in x
def go(mask): return m.generate(x, attention_mask=mask, max_new_tokens=24, do_sample=False, eos_token_id=None, pad_token_id=0)[0]
assert torch.equal(go((x != 0).long()), text)
save_file({"greedy": go(torch.ones_like(x)).contiguous()}, f"{d}/corrected.safetensors")
