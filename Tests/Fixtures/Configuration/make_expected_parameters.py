#!/usr/bin/env python3
"""Writes expected-parameters.json: what our numpy statement of the rules (ref_merge.py) gives every operator for every
tensor of every golden case, so that the planner can be held against it.
usage: make_expected_parameters.py GOLDEN_MERGE_DIR > expected-parameters.json
"""
import sys, os, json
import numpy as np

def main():
    root = os.path.abspath(sys.argv[1])
    sys.path.insert(0, os.path.join(root, "scripts"))
    import ref_merge as ref
    short = lambda model: os.path.basename(model)
    groups = []

    def record(method, xs, ids, base, P, G, name, masks):
        entry = {"inputs": [short(i) for i in ids], "base": ids.index(base) if base in ids else None,
                 "shared": {k: v for k, v in G.items() if v is not None},
                 "perInput": [{k: v for k, v in P[i].items() if v is not None} for i in ids]}
        for group in groups:
            if all(group[k] == v for k, v in entry.items()):
                group["tensors"].append(name)
                return
        groups.append(entry | {"tensors": [name]})

    ref.merge = record
    ref.align_vocab = lambda xs, *rest: xs
    result = {}
    for case in json.load(open(os.path.join(root, "index.json")))["cases"]:
        groups = []
        case = {k: v for k, v in case.items() if k != "masks"}
        ref.run(root, case)
        result[case["id"]] = groups
    print("{")
    print(",\n".join(f"{json.dumps(k)}: [\n" + ",\n".join("  " + json.dumps(g) for g in v) + "\n]" for k, v in result.items()))
    print("}")

if __name__ == "__main__": main()
