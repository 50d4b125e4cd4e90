"""Filtered distributions by transformers' logits processors, for the tests of Sampler.
Frequency and presence penalties, which transformers lacks, are OpenAI's formula: logits - count * frequency - (count > 0) * presence.
usage: make_distributions.py > distributions.json   (made with transformers 5.23, torch 2.15)"""
import json
import torch
from transformers import (LogitsProcessorList, MinPLogitsWarper, RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper,
                          TopKLogitsWarper, TopPLogitsWarper)

torch.manual_seed(7)
VOCABULARY = 200
CASES = [
    dict(temperature=1.0), dict(temperature=0.7), dict(temperature=1.9),
    dict(temperature=1.0, top_k=1), dict(temperature=1.0, top_k=40), dict(temperature=0.8, top_k=500),
    dict(temperature=1.0, top_p=0.9), dict(temperature=0.6, top_p=0.5), dict(temperature=1.0, top_p=0.01), dict(temperature=1.0, top_p=0.999),
    dict(temperature=1.0, min_p=0.1), dict(temperature=1.3, min_p=0.02), dict(temperature=1.0, min_p=1.0),
    dict(temperature=0.9, top_k=50, top_p=0.8), dict(temperature=1.1, top_k=30, top_p=0.95, min_p=0.05), dict(temperature=1.0, top_p=0.7, min_p=0.2),
    dict(temperature=1.0, repetition_penalty=1.3), dict(temperature=0.8, repetition_penalty=0.7, top_k=20),
    dict(temperature=1.0, frequency_penalty=0.5, presence_penalty=0.25), dict(temperature=1.0, frequency_penalty=-0.5, presence_penalty=1.5, top_p=0.9),
    dict(temperature=0.75, top_k=60, top_p=0.92, min_p=0.03, repetition_penalty=1.15, frequency_penalty=0.3, presence_penalty=0.6),
]
SCALES = [0.5, 2.0, 8.0]

out = []
for index, case in enumerate(CASES):
    logits = torch.randn(VOCABULARY) * SCALES[index % 3]
    prompt = torch.randint(0, VOCABULARY, (12,)).tolist()
    output = torch.randint(0, VOCABULARY, (20,)).tolist() * 2
    output += logits.topk(3).indices.tolist()
    ids = torch.tensor([prompt + output])
    scores = logits[None].clone()
    processors = LogitsProcessorList()
    if "repetition_penalty" in case:
        processors.append(RepetitionPenaltyLogitsProcessor(case["repetition_penalty"]))
    scores = processors(ids, scores)
    counts = torch.bincount(torch.tensor(output), minlength=VOCABULARY).float()
    scores = scores - counts * case.get("frequency_penalty", 0.0) - (counts > 0) * case.get("presence_penalty", 0.0)
    warpers = LogitsProcessorList([TemperatureLogitsWarper(case["temperature"])])
    if "top_k" in case:
        warpers.append(TopKLogitsWarper(case["top_k"]))
    if "top_p" in case:
        warpers.append(TopPLogitsWarper(case["top_p"]))
    if "min_p" in case:
        warpers.append(MinPLogitsWarper(case["min_p"]))
    probabilities = warpers(ids, scores)[0].double().softmax(-1)
    kept = [[i, p] for i, p in enumerate(probabilities.tolist()) if p > 0]
    out.append(dict(parameters=case, prompt=prompt, output=output, logits=logits.tolist(), kept=kept))
print(json.dumps(out))
