#!/usr/bin/env python3
"""Vectors of docs/protocol/book.md; prints tests/vectors/enclave/book.txt.

Four batches of a small book, computed from the page alone:
1  accounts 7 and 9 open, 7 deposits 1000 of asset 5, 9 opens its lane
2  7 owes 9 250 of asset 5 (order number 1)
3  window 1 closes at 1234
4  its content has settled
"""
import hashlib
import hmac

DEPTH = 20
KEY = bytes(range(32))
DIGEST = b"\x44" * 32


def u(v, n):
    return v.to_bytes(n, "big")


def sha(b):
    return hashlib.sha256(b).digest()


def tag(what, *parts):
    return sha(b"counterfoil/" + what + b"/v1\0" + b"".join(parts))


def leaf(account, asset, balance, held, sequence):
    salt = hmac.new(KEY, u(account, 4) + u(asset, 3) + u(sequence, 8), "sha256").digest()
    return sha(b"\0" + u(account, 4) + u(asset, 3) + u(balance, 8) + u(held, 8) + salt)


def root(leaves):
    level, empty = dict(enumerate(leaves)), b"\0" * 32
    for _ in range(DEPTH):
        up = {i // 2 for i in level}
        level = {i: sha(b"\1" + level.get(2 * i, empty) + level.get(2 * i + 1, empty)) for i in up}
        empty = sha(b"\1" + empty + empty)
    return level.get(0, empty)


def note(kind, record):
    return u(kind, 1) + u(len(record), 4) + record


def message(kind, account, owner=b"\0" * 20, admitted=0, cls=0, asset=0, units=0, time=0):
    return note(1, u(kind, 1) + u(account, 4) + owner + u(admitted, 1) + u(cls, 1) + u(asset, 3) + u(units, 8) + u(time, 8))


activity = b"\0" * 32
print("key", KEY.hex())
print("digest", DIGEST.hex())
print("root-0", root([]).hex())


def batch(sequence, notes, lanes):
    global activity
    seed = bytes([0x50 + sequence]) * 32
    activity = tag(b"activity", activity, *notes)
    salt = hmac.new(seed, b"book/v1" + u(sequence, 8), "sha256").digest()
    reserved = tag(b"book", u(sequence, 8), salt, activity, DIGEST)
    print(f"reserved-{sequence}", reserved.hex())
    print(f"root-{sequence}", root([reserved] + [leaf(*lane) for lane in lanes]).hex())


batch(1, [message(0, 7, b"\x11" * 20, 1, 1), message(0, 9, b"\x22" * 20, 1, 0), message(2, 7, asset=5, units=1000),
          message(1, 9, asset=5)], [(7, 5, 1000, 0, 1), (9, 5, 0, 0, 1)])
owes = u(1, 1) + u(9, 4) + u(5, 3) + u(250, 8)
batch(2, [note(3, u(7, 4) + u(1, 8) + u(0, 1)), note(4, owes)], [(7, 5, 1000, 250, 2), (9, 5, 0, 0, 1)])
batch(3, [note(5, u(1, 8) + u(1234, 8))], [(7, 5, 1000, 250, 2), (9, 5, 0, 0, 1)])
body = u(0, 1) + u(5, 3) + u(2, 2) + u(7, 4) + (-250).to_bytes(8, "big", signed=True) + u(9, 4) + u(250, 8)
print("body", body.hex())
lanes = [(7, 5, 750, 0, 4), (9, 5, 250, 0, 4)]
batch(4, [note(6, u(1, 8) + u(1234, 8))], lanes)

snapshot = u(1, 1) + u(4, 8) + u(2, 8) + u(0, 8) + activity
reserved = tag(b"book", u(4, 8), hmac.new(b"\x54" * 32, b"book/v1" + u(4, 8), "sha256").digest(), activity, DIGEST)
snapshot += reserved + u(1, 1) + u(5, 3) + u(0, 8)
snapshot += u(2, 4)
snapshot += u(7, 4) + b"\x11" * 20 + u(1, 1) + u(1, 1) + u(0, 8) + u(1, 8) + u(1, 8) + u(0, 8) + u(1, 8) + u(1, 4)
snapshot += u(9, 4) + b"\x22" * 20 + u(1, 1) + u(0, 1) + u(0, 8) + u(0, 8) + u(0, 8) + u(0, 8) + u(0, 8) + u(0, 4)
snapshot += u(2, 4) + b"".join(u(a, 4) + u(s, 3) + u(b, 8) + u(h, 8) + u(q, 8) for a, s, b, h, q in lanes)
snapshot += u(0, 1)
snapshot += u(0, 8) + u(0, 1) + u(0, 4) + u(0, 4) + u(0, 4)
print("snapshot", snapshot.hex())
