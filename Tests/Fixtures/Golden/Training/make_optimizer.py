"""Makes optimizer.json: AdamW steps, clipped gradients and learning rates of PyTorch and transformers.
usage: make_optimizer.py > optimizer.json   (needs torch and transformers from PyPI)"""
import json, torch
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup
torch.manual_seed(3); torch.set_num_threads(1)
cases = []
for lr, betas, eps, decay, clip in [(1e-3, (0.9, 0.999), 1e-8, 0.01, None), (2e-2, (0.9, 0.95), 1e-8, 0.1, 1.0), (0.5, (0.5, 0.9), 1e-3, 0.0, 0.3)]:
    shapes = [(3, 5), (7,)]
    w = [torch.nn.Parameter(torch.randn(s)) for s in shapes]
    start = [p.detach().flatten().tolist() for p in w]
    opt = torch.optim.AdamW(w, lr=lr, betas=betas, eps=eps, weight_decay=decay, foreach=False)
    grads, values, norms = [], [], []
    for step in range(12):
        g = [torch.randn(s) * (0.01 if step % 3 else 2.0) for s in shapes]
        grads.append([x.flatten().tolist() for x in g])
        for p, x in zip(w, g): p.grad = x.clone()
        norms.append(torch.nn.utils.clip_grad_norm_(w, clip if clip else 1e9).item())
        opt.step()
        values.append([p.detach().flatten().tolist() for p in w])
    cases.append({"lr": lr, "beta1": betas[0], "beta2": betas[1], "epsilon": eps, "decay": decay, "clip": clip, "start": start, "grads": grads, "values": values, "norms": norms})
rates = {}
for name, make in [("cosine", get_cosine_schedule_with_warmup), ("linear", get_linear_schedule_with_warmup)]:
    opt = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0); s = make(opt, 10, 50); row = []
    for _ in range(50): row.append(opt.param_groups[0]["lr"]); opt.step(); s.step()
    rates[name] = row
print(json.dumps({"adamw": cases, "rates": rates}))
