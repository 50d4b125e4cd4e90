"""Makes accountant.json: Rényi divergences and (ε, δ) of the Poisson-subsampled Gaussian from two independent accountants.
usage: make_accountant.py > accountant.json   (needs dp-accounting and opacus from PyPI)"""
import json, logging, warnings
import numpy as np
from dp_accounting.rdp import rdp_privacy_accountant as google
from opacus.accountants.analysis import rdp as opacus
logging.disable(logging.CRITICAL); warnings.simplefilter("ignore")
orders = [1 + x / 10.0 for x in range(1, 100)] + list(range(11, 64)) + [128, 256, 512, 1024]
shown = [1.1, 1.5, 2.0, 2.5, 3.7, 6.3, 10.9, 17, 32, 63, 128, 1024]
cases = []
for q in [1.0, 0.5, 0.1, 0.01, 0.002, 1e-4, 1e-6, 1e-8]:
    for sigma in [0.3, 0.5, 0.8, 1.0, 1.5, 3.0, 8.0, 20.0]:
        one = np.array(google._compute_rdp_poisson_subsampled_gaussian(q, sigma, orders))
        other = np.array(opacus.compute_rdp(q=q, noise_multiplier=sigma, steps=1, orders=orders))
        case = {"q": q, "sigma": sigma, "rdp": [float(one[orders.index(a)]) for a in shown],
                "rdpOpacus": [float(other[orders.index(a)]) for a in shown], "epsilon": []}
        for steps in [1, 100, 1000, 100000, 1000000]:
            for delta in [1e-3, 5.089e-5, 1e-7]:
                a = google.compute_epsilon(orders, one * steps, delta)[0]
                b = float(opacus.get_privacy_spent(orders=orders, rdp=other * steps, delta=delta)[0])
                case["epsilon"].append([steps, delta, float(a), b])
        cases.append(case)
clean = lambda x: [clean(v) for v in x] if isinstance(x, list) else {k: clean(v) for k, v in x.items()} if isinstance(x, dict) else (None if isinstance(x, float) and not np.isfinite(x) else x)
print(json.dumps({"orders": shown, "cases": clean(cases)}))
