"""What make_snp.py, make_nitro.py, make_tpm.py and make_cca.py share: keys, signatures, certificates and lists, by arithmetic of their own and from a seed, so
that every run makes the same bytes; and the book that they fill.

A file is {"blobs": {name: hex}, "cases": [{name, items: {role: blob}, roots: [blob], at, nonce?, verdict, item}]}."""

import calendar
import hashlib
import json
import time

T = calendar.timegm((2025, 6, 1, 12, 0, 0))
DAY = 86400


def draw(label, n):
    """n bytes that are the same in every run."""
    out = b""
    while len(out) < n:
        out += hashlib.sha256(f"counterfoil platforms {label} {len(out)}".encode()).digest()
    return out[:n]


# ---- RSASSA-PSS (RFC 8017) ----


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


class Rsa:
    """p and q are drawn once and stand in the script: to find primes takes longer than all the rest."""

    def __init__(self, p, q):
        self.n, self.p, self.q = p * q, p, q
        self.sz = self.n.bit_length() // 8
        self.d = pow(65537, -1, (p - 1) * (q - 1))

    def power(self, m):
        a, b = pow(m, self.d % (self.p - 1), self.p), pow(m, self.d % (self.q - 1), self.q)
        return b + self.q * ((a - b) * pow(self.q, -1, self.p) % self.p)

    def spki(self):
        return seq(seq(oid("1.2.840.113549.1.1.1"), tlv(5)), bits(seq(integer(self.n), integer(65537))))

    def alg(self, **_):
        return pss_alg()

    def sign(self, message, salt=48, hash_name="sha384", **_):
        h = lambda b: hashlib.new(hash_name, b).digest()  # noqa: E731
        salt = draw("salt " + message.hex(), salt)
        digest = h(bytes(8) + h(message) + salt)
        db = bytes(self.sz - len(salt) - len(digest) - 2) + b"\x01" + salt
        mask = b"".join(h(digest + i.to_bytes(4, "big")) for i in range(len(db) // len(digest) + 1))
        em = bytearray(xor(db, mask) + digest + b"\xbc")
        em[0] &= 0x7F
        return self.power(int.from_bytes(em, "big")).to_bytes(self.sz, "big")


# ---- P-384 (FIPS 186-4) ----

P = 2**384 - 2**128 - 2**96 + 2**32 - 1
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973
G = (0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
     0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F)


def double(p):
    x, y, z = p
    s, m = 4 * x * y * y % P, 3 * (x - z * z) * (x + z * z) % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * y**4) % P, 2 * y * z % P


def add(p, q):
    """Jacobian; p and q differ, and neither is the negative of the other, in all that is computed here."""
    if p is None:
        return q
    x1, y1, z1 = p
    x2, y2, z2 = q
    u1, u2, s1, s2 = x1 * z2 * z2 % P, x2 * z1 * z1 % P, y1 * z2**3 % P, y2 * z1**3 % P
    h, r = (u2 - u1) % P, (s2 - s1) % P
    x3 = (r * r - h**3 - 2 * u1 * h * h) % P
    return x3, (r * (u1 * h * h - x3) - s1 * h**3) % P, h * z1 * z2 % P


def times(k, point):
    out, point = None, (*point, 1)
    while k:
        if k & 1:
            out = add(out, point)
        point, k = double(point), k >> 1
    z = pow(out[2], -1, P)
    return out[0] * z * z % P, out[1] * z**3 % P


class P384:
    def __init__(self, label):
        self.d = int.from_bytes(draw(label, 48), "big") % N
        self.q = times(self.d, G)

    def spki(self):
        point = b"\x04" + self.q[0].to_bytes(48, "big") + self.q[1].to_bytes(48, "big")
        return seq(seq(oid("1.2.840.10045.2.1"), oid("1.3.132.0.34")), bits(point))

    def alg(self, **_):
        return seq(oid("1.2.840.10045.4.3.3"))

    def rs(self, message):
        z = int.from_bytes(hashlib.sha384(message).digest(), "big")
        k = int.from_bytes(draw(f"nonce {self.d} {z}", 56), "big") % N
        r = times(k, G)[0] % N
        return r, pow(k, -1, N) * (z + r * self.d) % N

    def sign(self, message, **_):
        r, s = self.rs(message)
        return seq(integer(r), integer(s))


# ---- DER ----

def tlv(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    n = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | n]) + len(body).to_bytes(n, "big") + body


