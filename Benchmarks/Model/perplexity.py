#!/usr/bin/env python3
"""Compares the perplexity of centram-host with llama.cpp's over the same windows of the same text, file by file.
usage: perplexity.py CENTRAM_HOST TEXT MODEL.gguf... [--window N] [--windows N] [--profiles exact,int8] [--threads N]
needs: pip install llama-cpp-python numpy. The text is cut into windows of --window tokens; every token of a window after the first is
scored, by both. llama.cpp gives logits, whose log-softmax is taken in float64. Its own arithmetic rounds activations to 8 bits beside
quantised weights; the exact profile does not. Ratios are of perplexities; the demand is 1 within 0.001."""
import argparse, json, os, subprocess, sys, tempfile
import numpy as np


def peer(path, tokens, window, threads):
    from llama_cpp import Llama
    llama = Llama(path, n_ctx=window, n_batch=window, n_threads=threads, n_threads_batch=threads, logits_all=True, verbose=False)
    nats, count = 0.0, 0
    for start in range(0, len(tokens), window):
        part = tokens[start:start + window]
        if len(part) < 2:
            continue
        llama.reset()
        llama.eval(part)
        rows = np.asarray(llama._scores[:len(part) - 1], dtype=np.float64)
        top = rows.max(axis=1)
        normalizers = top + np.log(np.exp(rows - top[:, None]).sum(axis=1))
        nats += float((normalizers - rows[np.arange(len(part) - 1), part[1:]]).sum())
        count += len(part) - 1
    return nats, count


def fitting(path, text, most):
    """The longest beginning of the text, in whole lines, that has at most so many tokens; and its tokens."""
    from llama_cpp import Llama
    vocabulary = Llama(path, vocab_only=True, verbose=False)
    while True:
        tokens = vocabulary.tokenize(text.encode(), add_bos=False, special=False)
        if len(tokens) <= most:
            return text, tokens
        text = text[:text.rfind("\n", 0, int(len(text) * most / len(tokens))) + 1]


def ours(host, path, file, window, threads, profile):
    result = subprocess.run([host, "evaluate", path, file, "--window", str(window), "--profile", profile, "--threads", str(threads), "--json", "--quiet"],
                            capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)
    return json.loads(result.stdout)["scores"][0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("text")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--windows", type=int, default=8, help="windows of the text to use")
    parser.add_argument("--profiles", default="exact,int8")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    text = open(options.text, encoding="utf-8").read()
    print("| file | profile | tokens | ours | llama.cpp | ratio |\n|---|---|---|---|---|---|")
    worst = 0.0
    for path in options.models:
        cut, tokens = fitting(path, text, options.windows * options.window)
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            file.write(cut)
            file.flush()
            nats, count = peer(path, tokens, options.window, options.threads)
            theirs = float(np.exp(nats / count))
            for profile in options.profiles.split(","):
                score = ours(options.host, path, file.name, options.window, options.threads, profile)
                if score["tokens"] != count:
                    sys.exit(f"{path}: {score['tokens']} scored tokens here, {count} there: the tokenizers differ")
                ratio = score["perplexity"] / theirs
                worst = max(worst, abs(ratio - 1))
                print(f"| {os.path.basename(path)} | {profile} | {count} | {score['perplexity']:.4f} | {theirs:.4f} | {ratio:.5f} |", flush=True)
    print(f"\nfarthest from 1: {worst:.5f}")


main()
