#!/usr/bin/env python3
"""Makes envelopes.json, the vectors of docs/protocol/envelopes.md.

A second implementation of envelopes, sessions and sealed results that shares nothing with the C code: CBOR, Keccak and secp256k1 come
from ../codec/make_encoding.py, X25519 and the ciphers from the Python package cryptography.
Usage: make_envelopes.py > envelopes.json
"""

import hashlib
import hmac
import json
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "codec"))

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from make_encoding import K256, Tag, cbor, eip712, eip2098, keccak256, separator, sha256, tagged


# ---- HPKE base mode, X25519, HKDF-SHA256 (RFC 9180) ----


def public(priv):
    return X25519PrivateKey.from_private_bytes(priv).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def dh(priv, peer):
    return X25519PrivateKey.from_private_bytes(priv).exchange(X25519PublicKey.from_public_bytes(peer))


def expand(prk, info, n):
    out, t, i = b"", b"", 1
    while len(out) < n:
        t = hmac.digest(prk, t + info + bytes([i]), "sha256")
        out, i = out + t, i + 1
    return out[:n]


def labeled_extract(suite, salt, label, ikm):
    return hmac.digest(salt or b"\0" * 32, b"HPKE-v1" + suite + label + ikm, "sha256")


def labeled_expand(suite, prk, label, info, n):
    return expand(prk, n.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, n)


class Hpke:
    """The sender's context: key, nonce and exporter of a message to pk with ephemeral key eph."""

    def __init__(self, aead_id, key_sz, eph, pk):
        self.enc = public(eph)
        kem = b"KEM\x00\x20"
        self.suite = b"HPKE\x00\x20\x00\x01" + aead_id.to_bytes(2, "big")
        prk = labeled_extract(kem, b"", b"eae_prk", dh(eph, pk))
        shared = labeled_expand(kem, prk, b"shared_secret", self.enc + pk, 32)
        context = b"\x00" + labeled_extract(self.suite, b"", b"psk_id_hash", b"") + labeled_extract(self.suite, b"", b"info_hash", b"")
        secret = labeled_extract(self.suite, shared, b"secret", b"")
        self.key = labeled_expand(self.suite, secret, b"key", context, key_sz)
        self.nonce = labeled_expand(self.suite, secret, b"base_nonce", context, 12)
        self.exporter = labeled_expand(self.suite, secret, b"exp", context, 32)

    def export(self, context, n):
        return labeled_expand(self.suite, self.exporter, b"sec", context, n)


# ---- the protocol ----

SUITES = {
    1: {"hpke": 41, "session": 3, "aead_id": 1, "key_sz": 16, "hpke_aead": AESGCM, "session_aead": AESGCM},
    2: {"hpke": 42, "session": 24, "aead_id": 3, "key_sz": 32, "hpke_aead": ChaCha20Poly1305, "session_aead": ChaCha20Poly1305},
}


