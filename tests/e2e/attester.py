#!/usr/bin/env python3
"""attester.py NONCE-HEX FOLDER plays a machine with a Nitro module under a throw-away root: writes FOLDER/document, over that nonce and made
now, and FOLDER/root.  Keys and certificates are those of tests/vectors/evidence, by the same code."""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../vectors/evidence"))
from pki import *  # noqa: E402, F403

nonce, folder = bytes.fromhex(sys.argv[1]), sys.argv[2]
now = int(time.time())
keys = {n: P384("nitro " + n) for n in ("root", "instance", "leaf")}
authority = usage(0x86, 1)
root = cert(keys["root"], "root", keys["root"], "root", [authority, basic(True)], end=T + 8900 * DAY)  # the same whenever it is made: it is what a policy names
instance = cert(keys["instance"], "instance", keys["root"], "root", [authority, basic(True, 0)], now - DAY, now + DAY)
leaf = cert(keys["leaf"], "leaf", keys["instance"], "instance", [usage(0x80, 7), basic(False)], now - 3600, now + 7200)
payload = cbor({"module_id": "i-0123456789abcdef0-enc0123", "digest": "SHA384", "timestamp": now * 1000,
                "pcrs": {i: draw(f"pcr {i}", 48) for i in range(16)}, "certificate": leaf, "cabundle": [root, instance],
                "public_key": None, "user_data": None, "nonce": nonce})
header = cbor({1: -35})
r, s = keys["leaf"].rs(cbor(["Signature1", header, b"", payload]))
for name, data in (("document", cbor([header, {}, payload, r.to_bytes(48, "big") + s.to_bytes(48, "big")])), ("root", root)):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)
