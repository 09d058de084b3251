#!/usr/bin/env python3
"""Makes encoding.json, the vectors of docs/protocol/encoding.md.

A second implementation of the byte conventions that shares nothing with the C code: standard library only, slow, written from the
RFCs.  Usage: make_encoding.py > encoding.json
"""

import hashlib
import hmac
import json


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# ---- Keccak-256 with the original padding ----


def keccak256(data):
    def rol(v, n):
        n %= 64
        return ((v << n) | (v >> (64 - n))) & (2**64 - 1) if n else v

    data += b"\x01" + b"\x00" * (-(len(data) + 1) % 136)
    data = data[:-1] + bytes([data[-1] | 0x80])
    a = [[0] * 5 for _ in range(5)]
    for block in range(0, len(data), 136):
        for i in range(17):
            a[i % 5][i // 5] ^= int.from_bytes(data[block + 8 * i : block + 8 * i + 8], "little")
        lfsr = 1
        for _ in range(24):
            c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
            d = [c[(x - 1) % 5] ^ rol(c[(x + 1) % 5], 1) for x in range(5)]
            a = [[a[x][y] ^ d[x] for y in range(5)] for x in range(5)]
            x, y, cur = 1, 0, a[1][0]
            for t in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                cur, a[x][y] = a[x][y], rol(cur, (t + 1) * (t + 2) // 2)
            a = [[a[x][y] ^ (~a[(x + 1) % 5][y] & a[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
            for j in range(7):
                lfsr = ((lfsr << 1) ^ ((lfsr >> 7) * 0x71)) % 256
                if lfsr & 2:
                    a[0][0] ^= 1 << ((1 << j) - 1)
    return b"".join(a[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


# ---- elliptic curves y^2 = x^3 + ax + b mod p ----


class Curve:
    def __init__(self, p, a, n, g):
        self.p, self.a, self.n, self.g = p, a, n, g

    def add(self, s, t):
        if s is None or t is None:
            return s or t
        if s[0] == t[0] and (s[1] + t[1]) % self.p == 0:
            return None
        if s == t:
            m = (3 * s[0] * s[0] + self.a) * pow(2 * s[1], -1, self.p)
        else:
            m = (t[1] - s[1]) * pow(t[0] - s[0], -1, self.p)
        x = (m * m - s[0] - t[0]) % self.p
        return x, (m * (s[0] - x) - s[1]) % self.p

    def mul(self, k, s):
        r = None
        while k:
            if k & 1:
                r = self.add(r, s)
            s, k = self.add(s, s), k >> 1
        return r

    def public(self, d):
        x, y = self.mul(d, self.g)
        return x.to_bytes(32, "big") + y.to_bytes(32, "big")

    def sign(self, d, digest):
        """ECDSA with the nonce of RFC 6979 and SHA-256; returns r, s and whether the nonce point's y is odd."""
        h = (int.from_bytes(digest, "big") % self.n).to_bytes(32, "big")
        v, k = b"\x01" * 32, b"\x00" * 32
        for sep in b"\x00\x01":
            k = hmac.digest(k, v + bytes([sep]) + d.to_bytes(32, "big") + h, "sha256")
            v = hmac.digest(k, v, "sha256")
        v = hmac.digest(k, v, "sha256")
        nonce = int.from_bytes(v, "big")
        assert 0 < nonce < self.n
        x, y = self.mul(nonce, self.g)
        r = x % self.n
        return r, pow(nonce, -1, self.n) * (int.from_bytes(digest, "big") + r * d) % self.n, y & 1


P256 = Curve(
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    -3,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
)
K256 = Curve(
    2**256 - 2**32 - 977,
    0,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    (
        0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
        0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
    ),
)


def x25519(k):
    """The public key of private key k (RFC 7748, section 5)."""
    p, u = 2**255 - 19, 9
    n = int.from_bytes(k, "little") & ((1 << 254) - 8) | (1 << 254)
    x2, z2, x3, z3 = 1, 0, u, 1
    for t in range(254, -1, -1):
        bit = n >> t & 1
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a % p, c * b % p
        e = a * a - b * b
        x3, z3 = pow(da + cb, 2, p), u * pow(da - cb, 2, p) % p
        x2, z2 = a * a * b * b % p, e * (a * a + 121665 * e) % p
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, -1, p) % p).to_bytes(32, "little")


# ---- deterministic CBOR ----


class Tag:
    def __init__(self, number, content):
        self.number, self.content = number, content


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for info, size in (24, 1), (25, 2), (26, 4), (27, 8):
        if n < 1 << 8 * size:
            return bytes([major << 5 | info]) + n.to_bytes(size, "big")
    raise ValueError(n)


def cbor(v):
    if v is None or isinstance(v, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[v]
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(map(cbor, v))
    if isinstance(v, dict):
        return head(5, len(v)) + b"".join(k + x for k, x in sorted((cbor(k), cbor(x)) for k, x in v.items()))
    return head(6, v.number) + cbor(v.content)


# ---- the conventions ----


def tagged(what, *parts):
    return sha256(f"counterfoil/{what}/v1".encode(), b"\x00", *parts)


def document_hash(protected, payload):
    return tagged("document", len(protected).to_bytes(4, "big"), protected, len(payload).to_bytes(4, "big"), payload)


def thumbprint(public):
    return sha256(cbor({1: 2, -1: 1, -2: public[:32], -3: public[32:]}))


def sign1(d, protected, payload):
    tbs = cbor(["Signature1", protected, b"", payload])
    r, s, _ = P256.sign(d, sha256(tbs))
    return tbs, cbor(Tag(18, [protected, {}, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")]))


def word(v):
    return v.rjust(32, b"\x00") if isinstance(v, bytes) else v.to_bytes(32, "big")


def separator(type_, *words):
    return keccak256(keccak256(type_.encode()) + keccak256(b"Counterfoil") + keccak256(b"1") + b"".join(map(word, words)))


def eip712(sep, type_, *words):
    return keccak256(b"\x19\x01" + sep + keccak256(keccak256(type_.encode()) + b"".join(map(word, words))))


def eip2098(d, digest):
    r, s, odd = K256.sign(d, digest)
    if s > K256.n // 2:
        s, odd = K256.n - s, odd ^ 1
    return r.to_bytes(32, "big") + (odd << 255 | s).to_bytes(32, "big")


def main():
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    domain = sha256(b"an example domain")
    secret = int.from_bytes(sha256(b"an example key"), "big")
    public = P256.public(secret)
    kid = thumbprint(public)
    iss, sub, typ = "example.org", "epoch/7", "application/vnd.counterfoil.example+cbor"
    payload = cbor({0: 1, 1: domain, 2: "ü", 3: [0, 23, 24, 255, 256, 65535, 65536, 2**32, 2**64 - 1], -1: None, -2: -(2**63)})
    protected = cbor({1: -7, 4: kid, 15: {1: iss, 2: sub}, 16: typ})
    envelope = cbor({1: -7, 4: kid, 15: {1: iss, 2: sub}, 16: typ, 258: -16, 259: "application/cbor"})
    tbs, message = sign1(secret, protected, payload)
    _, envelope_message = sign1(secret, envelope, sha256(payload))

    wallet = int.from_bytes(sha256(b"an example wallet"), "big")
    address = keccak256(K256.public(wallet))[12:]
    contract, chain_id = bytes(range(1, 21)), 31337
    ledger_sep = separator(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)", chain_id, contract, domain
    )
    wallet_sep = separator("EIP712Domain(string name,string version,bytes32 salt)", domain)
    act = "Act(uint8 council,uint32 version,uint48 number,uint40 notAfter,bytes32 body)"
    act_words = [0, 1, 7, 1_900_000_000, domain]
    digest = eip712(ledger_sep, act, *act_words)

    out = {
        "about": "Vectors of docs/protocol/encoding.md, made by make_encoding.py. Bytes are hex.",
        "cbor": {"item": payload},
        "hash": {"domain": domain, "tagged_what": "example", "tagged_input": payload, "tagged": tagged("example", payload)},
        "keys": {
            "p256_secret": secret.to_bytes(32, "big"),
            "p256_public": public,
            "p256_thumbprint": kid,
            "x25519_secret": sha256(b"an example box"),
            "x25519_public": x25519(sha256(b"an example box")),
            "k256_secret": wallet.to_bytes(32, "big"),
            "k256_address": address,
        },
        "cose": {
            "iss": iss,
            "sub": sub,
            "typ": typ,
            "protected": protected,
            "payload": payload,
            "to_be_signed": tbs,
            "message": message,
            "envelope_preimage_type": "application/cbor",
            "envelope_protected": envelope,
            "envelope_message": envelope_message,
        },
        "document": {"hash": document_hash(protected, payload), "council_body": payload, "council_hash": document_hash(b"", payload)},
        "eip712": {
            "chain_id": chain_id,
            "contract": contract,
            "domain": domain,
            "ledger_separator": ledger_sep,
            "wallet_separator": wallet_sep,
            "type": act,
            "words": [word(w) for w in act_words],
            "ledger_digest": digest,
            "wallet_digest": eip712(wallet_sep, act, *act_words),
            "ledger_signature": eip2098(wallet, digest),
        },
    }
    print(json.dumps(out, indent=2, default=bytes.hex))


if __name__ == "__main__":
    main()
