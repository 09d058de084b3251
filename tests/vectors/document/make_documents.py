#!/usr/bin/env python3
"""Makes documents.json, the vectors of docs/protocol/documents.md.

A second writer of every document that shares nothing with the C code: CBOR, COSE and signatures come from ../codec/make_encoding.py,
Ed25519 keys from the Python package cryptography.  Field numbers are those of the page.
Usage: make_documents.py > documents.json
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "codec"))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from make_encoding import K256, P256, cbor, document_hash, eip712, eip2098, keccak256, separator, sha256, sign1, tagged, thumbprint

T0 = 1_700_000_000


def example(label, n=0):
    return sha256(f"counterfoil example {label} {n}".encode())


def number(label, n=0):
    return int.from_bytes(example(label, n), "big")


def p256(label, n=0):
    return P256.public(number(label, n))


def address(label, n=0):
    return keccak256(K256.public(number(label, n)))[12:]


def ed25519(label, n=0):
    return Ed25519PrivateKey.from_private_bytes(example(label, n)).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def fields(*values):
    """A map of keys 1, 2, ...; None leaves an optional field out."""
    return {i + 1: v for i, v in enumerate(values) if v is not None}


def document(name, payload, label, iss, sub, n=0):
    typ = name if "/" in name else f"application/counterfoil-{name}+cose"
    protected = cbor({1: -7, 4: thumbprint(p256(label, n)), 15: {1: iss, 2: sub}, 16: typ})
    _, message = sign1(number(label, n), protected, payload)
    return {"payload": payload, "protected": protected, "message": message, "hash": document_hash(protected, payload)}


def council(role, label, n, k, f):
    def member(i):
        name = f"{label}-{i}"
        if label == "witness":
            return fields(name, None, None, ed25519(label, i))
        return fields(name, address(label, i), p256("verifier es256", i) if label == "verifier" else None)

    return fields(role, k, f, 1, [member(i) for i in range(n)])


def act(body, sep):
    not_after = T0 + 3600
    digest = eip712(
        sep, "Act(uint8 council,uint32 version,uint48 number,uint40 notAfter,bytes32 body)", 1, 1, 0, not_after, document_hash(b"", body)
    )
    return cbor([body, [1, 1, 0, not_after, [[i, eip2098(number("governor", i), digest)] for i in range(2)]]])


def make_policy():
    measurement = fields(1, example("program"), example("configuration"), example("measurement"), T0 + 365 * 86400, "example build")
    return cbor(
        fields(
            1, bytes(32), [measurement], [fields(4, example("ek root"))], 0, 86400, 604800, [fields(1, 1, 0)], 86400, 3600, 600, 600, 60,
            None, None, "clearing", 1, b"", 4, 1000, 1000000000, ["DE", "FR"], [p256("gateway")], 1, [], 1, 4096, 3600, 9600, 1,
        )
    )  # fmt: skip


def make_genesis(policy):
    ledger = fields(1, 2**40 + 7, address("block"), 1, 600, 3600, 6000, 9600, 15600, 600, 60)
    log = fields("example.org/log", ed25519("log"), p256("log es256"))
    councils = [
        council(1, "governor", 3, 2, 1),
        council(2, "guardian", 3, 2, 1),
        council(3, "verifier", 3, 2, 1),
        council(4, "witness", 4, 3, 1),
        council(5, "observer", 4, 3, 1),
    ]
    assets = [fields(0, "USD", bytes(20), 2, 1000000), fields(1, "EUR", address("euro issuer"), 6, 5000000)]
    return cbor(fields("example", 2, ledger, log, councils, assets, address("treasury"), [], policy, T0))


def make_ear(domain, certificate, policy_hash):
    claims = {6: T0 + 10, 265: "tag:counterfoil.example,2026:ear/1", 266: {"enclave": {1000: 2, 1001: {0: 2, 1: 2, 2: 2}}}, 1000: 2}
    claims[1004] = {0: "counterfoil", 1: "1"}
    ours = ["ok", 1, 4, example("measurement"), 0, 0, domain, certificate, example("nonces"), T0 + 3610, example("evidence")]
    ours += [example("collateral"), policy_hash]
    return cbor(claims | {-75010 - i: v for i, v in enumerate(ours)})


def main():
    policy = make_policy()
    policy_hash = document_hash(b"", policy)
    genesis = make_genesis(policy)
    domain = sha256(genesis)
    sep = separator(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)", 2**40 + 7, address("block"), domain
    )
    deployment = cbor(fields(domain, 1, 2**40 + 7, address("block"), example("block 0")))

    identity = p256("identity")
    instance = thumbprint(identity)
    keys = tagged("epoch-keys", b"\x01", example("sealing"), p256("receipt key"), address("settlement"))
    boot = cbor(fields(domain, identity, keys, example("commitment"), 1, example("random"), fields(0, bytes(32))))
    epoch = cbor(
        fields(
            domain, instance, example("configuration"), 2, 2, example("sealing"), p256("receipt key"), address("settlement"), 1,
            policy_hash, T0, T0 + 86400, bytes(32),
        )
    )  # fmt: skip
    epoch = document("epoch", epoch, "identity", "enclave", "epoch")
    previous, state = tagged("receipt-0", domain), tagged("state-0", domain)
    receipt = cbor(
        fields(
            domain, instance, 2, 1, previous, policy_hash, "clearing", 1, example("measurement"), example("inputs root"), 2,
            example("manifest"), example("results root"), state, example("state"), fields(T0 + 100, 9, example("log root")),
            fields(3, example("block", 3), T0 + 90, example("proof", 3)), example("intent", 1), example("abandon"),
        )
    )  # fmt: skip
    receipt = document("receipt", receipt, "receipt key", "enclave", "receipt")
    settlement = cbor(
        fields(
            *(example(x) for x in ("salt", "meta", "prev head", "state root", "entries", "receipts")), 1, 2, example("receipts root"), 9,
            example("log root"), example("body"), example("signature") + example("signature", 1), 2,
        )
    )  # fmt: skip
    promise = cbor(fields(domain, example("envelope"), 2, T0 + 50, T0 + 3650))
    out = {
        "about": "Vectors of docs/protocol/documents.md, made by make_documents.py. Bytes are hex.",
        "secrets": "of every key: SHA-256 of the text 'counterfoil example <label> <n>'",
        "domain": domain,
        "separator": sep,
        "policy_hash": policy_hash,
        "policy": {"payload": policy},
        "configuration": {"payload": cbor(fields(1, "clearing", 1, 1, 64, 1024, 64, 256, 4096))},
        "genesis": document("genesis", act(genesis, sep), "log es256", "example.org/log", "genesis") | {"body": genesis},
        "deployment": document("deployment", act(deployment, sep), "gateway", "gateway", "deployment") | {"body": deployment},
        "boot": document("boot", boot, "identity", "enclave", "boot"),
        "epoch": epoch,
        "ear": document("application/eat+cwt", make_ear(domain, epoch["hash"], policy_hash), "verifier es256", "verifier-0", "enclave"),
        "receipt": receipt,
        "settlement": document("settlement", settlement, "gateway", "gateway", "settlement"),
        "promise": document("promise", promise, "gateway", "gateway", "promise"),
        "receipt_file": cbor([receipt["message"], 7, [example("node"), example("node", 1), example("node", 2)]]),
        "hashes": {
            "epoch_keys": keys,
            "receipt_first_previous": previous,
            "receipt_first_state": state,
            "result_leaf": tagged("result", example("salt"), (5).to_bytes(4, "big"), sha256(b"a sealed result")),
            "intent": tagged("intent", example("salt"), example("digest")),
        },
    }
    print(json.dumps(out, indent=2, default=bytes.hex))


if __name__ == "__main__":
    main()
