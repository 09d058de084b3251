#!/usr/bin/env python3
"""Writes the vectors of docs/protocol/evidence.md beside itself, from the text of that page alone (no code of the tree):
measure.json and the event logs.  Running it again changes nothing.  swtpm/ is a recording and is not made here."""

import hashlib
import json
import pathlib
import struct

here = pathlib.Path(__file__).parent


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tag(what, *parts):
    return sha(b"counterfoil/" + what.encode() + b"/v1\0", *parts)


def fill(v):
    return bytes([v]) * 32


# ---- CBOR, deterministic ----

def head(major, n):
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 24:
            return bytes([major << 5 | n])
        if n < 1 << 8 * size:
            return bytes([major << 5 | info]) + n.to_bytes(size, "big")
    raise ValueError(n)


def cbor(v):
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(cbor(x) for x in v)
    items = sorted((cbor(k), cbor(x)) for k, x in v.items())
    return head(5, len(items)) + b"".join(k + x for k, x in items)


# ---- PCRs, measurement, binding ----

program, configuration, domain, instance, certificate = fill(1), fill(2), fill(3), fill(4), fill(5)
zero = bytes(32)


def extend(*digests):
    pcr = zero
    for d in digests:
        pcr = sha(pcr, d)
    return pcr


cap = tag("cap")
registers = {1: b"".join(fill(0x10 + i) for i in range(11)), 2: fill(0x20), 3: fill(0x30) * 5, 4: fill(0x40), 5: fill(0x50) * 3}
nonces = [fill(0x61), fill(0x62), fill(0x63)]
nonces_hash = sha(*nonces)

# Sealing policy: PCRs 0-9, 11 and 14 as they are (here fill(0x70 + i)), PCR 12 zero.
selection = struct.pack(">IHB", 1, 0x000B, 3) + (0x5BFF).to_bytes(3, "little")
present = b"".join(zero if i == 12 else fill(0x70 + i) for i in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14))
policy = sha(zero, struct.pack(">I", 0x17F), selection, sha(present))

# ---- documents ----

carrier_map = {1: 1, 2: b"attest", 3: b"signature", 4: b"public", 5: b"chain", 7: b"".join(fill(i) for i in range(13)),
               9: b"certificate", 10: fill(6) * 2, 11: nonces[0] + nonces[1], 12: program, 13: configuration}
carrier = cbor(["application/counterfoil-tpm-evidence+cbor", cbor(carrier_map), 4])
statement = cbor({1: b"\x00\x0b" + fill(7), 2: 0x50472, 3: fill(8), 4: domain, 5: 1700000000, 6: fill(9)})
items = {"crl": b"a list", "statement": b"a statement", "root": b"a root"}
roles = {"crl": 2, "statement": 3, "root": 4}
collateral = cbor(sorted([roles[r], sha(b)] for r, b in items.items()))

out = {
    "program": program, "configuration": configuration, "domain": domain, "instance": instance, "certificate": certificate,
    "cap": cap, "pcr11": extend(program, configuration, domain), "pcr12": extend(instance, cap),
    "registers": {str(p): r for p, r in registers.items()},
    "measurement": {str(p): tag("measurement", bytes([p]), program, configuration, r) for p, r in registers.items()},
    "nonces": b"".join(nonces), "nonces_hash": nonces_hash, "binding": tag("binding", certificate, nonces_hash),
    "policy_pcrs": present, "policy_digest": policy,
    "carrier": carrier, "statement_payload": statement,
    "collateral_items": items, "collateral": collateral, "collateral_hash": sha(collateral),
}


# ---- event logs: the two formats, with the PCRs they lead to ----

def old_event(pcr, kind, data, digest=None):
    return struct.pack("<II", pcr, kind) + (digest or hashlib.sha1(data).digest()) + struct.pack("<I", len(data)) + data


def agile_event(pcr, kind, data, algs):
    body = struct.pack("<III", pcr, kind, len(algs))
    for number, name in algs:
        body += struct.pack("<H", number) + hashlib.new(name, data).digest()
    return body + struct.pack("<I", len(data)) + data


def replay(events, name, start=None):
    size = hashlib.new(name).digest_size
    pcrs = {}
    for pcr, kind, data in events:
        if kind == 3:
            continue
        old = pcrs.get(pcr, start if start and pcr == 0 else bytes([0xFF if 17 <= pcr <= 22 else 0]) * size)
        pcrs[pcr] = hashlib.new(name, old + hashlib.new(name, data).digest()).digest()
    return {str(p): v for p, v in sorted(pcrs.items())}


events = [(0, 8, b"firmware"), (0, 4, bytes(4)), (7, 0x80000001, b"SecureBoot"), (14, 0xD, b"MokList"), (17, 0x500, b"late")]
algs = [(0x0004, "sha1"), (0x000B, "sha256"), (0x000C, "sha384")]
spec = (b"Spec ID Event03\0" + struct.pack("<IBBBB", 0, 0, 2, 0, 2) + struct.pack("<I", len(algs))
        + b"".join(struct.pack("<HH", n, hashlib.new(a).digest_size) for n, a in algs) + b"\0")
locality = (0, 3, b"StartupLocality\0\x03")
agile = old_event(0, 3, spec, bytes(20)) + b"".join(agile_event(*e, algs) for e in [locality] + events) + bytes(64)
old = b"".join(old_event(*e) for e in events) + b"\xff" * 32
out["event_logs"] = {
    "agile.bin": {a: replay(events, a, bytes(hashlib.new(a).digest_size - 1) + b"\x03") for _, a in algs},
    "sha1.bin": {"sha1": replay(events, "sha1")},
}


def hexed(v):
    if isinstance(v, dict):
        return {k: hexed(x) for k, x in v.items()}
    return v.hex() if isinstance(v, bytes) else v


(here / "measure.json").write_text(json.dumps(hexed(out), indent=1) + "\n")
(here / "agile.bin").write_bytes(agile)
(here / "sha1.bin").write_bytes(old)