def seq(*parts):
    return tlv(0x30, *parts)


def integer(v):
    return tlv(2, v.to_bytes(v.bit_length() // 8 + 1, "big"))


def bits(b, unused=0):
    return tlv(3, bytes([unused]), b)


def oid(text):
    a, b, *rest = map(int, text.split("."))
    out = bytes([40 * a + b])
    for v in rest:
        part = bytes([v & 127])
        while v > 127:
            v >>= 7
            part = bytes([128 | v & 127]) + part
        out += part
    return tlv(6, out)


def when(s):
    return tlv(0x17, time.strftime("%y%m%d%H%M%SZ", time.gmtime(s)).encode())


def name(cn):
    return seq(tlv(0x31, seq(oid("2.5.4.10"), tlv(12, b"Counterfoil throw-away"))), tlv(0x31, seq(oid("2.5.4.3"), tlv(12, cn.encode()))))


def pss_alg(hash_oid="2.16.840.1.101.3.4.2.2", salt=48):
    h = seq(oid(hash_oid), tlv(5))
    return seq(oid("1.2.840.113549.1.1.10"),
               seq(tlv(0xA0, h), tlv(0xA1, seq(oid("1.2.840.113549.1.1.8"), h)), tlv(0xA2, integer(salt))))


def extension(o, value, critical=False):
    return seq(oid(o), *([tlv(1, b"\xff")] if critical else []), tlv(4, value))


def basic(ca, path=None):
    return extension("2.5.29.19", seq(*([tlv(1, b"\xff")] if ca else []), *([integer(path)] if path is not None else [])), True)


def usage(byte, unused):
    return extension("2.5.29.15", bits(bytes([byte]), unused), True)


CERT_SIGN, CERT_AND_CRL_SIGN, SIGN = usage(0x04, 2), usage(0x06, 1), usage(0x80, 7)


def cert(key, cn, issuer_key, issuer_cn, exts, start=T - 30 * DAY, end=T + 30 * DAY, serial=1, alg=None, **how):
    alg = alg or issuer_key.alg()
    tbs = seq(tlv(0xA0, integer(2)), integer(serial), alg, name(issuer_cn), seq(when(start), when(end)), name(cn), key.spki(),
              tlv(0xA3, seq(*exts)))
    return seq(tbs, alg, bits(issuer_key.sign(tbs, **how)))


def crl(issuer_key, issuer_cn, start, end, serials, exts=()):
    alg = issuer_key.alg()
    entries = [seq(integer(n), when(start)) for n in serials]
    tbs = seq(integer(1), alg, name(issuer_cn), when(start), when(end), *([seq(*entries)] if entries else []),
              *([tlv(0xA0, seq(*exts))] if exts else []))
    return seq(tbs, alg, bits(issuer_key.sign(tbs)))


# ---- CBOR (RFC 8949) ----


def head(major, n):
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 24:
            return bytes([major << 5 | n])
        if n < 1 << 8 * size:
            return bytes([major << 5 | info]) + n.to_bytes(size, "big")
    raise ValueError(n)


def cbor(v):
    if isinstance(v, Raw):
        return v.data
    if v is None:
        return b"\xf6"
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(map(cbor, v))
    return head(5, len(v)) + b"".join(cbor(k) + cbor(x) for k, x in v.items())


class Raw:
    def __init__(self, data):
        self.data = data


def endless(pairs):
    return Raw(b"\xbf" + b"".join(cbor(k) + cbor(v) for k, v in pairs) + b"\xff")


# ---- collecting ----

class Book:
    def __init__(self):
        self.blobs, self.cases, self.names = {}, [], {}

    def blob(self, data, label):
        if data not in self.names:
            label = label if label not in self.blobs else f"{label}-{len(self.blobs)}"
            self.names[data], self.blobs[label] = label, data.hex()
        return self.names[data]

    def case(self, what, verdict, item, items, roots, at=T, nonce=None):
        c = {"name": what, "items": {k: self.blob(v, k) for k, v in items.items() if v is not None},
             "roots": [self.blob(r, "root") for r in roots], "at": at, "verdict": verdict, "item": item}
        if nonce is not None:
            c["nonce"] = nonce.hex()
        self.cases.append(c)

    def print(self):
        print(json.dumps({"blobs": self.blobs, "cases": self.cases}, indent=0))
