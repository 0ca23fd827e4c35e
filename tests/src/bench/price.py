"""The simulation of operators' returns (set B) as one writes it with numpy: whole arrays, one draw for all three discounts."""

import json
import sys
import time

import numpy

asked = json.loads(sys.argv[1])
payments = numpy.fromfile(asked["payments"], dtype="<f8")
NETWORK, BOND_YIELD = 927_122, 0.04
ATTESTATION, SYNC, PROPOSAL = 0.002253825, 0.000083471857209730, 0.042995224
rng = numpy.random.default_rng(1)
paths = asked["paths"]

start = time.perf_counter()
positive = []
for days in asked["days"]:
    for validators in asked["validators"]:
        proposals = rng.binomial(7200 * days, validators / NETWORK, paths)
        ends = numpy.cumsum(proposals)
        paid = numpy.concatenate(([0.0], numpy.cumsum(payments[rng.integers(0, len(payments), ends[-1])])))
        revenue = paid[ends] - paid[ends - proposals] + proposals * PROPOSAL
        for price in asked["prices"]:
            certain = validators * days * (ATTESTATION + SYNC - price + BOND_YIELD / 365)
            returns = (revenue + certain) / validators * 365 / days * 100
            positive.append(float((returns > 0).mean() * 100))
            numpy.quantile(returns, [0.05, 0.5])
            returns.mean()
print(json.dumps({"seconds": time.perf_counter() - start, "positive": positive}))
