#!/usr/bin/env python3
"""Makes more cases with PEFT 0.21.2 (torch 2.15.0, transformers 5.23.0): combinations of the adapters beside this folder, and adapters merged
into tiny models.   usage: make_more.py FOLDER_OF_GOLDENS   (writes FOLDER/more)"""
import json, os, shutil, sys, warnings
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

warnings.simplefilter("ignore")
root = sys.argv[1]
out = os.path.join(root, "more")
llama = os.path.join(root, "models/llama-base-f32")

def combination(id, adapters, weights, kind, **options):
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(llama), os.path.join(root, adapters[0]), adapter_name=adapters[0])
    for name in adapters[1:]:
        model.load_adapter(os.path.join(root, name), adapter_name=name)
    model.add_weighted_adapter(adapters, weights, "new", combination_type=kind, **options)
    tensors = {k.removeprefix("base_model.model.").replace(".new", ""): v.clone().contiguous() for k, v in model.state_dict().items() if ".new" in k}
    save_file(tensors, f"{out}/{id}.safetensors")
    return dict(id=id, adapters=adapters, weights=weights, combination_type=kind, expected=f"more/{id}.safetensors",
                out_r=model.peft_config["new"].r, **options)

def unload(id, make_base, **options):
    torch.manual_seed(len(id))
    base = make_base()
    first = {v.data_ptr(): k for k, v in reversed(base.state_dict().items())}  # of weights that share memory, as checkpoints store them
    before = {k: v.clone() for k, v in base.state_dict().items() if first[v.data_ptr()] == k}
    model = get_peft_model(base, LoraConfig(init_lora_weights=False, task_type="CAUSAL_LM", **options))
    for name, parameter in model.named_parameters():
        if "magnitude" in name: parameter.data *= 1 + 0.3 * torch.rand_like(parameter)
        elif "lora_" in name: parameter.data *= 0.3
    shutil.rmtree(f"{out}/{id}", ignore_errors=True)
    model.save_pretrained(f"{out}/{id}")
    os.remove(f"{out}/{id}/README.md")
    after = model.merge_and_unload().state_dict()
    changed = {k: v.clone().contiguous() for k, v in after.items() if k in before and not torch.equal(v, before[k])}
    save_file(changed, f"{out}/merged-{id}.safetensors")
    save_file({k: before[k].clone().contiguous() for k in changed}, f"{out}/base-{id}.safetensors")
    return dict(adapter=f"more/{id}", base=f"more/base-{id}.safetensors", expected=f"more/merged-{id}.safetensors")

tiny_llama = lambda: AutoModelForCausalLM.from_pretrained(llama)
tiny_gpt2 = lambda: GPT2LMHeadModel(GPT2Config(n_embd=12, n_layer=2, n_head=2, vocab_size=30, n_positions=16))
index = dict(add_weighted_adapter=[
    combination("ties-subset", ["r4a", "one4"], [0.7, 0.4], "ties", density=0.5),
    combination("ties-negative", ["r4a", "r4b", "r4c"], [0.7, -0.4, 0.2], "ties", density=0.35),
    combination("single-ties", ["r4a"], [0.7], "ties", density=0.5),
    combination("single-svd", ["r8d"], [-0.7], "svd"),
    combination("svd-subset", ["r4a", "one4", "r8d"], [0.7, 0.4, -0.2], "svd"),
    combination("svd-rslora", ["rs4", "r8d"], [0.7, 0.4], "svd", svd_rank=5),
    combination("ties_svd-clamp", ["r4a", "r4b"], [0.7, 0.4], "ties_svd", svd_clamp=0.95, density=0.4),
    combination("magnitude_prune_svd-clamp", ["r4c", "r4b"], [0.7, -0.4], "magnitude_prune_svd", svd_clamp=0.8, density=0.9, svd_rank=3),
    combination("ties_svd-frequency", ["r4a", "r8d", "rs4"], [0.7, 0.4, 1.1], "ties_svd", density=0.2, svd_rank=2, majority_sign_method="frequency"),
    combination("cat-rslora", ["rs4", "r8d", "emb4"], [0.5, 0.8, -0.3], "cat"),
    combination("linear-embedding", ["emb4", "r4a"], [0.5, 0.8], "linear"),
], merge_and_unload=[
    unload("dora-embedding", tiny_llama, r=3, lora_alpha=5, use_dora=True, target_modules=["embed_tokens", "v_proj"]),
    unload("patterns", tiny_llama, r=4, lora_alpha=8, target_modules=["q_proj", "up_proj"], rank_pattern={"layers.1.self_attn.q_proj": 2, "up_proj": 3},
           alpha_pattern={r"layers\.[1-9]\d*\..*_proj": 5, "q_proj": 6}, use_rslora=True),
    unload("gpt2", tiny_gpt2, r=3, lora_alpha=6, target_modules=["c_attn", "c_proj", "wte"], fan_in_fan_out=True),
    unload("gpt2-dora", tiny_gpt2, r=3, lora_alpha=6, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True, use_dora=True),
    unload("saved", tiny_llama, r=2, lora_alpha=6, target_modules=["q_proj"], modules_to_save=["lm_head"], bias="all"),
], extract_lora=[])
json.dump(index, open(f"{out}/peft.json", "w"), indent=1)
