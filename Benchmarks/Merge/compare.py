#!/usr/bin/env python3
"""Merges the same checkpoints with centram-host and with mergekit, in turn, and prints the ratios.
usage: compare.py CENTRAM_HOST CHECKPOINTS [--mergekit MERGEKIT_YAML] [--runs N] [--json FILE] [METHOD...]
CHECKPOINTS is what make_checkpoints.py wrote. Without --mergekit only ours is measured. A method's figure is the run with
the least CPU. CPU is user + system seconds of the process and its children; heap is the peak of anonymous memory, sampled
every 10 ms; the load average tells how busy the machine was."""
import argparse, json, os, shutil, subprocess, tempfile, threading, time, resource

#           base?  per model                               shared                   inputs      must be, times less CPU
METHODS = {
    "linear": (False, "weight: 0.5", "", "ab", 15),
    "slerp": (True, "", "parameters: {t: 0.4}", "0a", 8),
    "task_arithmetic": (True, "weight: 0.5", "", "ab", 8),
    "ties": (True, "weight: 0.5, density: 0.5", "", "ab", 20),
    "dare_ties": (True, "weight: 0.5, density: 0.5", "", "ab", 10),
    "della": (True, "weight: 0.5, density: 0.5, epsilon: 0.1", "", "ab", 8),
    "karcher": (False, "", "", "ab", 8),
    "sce": (True, "", "parameters: {select_topk: 0.5}", "ab", None),
    "model_stock": (True, "", "", "ab", None),
    "nuslerp": (False, "weight: 0.5", "", "ab", None),
    "multislerp": (False, "weight: 0.5", "", "ab", None),
    "breadcrumbs": (True, "weight: 0.5, density: 0.5", "", "ab", None),
    "passthrough": (False, "", "", "a", None),
}


def configuration(method, folder):
    base, own, shared, inputs, _ = METHODS[method]
    text = f"merge_method: {method}\nmodels:\n"
    for name in inputs:
        text += f"  - model: {folder}/{'base' if name == '0' else name}\n" + (f"    parameters: {{{own}}}\n" if own else "")
    return text + (f"base_model: {folder}/base\n" if base else "") + shared + "\n"


def run(command, output):
    shutil.rmtree(output, ignore_errors=True)
    before, start, heap = resource.getrusage(resource.RUSAGE_CHILDREN), time.time(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
    reader.start()
    while process.poll() is None:
        try:
            for line in open(f"/proc/{process.pid}/status"):
                if line.startswith("RssAnon"):
                    heap = max(heap, int(line.split()[1]))
        except OSError:
            pass
        time.sleep(0.01)
    wall = time.time() - start
    reader.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{command}: exit {process.returncode}\n{errors[0].decode()[-2000:]}")
    shutil.rmtree(output, ignore_errors=True)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": round(cpu, 2), "wall_s": round(wall, 2), "heap_mb": heap // 1024, "load": round(os.getloadavg()[0], 2)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("checkpoints")
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--mergekit")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--json")
    options = parser.parse_intermixed_args()
    folder = os.path.abspath(options.checkpoints)
    for model in ("base", "a", "b"):  # into the page cache, for both alike
        with open(f"{folder}/{model}/model.safetensors", "rb") as file:
            while file.read(1 << 24):
                pass
    results = {}
    print(f"{'method':16} {'ours CPU s':>10} {'wall s':>7} {'heap MB':>8} {'mergekit CPU s':>15} {'wall s':>7} {'heap MB':>8} {'ratio':>7} {'goal':>5}")
    with tempfile.TemporaryDirectory(dir=folder) as work:
        for method in options.methods or METHODS:
            path, output = f"{work}/{method}.yml", f"{work}/output"
            open(path, "w").write(configuration(method, folder))
            commands = {"ours": [options.host, "merge", path, output, "--seed", "1"]}
            if options.mergekit:
                commands["mergekit"] = [options.mergekit, path, output, "--quiet", "--no-copy-tokenizer", "--random-seed", "1"]
            runs = {name: [] for name in commands}
            for _ in range(options.runs):
                for name, command in commands.items():
                    runs[name].append(run(command, output))
            best = {name: min(list_, key=lambda r: r["cpu_s"]) for name, list_ in runs.items()}
            ours, theirs, goal = best["ours"], best.get("mergekit"), METHODS[method][4]
            ratio = round(theirs["cpu_s"] / ours["cpu_s"], 1) if theirs else None
            results[method] = {"runs": runs, "ratio_cpu": ratio, "goal": goal}
            shown = (theirs["cpu_s"], theirs["wall_s"], theirs["heap_mb"], ratio) if theirs else ("", "", "", "")
            print(f"{method:16} {ours['cpu_s']:>10} {ours['wall_s']:>7} {ours['heap_mb']:>8} {shown[0]:>15} {shown[1]:>7} {shown[2]:>8} {shown[3]:>7} {goal or '':>5}", flush=True)
            if options.json:
                json.dump(results, open(options.json, "w"), indent=1)


main()
