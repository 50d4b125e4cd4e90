#!/usr/bin/env python3
"""Compares the perplexity of centram-host with llama.cpp's over the same windows of the same text, file by file.
usage: perplexity.py CENTRAM_HOST TEXT MODEL.gguf... [--window N] [--windows N] [--threads N] [--folder FOLDER]
needs: pip install llama-cpp-python gguf numpy. The text is cut into windows of --window tokens; every token of a window after the first is
scored, by both. llama.cpp gives logits, whose log-softmax is taken in float64. It runs twice: on the file as it is, where it rounds
activations to 8 bits beside quantised weights (to float16 or bfloat16 beside those) and keeps keys and values as float16; and on the same
weights written out as float32 to --folder, with float32 keys and values, where it rounds nothing. The exact profile rounds nothing either
and is held to the second, within 0.0002; the int8 profile rounds activations by a rule of its own and is set beside the first."""
import argparse, json, os, subprocess, sys, tempfile
import numpy as np
import gguf
from make_models import rewrite

LIMIT = 0.0002


def peer(path, tokens, window, threads, keys):
    """Nats of each scored token. keys: GGML's number of the format of keys and values."""
    from llama_cpp import Llama
    llama = Llama(path, n_ctx=window, n_batch=window, n_threads=threads, n_threads_batch=threads, logits_all=True, type_k=keys, type_v=keys, verbose=False)
    nats = []
    for start in range(0, len(tokens), window):
        part = tokens[start:start + window]
        if len(part) < 2:
            continue
        llama.reset()
        llama.eval(part)
        rows = np.asarray(llama._scores[:len(part) - 1], dtype=np.float64)
        top = rows.max(axis=1)
        normalizers = top + np.log(np.exp(rows - top[:, None]).sum(axis=1))
        nats.append(normalizers - rows[np.arange(len(part) - 1), part[1:]])
    return np.concatenate(nats)


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
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", help="for the float32 files, which are removed after use; the system's temporary folder unless told")
    options = parser.parse_args()
    text = open(options.text, encoding="utf-8").read()
    print("| file | tokens | llama.cpp, as it is | llama.cpp, float32 | ours, exact | ours, int8 | exact over float32 | int8 over as it is | as it is over float32 |")
    print("|---|---|---|---|---|---|---|---|---|")
    farthest = 0.0
    for path in options.models:
        cut, tokens = fitting(path, text, options.windows * options.window)
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            file, floats = os.path.join(folder, "text.txt"), os.path.join(folder, "float32.gguf")
            with open(file, "w", encoding="utf-8") as output:
                output.write(cut)
            scores = {profile: ours(options.host, path, file, options.window, options.threads, profile) for profile in ("exact", "int8")}
            rewrite(path, floats, gguf.GGMLQuantizationType.F32)
            run = lambda source, keys: peer(source, tokens, options.window, options.threads, keys)
            as_it_is, plain = run(path, 1), run(floats, 0)
        for score in scores.values():
            if score["tokens"] != len(plain):
                sys.exit(f"{path}: {score['tokens']} scored tokens here, {len(plain)} there: the tokenizers differ")
        theirs, right = (float(np.exp(nats.mean())) for nats in (as_it_is, plain))
        exact, rounded = scores["exact"]["perplexity"], scores["int8"]["perplexity"]
        farthest = max(farthest, abs(exact / right - 1))
        # How far the rounding alone moves the mean, and the standard error of that over the tokens.
        error = (as_it_is - plain).std() / len(plain) ** 0.5
        print(f"| {os.path.basename(path)} | {len(plain)} | {theirs:.4f} | {right:.4f} | {exact:.4f} | {rounded:.4f} | {exact / right:.6f} | {rounded / theirs:.5f} "
              f"| {theirs / right:.5f} ± {error:.5f} |", flush=True)
    print(f"\nexact is at most {farthest:.6f} from llama.cpp on float32 weights; the limit is {LIMIT}")
    sys.exit(farthest > LIMIT)


if __name__ == "__main__":
    main()
