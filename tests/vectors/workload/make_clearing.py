#!/usr/bin/env python3
"""Vectors of docs/protocol/clearing.md; prints tests/vectors/workload/clearing.txt."""


def u(v, n):
    return v.to_bytes(n, "big")


def i64(v):
    return v.to_bytes(8, "big", signed=True)


def positions(kind, window, nets):
    return u(kind, 1) + u(window, 8) + u(len(nets), 1) + b"".join(u(a, 3) + i64(n) for a, n in nets)


VECTORS = {
    "params": u(1, 1) + u(3, 2) + u(4, 4) + u(3600, 4) + u(2500, 4) + u(100000, 4) + u(64, 2)
    + u(2, 1) + u(1, 1) + u(5, 3) + u(1000, 8) + u(2, 1) + u(5, 3) + u(1000000, 8),
    "obligation": u(1, 1) + u(7, 4) + u(5, 3) + u(123456789, 8),
    "withdrawal": u(2, 1) + u(0xFFFFFE, 3) + u(2**63 - 1, 8),
    "netted": positions(17, 9, [(5, -250), (6, 0)]),
    "settled": positions(18, 9, [(5, -250), (6, 0)]),
    "reopened": positions(19, 9, [(5, 2**63 - 1)]),
    "defaulted": u(20, 1) + u(1, 1) + u(17, 8) + u(3, 4) + u(7, 4) + u(5, 3) + u(40, 8),
}

for name, value in VECTORS.items():
    print(name, value.hex())