def drbg(seed, n):
    return b"".join(tagged("drbg", seed, i.to_bytes(8, "big")) for i in range(n // 32 + 1))[:n]


def pad(content):
    bucket = 256
    while bucket < len(content) + 4:
        bucket *= 2
    return (len(content).to_bytes(4, "big") + content).ljust(bucket, b"\0")


def xor_counter(iv, counter):
    return (int.from_bytes(iv, "big") ^ counter).to_bytes(12, "big")


def encrypt0(protected, unprotected, bound, policy, aead, key, nonce, content):
    aad = cbor(["Encrypt0", protected, cbor([bound, policy])])
    return cbor(Tag(16, [protected, unprotected, aead(key).encrypt(nonce, pad(content), aad)]))


def header(alg, kid, domain, epoch, session, counter, jurisdiction):
    return cbor({1: alg, 4: kid, -75100: [1, domain, epoch, session, counter, jurisdiction]})


def make(number):
    suite = SUITES[number]
    h = lambda what: sha256(f"an example {what}".encode())
    domain, certificate, policy, instance, successor = h("domain"), h("certificate"), h("policy"), h("instance"), h("successor")
    sealing, result_key, wallet = h("sealing key"), h("result key"), int.from_bytes(h("wallet"), "big")
    seed, result_seed = h("party's entropy"), h("batch's seed")
    epoch, jurisdiction, expiry = 7, "EU", 1_900_000_000
    owner = keccak256(K256.public(wallet))[12:]

    ctx = Hpke(suite["aead_id"], suite["key_sz"], drbg(seed, 32), public(sealing))
    session = sha256(ctx.enc)[:16]
    digest = eip712(
        separator("EIP712Domain(string name,string version,bytes32 salt)", domain),
        "Session(bytes32 certificate,bytes32 enc,bytes32 resultKey,uint40 expiry)",
        certificate, ctx.enc, public(result_key), expiry,
    )
    signature = eip2098(wallet, digest)
    inputs = [(1, b"the first input"), (2, b"the second input"), (3, bytes(300))]
    plain = [order.to_bytes(8, "big") + body for order, body in inputs]
    plain[0] = owner + public(result_key) + expiry.to_bytes(5, "big") + signature + plain[0]

    inbound = ctx.export(b"counterfoil/session-in/v1", 44)
    out_secret = ctx.export(b"counterfoil/session-out/v1", 32)
    envelopes = [
        encrypt0(
            header(suite["hpke"], certificate, domain, epoch, session, 0, jurisdiction), {-4: ctx.enc}, certificate, policy,
            suite["hpke_aead"], ctx.key, ctx.nonce, plain[0],
        )
    ]
    for counter in (1, 2):
        envelopes.append(
            encrypt0(
                header(suite["session"], session, domain, epoch, session, counter, jurisdiction), {}, certificate, policy,
                suite["session_aead"], inbound[:32], xor_counter(inbound[32:], counter), plain[counter],
            )
        )

    results, sealed = [], []
    for who, counter, order, code in ((instance, 1, 1, 0), (instance, 2, 2, 20), (successor, 1, 3, 0)):
        body = b"" if code else b"word of the workload"
        results.append(cbor({1: sha256(envelopes[order - 1]), 2: order, 3: code, 4: 40 + order, 5: 3, 6: 1, 7: body}))
        out = expand(out_secret, who, 44)
        sealed.append(
            encrypt0(
                header(suite["session"], who, domain, epoch, session, counter, ""), {}, who, policy,
                suite["session_aead"], out[:32], xor_counter(out[32:], counter), results[-1],
            )
        )
    to_key = Hpke(suite["aead_id"], suite["key_sz"], drbg(result_seed, 32), public(result_key))
    results.append(results[0])
    sealed.append(
        encrypt0(
            header(suite["hpke"], instance, domain, epoch, session, 0, ""), {-4: to_key.enc}, instance, policy,
            suite["hpke_aead"], to_key.key, to_key.nonce, results[-1],
        )
    )
    return {
        "suite": number, "domain": domain, "certificate": certificate, "policy": policy, "instance": instance, "successor": successor,
        "epoch": epoch, "jurisdiction": jurisdiction, "expiry": expiry, "sealing_secret": sealing, "result_secret": result_key,
        "wallet_secret": wallet.to_bytes(32, "big"), "owner": owner, "party_seed": seed, "result_seed": result_seed, "enc": ctx.enc,
        "session": session, "digest": digest, "signature": signature, "inbound": inbound, "out_secret": out_secret,
        "inputs": [body for _, body in inputs], "envelopes": envelopes, "ids": [sha256(e) for e in envelopes],
        "results": results, "sealed": sealed,
    }


def hexed(v):
    if isinstance(v, bytes):
        return v.hex()
    if isinstance(v, list):
        return [hexed(x) for x in v]
    if isinstance(v, dict):
        return {k: hexed(x) for k, x in v.items()}
    return v


out = {"about": "Vectors of docs/protocol/envelopes.md, made by make_envelopes.py. Bytes are hex.", "suites": [make(1), make(2)]}
print(json.dumps(hexed(out), indent=1))
