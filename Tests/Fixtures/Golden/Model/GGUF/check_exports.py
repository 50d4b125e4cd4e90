"""Loads exports with the programs they are for, and compares.  (needs torch, transformers, peft, gguf, llama-cpp-python)
usage: check_exports.py BASE ADAPTER MERGED BASE.gguf MERGED.gguf LORA.gguf

BASE and MERGED are Hugging Face folders. MERGED must have the weights that PEFT merges BASE and ADAPTER into, within 1e-6. Logits of the GGUF files in
llama.cpp must be those of transformers within 0.02 (its cache holds float16), and their greedy tokens the same wherever the two best differ by more.
"""
import sys, warnings
import numpy as np, torch
from transformers import AutoModelForCausalLM
from peft import PeftModel
from gguf import GGUFReader
from llama_cpp import Llama

base, adapter, merged, base_gguf, merged_gguf, lora_gguf = sys.argv[1:]
torch.set_num_threads(1); torch.manual_seed(3)


def logits(ids, **k):
    model = Llama(n_ctx=128, n_threads=1, verbose=False, logits_all=True, **k)
    model.eval(ids)
    result = np.array(model._scores[:len(ids)]); model.close()
    return result


def compare(what, found, wanted):
    difference = abs(found - wanted).max()
    two = np.sort(wanted, axis=-1)[:, -2:]; clear = two[:, 1] - two[:, 0] > 0.04
    assert difference < 0.02, (what, difference)
    assert (found.argmax(-1) == wanted.argmax(-1))[clear].all(), what


plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
ids = torch.randint(0, plain.config.vocab_size, (1, 100))
with torch.no_grad(): wanted_plain = plain(ids).logits[0].numpy()
peft = PeftModel.from_pretrained(plain, adapter).merge_and_unload()
ours = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32)
left, right = peft.state_dict(), ours.state_dict()
assert set(left) == set(right), set(left) ^ set(right)
worst = max((left[k] - right[k]).abs().max().item() for k in left)
assert worst < 1e-6, worst
with torch.no_grad(): wanted = peft(ids).logits[0].numpy()
ids = ids[0].tolist()
for path in (base_gguf, merged_gguf, lora_gguf): assert len(GGUFReader(path).tensors) > 0
compare("base", logits(ids, model_path=base_gguf), wanted_plain)
compare("merged", logits(ids, model_path=merged_gguf), wanted)
compare("lora", logits(ids, model_path=base_gguf, lora_path=lora_gguf), wanted)
