#!/usr/bin/env python3
"""Known answers for docs/protocol/ledger.md, from the page alone: Keccak, EIP-712, slot keys and the state tree in
plain Python, sharing nothing with the C code.  Usage: make_known_answers.py > known_answers.txt"""
import hashlib

MASK = (1 << 64) - 1


def keccak256(data):
    rc, r = [], 1
    for _ in range(24):
        c = 0
        for j in range(7):
            if r & 1:
                c |= 1 << ((1 << j) - 1)
            r = (r << 1) ^ ((r >> 7) * 0x171)
        rc.append(c)
    rot, x, y = {}, 1, 0
    for t in range(24):
        rot[(x, y)] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    rot[(0, 0)] = 0
    rol = lambda v, n: ((v << n) | (v >> (64 - n))) & MASK if n else v

    def permute(a):
        for k in range(24):
            c = [a[x, 0] ^ a[x, 1] ^ a[x, 2] ^ a[x, 3] ^ a[x, 4] for x in range(5)]
            d = [c[(x - 1) % 5] ^ rol(c[(x + 1) % 5], 1) for x in range(5)]
            b = {}
            for x in range(5):
                for y in range(5):
                    b[y, (2 * x + 3 * y) % 5] = rol(a[x, y] ^ d[x], rot[x, y])
            a = {(x, y): b[x, y] ^ (~b[(x + 1) % 5, y] & b[(x + 2) % 5, y]) & MASK for x in range(5) for y in range(5)}
            a[0, 0] ^= rc[k]
        return a

    data = data + b"\x01" + b"\x00" * (135 - len(data) % 136)
    data = data[:-1] + bytes([data[-1] | 0x80])
    a = {(x, y): 0 for x in range(5) for y in range(5)}
    for at in range(0, len(data), 136):
        for i in range(17):
            a[i % 5, i // 5] ^= int.from_bytes(data[at + 8 * i:at + 8 * i + 8], "little")
        a = permute(a)
    return b"".join(a[i % 5, i // 5].to_bytes(8, "little") for i in range(4))


assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"

sha = lambda b: hashlib.sha256(b).digest()
word = lambda n: n.to_bytes(32, "big")
addr = lambda n: bytes([n]) * 20
h = lambda n: bytes([n]) * 32
pad = lambda a: b"\0" * 12 + a
out = lambda name, value: print(name, value.hex())


def pack(*fields):
    """(value, width) from bit 0 up."""
    v = at = 0
    for value, width in fields:
        assert value < 1 << width
        v |= value << at
        at += width
    assert at <= 256
    return word(v)


CHAIN, CONTRACT, DOMAIN = (1 << 40) + 7, addr(0x11), h(0x22)
SEPARATOR = keccak256(keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)")
                      + keccak256(b"Counterfoil") + keccak256(b"1") + word(CHAIN) + pad(CONTRACT) + DOMAIN)


def digest(kind, *words):
    assert all(len(w) == 32 for w in words)
    return keccak256(b"\x19\x01" + SEPARATOR + keccak256(keccak256(kind.encode()) + b"".join(words)))


out("separator", SEPARATOR)
out("head0", keccak256(SEPARATOR))

meta = pack((77, 64), (1700003600, 40), (1700000000, 40), (5, 32), (1, 8))
body = b"\0" + b"\0\0\x03" + b"\0\x02" + word(4)[-4:] + (2**64 - 9).to_bytes(8, "big") + word(6)[-4:] + word(9)[-8:]
receipts = sha(b"counterfoil/receipts/v1\0" + word(70)[-8:] + word(77)[-8:] + h(0x33) + word(1234)[-8:] + h(0x34))
out("meta", meta)
out("entries", keccak256(body))
out("receipts", receipts)
out("settlement", digest("Settlement(uint256 meta,bytes32 prevHead,bytes32 stateRoot,bytes32 entries,bytes32 receipts)",
                         meta, h(0x35), h(0x36), keccak256(body), receipts))
terms = pack((9, 40), (5, 32), (1700000000, 40), (1700086400, 40), (3, 8), (1, 8), (12, 56), (2, 32))
registration = digest("Registration(bytes32 domain,address key,uint256 terms,bytes32 instance,bytes32 certificate,"
                      "bytes32 measurement,bytes32 evidence)", DOMAIN, pad(addr(0x44)), terms, h(0x45), h(0x46), h(0x47), h(0x48))
out("terms", terms)
out("registration", registration)
out("possession", digest("Possession(bytes32 registration)", registration))
out("revoke_key", digest("RevokeKey(address key)", pad(addr(0x44))))
out("act", digest("Act(uint8 council,uint32 version,uint48 number,uint40 notAfter,bytes32 body)", word(2), word(3), word(4),
                  word(1700000000), keccak256(b"\x02")))
out("call", digest("Call(address from,uint64 nonce,uint40 deadline,bytes op)", pad(addr(0x55)), word(6), word(1700000000),
                   keccak256(b"\x01\x09")))
out("block", digest("Block(bytes32 hash)", h(0x56)))
out("finality", digest("Finality(uint256 chainId,address ledger,uint64 number,bytes32 blockHash,uint40 time,uint64 logSize,"
                       "bytes32 logRoot)", word(CHAIN), pad(CONTRACT), word(8), h(0x57), word(1700000000), word(99), h(0x58)))

entry = lambda key, slot: keccak256(key + slot)
out("slot_key", entry(pad(addr(0x44)), word(16)))
out("slot_account", entry(word(7), word(17)))
out("slot_id_of", entry(pad(addr(0x44)), word(18)))
out("slot_asset", entry(word(3), word(19)))
out("slot_policy", entry(word(5), word(20)))
out("slot_measurement", entry(h(0x47), entry(word(5), word(21))))
out("slot_council", entry(word(3 << 32 | 2), word(22)))
out("slot_revoked", entry(h(0x45), word(23)))
out("slot_nonce", entry(pad(addr(0x55)), word(24)))
out("slot_lanes", entry(word(3), word(100)))
out("slot_free_lanes", entry(word(3), word(101)))
out("slot_bucket", entry(word(3), word(102)))

out("status", pack((1, 8), (2, 40), (3, 32), (4, 32), (5, 40), (6, 40), (7, 32)))
out("counters", pack((1, 32), (2, 24), (3, 32), (4, 32), (5, 40), (6, 48), (7, 48)))
out("key", pack((2, 8), (3, 40), (4, 32), (5, 40), (6, 40), (7, 8)))
out("account", pack((int.from_bytes(addr(0x61), "big"), 160), (2, 40), (1, 8)))
out("asset", pack((int.from_bytes(addr(0x62), "big"), 160), (2, 8), (1, 8), (4, 40)))
out("measurement", pack((1, 40), (2, 40)))
out("seats", pack((1, 8), (2, 8), (3, 8), (4, 8), (5, 40)))
out("bucket0", pack((1, 64), (2, 64), (3, 40), (4, 24)))
out("bucket1", pack((5, 64), (6, 40)))

# inbox: Opened(7, 0x63..) at 1700000001, then Deposited(asset 3, id 7, 9 units) at 1700000002, on an empty inbox
inbox = keccak256(bytes(32) + b"\x01" + word(1700000001)[-5:] + word(7)[-4:] + addr(0x63))
out("inbox1", inbox)
out("inbox2", keccak256(inbox + b"\x03" + word(1700000002)[-5:] + word(3)[-3:] + word(7)[-4:] + word(9)[-8:]))


def tree(slots, depth=0):
    """slots: [(path, key, value)]"""
    if not slots:
        return bytes(32)
    if len(slots) == 1:
        return sha(b"\0" + slots[0][1] + slots[0][2])
    bit = lambda p: p[depth // 8] >> (7 - depth % 8) & 1
    return sha(b"\1" + tree([s for s in slots if not bit(s[0])], depth + 1) + tree([s for s in slots if bit(s[0])], depth + 1))


for n in (0, 1, 2, 3, 100):
    slots = [(word(i), sha(b"value" + word(i))) for i in range(n)]
    out("tree%d" % n, tree([(sha(b"\x02" + k), k, v) for k, v in slots]))

# mode root: account 7 in asset 3, at position 5; a tree of that leaf and the reserved one; open and sealed data of the two
out("slot_root", (int.from_bytes(entry(word(3), word(103)), "big") + 7).to_bytes(32, "big"))
out("root_record", pack((2**80 - 2, 96), (5, 32), (1, 8)))
leaf = sha(b"\0" + word(7)[-4:] + word(3)[-4:] + word(2**96 - 2)[-12:] + word(2**80 - 3)[-10:] + word(2**70 + 9)[-10:] + h(0x71))
out("root_leaf", leaf)


def root(leaves, level=32, at=0):
    """leaves: {position: digest}"""
    if level == 0:
        return leaves.get(at, bytes(32))
    if not any(p >> level == at for p in leaves):
        below = bytes(32)
        for _ in range(level):
            below = sha(b"\1" + below + below)
        return below
    return sha(b"\1" + root(leaves, level - 1, 2 * at) + root(leaves, level - 1, 2 * at + 1))


def number(n):
    return bytes([n]) if n < 128 else bytes([n % 128 + 128]) + number(n // 128)


out("root_empty", root({}))
out("root_two", root({0: h(0x72), 5: leaf}))
out("root_open", sha(h(0x72) + number(5 << 1 | 1) + number(2 * 70000 - 1) + number(2**63) + number((300 - 5) << 1) + number(2 * 9)))
out("root_sealed", sha(number(1) + h(0x72) + number(5) + leaf + number(300 - 5) + h(0x73)))
