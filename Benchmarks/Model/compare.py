#!/usr/bin/env python3
"""Runs the same GGUF files with centram-host and with llama.cpp, in turn, and prints the ratios.
usage: compare.py CENTRAM_HOST FOLDER [--rounds N] [--prompt N] [--tokens N] [--threads N] [--no-peer] [--json FILE] [NAME...]
FOLDER is what make_models.py wrote; NAME is smollm2-q8_0 and so on. Run it with a Python that has llama-cpp-python.
Each round starts a fresh process of each, which reads a prompt and generates tokens, three times. Figures are the best of all
rounds; a memory figure is the least peak of resident memory; the load average tells how busy the machine was. First token: from
before the file is opened until the logits after 8 tokens, in a fresh process with the file in the page cache; llama.cpp's does not
count the time to start Python. `whole process` is ours from exec to exit with one token."""
import argparse, json, os, subprocess, sys, time

PROFILES = ("exact", "int8")


def peer(path, prompt, tokens, threads, repetitions):
    """Runs in a process of its own and prints JSON."""
    import ctypes
    import llama_cpp.llama_cpp as llama
    silent = llama.llama_log_callback(lambda level, text, data: None)
    llama.llama_log_set(silent, None)
    llama.llama_backend_init()
    start = time.perf_counter()
    model_parameters = llama.llama_model_default_params()
    model_parameters.n_gpu_layers = 0
    model = llama.llama_model_load_from_file(path.encode(), model_parameters)
    parameters = llama.llama_context_default_params()
    parameters.n_ctx = prompt + tokens
    parameters.n_batch = max(prompt, 8)
    parameters.n_threads = parameters.n_threads_batch = threads
    context = llama.llama_init_from_model(model, parameters)
    vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))
    state, ids = 1, []
    for _ in range(max(prompt, 16)):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        ids.append((state >> 33) % vocabulary)

    def run(part):
        array = (llama.llama_token * len(part))(*part)
        if llama.llama_decode(context, llama.llama_batch_get_one(array, len(part))):
            raise SystemExit(f"llama.cpp: {path}: cannot decode")
        llama.llama_synchronize(context)

    run(ids[:8])
    first, prefill, decode = time.perf_counter() - start, 1e9, 1e9
    for _ in range(repetitions):
        llama.llama_memory_clear(llama.llama_get_memory(context), True)
        at = time.perf_counter()
        run(ids[:prompt])
        prefill, at = min(prefill, time.perf_counter() - at), time.perf_counter()
        for i in range(tokens):
            run([ids[i % len(ids)]])
        decode = min(decode, time.perf_counter() - at)
    peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(json.dumps({"prefillTokensPerSecond": prompt / prefill, "decodeTokensPerSecond": tokens / decode, "firstTokenSeconds": first, "peakResidentBytes": peak}))


def output(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{command}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def best(runs):
    pick = lambda key, of: of(run[key] for run in runs)
    return {"prefill": pick("prefillTokensPerSecond", max), "decode": pick("decodeTokensPerSecond", max), "first": pick("firstTokenSeconds", min), "resident": pick("peakResidentBytes", min)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*")
    for name, value in (("rounds", 3), ("prompt", 256), ("tokens", 32), ("threads", 2), ("repeat", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    options = parser.parse_intermixed_args()
    if options.peer:
        return peer(options.peer, options.prompt, options.tokens, options.threads, options.repeat)
    names = options.names or sorted(name[:-5] for name in os.listdir(options.folder) if name.endswith(".gguf"))
    sizes = ["--prompt", str(options.prompt), "--tokens", str(options.tokens), "--threads", str(options.threads), "--repeat", str(options.repeat)]
    results = {}
    print("| file | | prefill/s | decode/s | first token ms | resident MB | prefill ratio | decode ratio | resident ratio | load |\n|---|---|---|---|---|---|---|---|---|---|")
    for name in names:
        path = os.path.join(options.folder, name + ".gguf")
        with open(path, "rb") as file:  # into the page cache, for both alike
            while file.read(1 << 24):
                pass
        float_weights = name.endswith(("f32", "f16", "bf16"))
        ours = [profile for profile in PROFILES if profile == "exact" or not float_weights]
        commands = {profile: [options.host, "model", "bench", path, "--json", "--profile", profile, *sizes] for profile in ours}
        if not options.no_peer:
            commands["llama.cpp"] = [sys.executable, os.path.abspath(__file__), "-", "-", "--peer", path, *sizes]
        runs, loads, whole = {key: [] for key in commands}, [], 1e9
        for _ in range(options.rounds):
            for key, command in commands.items():
                loads.append(os.getloadavg()[0])
                runs[key].append(output(command))
            at = time.perf_counter()
            output([options.host, "model", "bench", path, "--json", "--prompt", "1", "--tokens", "1", "--repeat", "1", "--threads", str(options.threads)])
            whole = min(whole, time.perf_counter() - at)
        figures = {key: best(value) for key, value in runs.items()}
        results[name] = {"figures": figures, "whole_process_seconds": whole, "loads": loads, "runs": runs}
        theirs, load = figures.get("llama.cpp"), f"{min(loads):.1f} to {max(loads):.1f}"
        for key, f in figures.items():
            ratio = lambda what: f"{f[what] / theirs[what]:.2f}" if theirs and key != "llama.cpp" else ""
            print(f"| {name} | {key} | {f['prefill']:.0f} | {f['decode']:.1f} | {f['first'] * 1e3:.0f} | {f['resident'] / 1e6:.0f} | {ratio('prefill')} | {ratio('decode')} | {ratio('resident')} | {load} |")
        print(f"| {name} | whole process | | | {whole * 1e3:.0f} | | | | | |", flush=True)
        if options.json:
            json.dump(results, open(options.json, "w"), indent=1)


main()
