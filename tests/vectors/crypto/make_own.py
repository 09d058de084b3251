#!/usr/bin/env python3
"""Makes own.txt: what src/crypto defines by itself, computed a second time with
nothing but hashlib.  tests/unit/crypto/test_own.c reads it.  Lines are words:
  tag WHAT REST DIGEST        SHA-256("counterfoil/WHAT/v1" || 0 || REST)
  drbg SEED SKIP BYTES        the stream of SEED behind its first SKIP bytes
  node LEFT RIGHT DIGEST      SHA-256(1 || LEFT || RIGHT)
  thumbprint X||Y DIGEST      RFC 9679, SHA-256, EC2 key on P-256
An empty byte string is "-"."""
import hashlib


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tag(what, *parts):
    return sha(b"counterfoil/" + what.encode() + b"/v1\0", *parts)


def drbg(seed, end):
    return b"".join(tag("drbg", seed, i.to_bytes(8, "big")) for i in range(end // 32 + 1))[:end]


def word(b):
    return b.hex() or "-"


lines = []
for what, rest in (("document", b""), ("receipt", bytes(range(40))), ("x", b"\0" * 200)):
    lines.append(f"tag {what} {word(rest)} {word(tag(what, rest))}")
for seed in (bytes(32), bytes(range(32))):
    for skip, n in ((0, 32), (0, 100), (31, 2), (33, 64), (1000, 7)):
        lines.append(f"drbg {word(seed)} {skip} {word(drbg(seed, skip + n)[skip:])}")
for i in range(4):
    left, right = sha(bytes([i])), sha(bytes([i, i]))
    lines.append(f"node {word(left)} {word(right)} {word(sha(bytes([1]), left, right))}")
# the P-256 key of RFC 6979, A.2.5, and one with small coordinates' worth of zeros in front
for x, y in (
    ("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"),
    ("00" * 32, "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4"),
):
    key = bytes([0xA4, 0x01, 0x02, 0x20, 0x01, 0x21, 0x58, 0x20]) + bytes.fromhex(x)
    key += bytes([0x22, 0x58, 0x20]) + bytes.fromhex(y)
    lines.append(f"thumbprint {x}{y} {word(sha(key))}")
print("\n".join(lines))
