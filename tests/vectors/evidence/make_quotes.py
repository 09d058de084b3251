#!/usr/bin/env python3
"""Prints quotes.json: SGX and TDX quotes with all their collateral under throw-away keys, one case for each thing that a verifier
must see.  Written from Intel's specifications, with no code of the tree; keys come from their names and ECDSA nonces from RFC 6979,
so that running it again changes nothing.  A case is the base case of its kind with something changed."""

import base64
import hashlib
import hmac
import json
import struct
from datetime import datetime, timedelta, timezone

# ---- P-256 (FIPS 186-5), slow and plain ----

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def double(p):
    x, y, z = p
    if not y:
        return (0, 0, 0)
    ysq = y * y % P
    s = 4 * x * ysq % P
    m = 3 * (x - z * z) * (x + z * z) % P
    nx = (m * m - 2 * s) % P
    return (nx, (m * (s - nx) - 8 * ysq * ysq) % P, 2 * y * z % P)


def add(p, q):
    if not p[2]:
        return q
    if not q[2]:
        return p
    z1, z2 = p[2] * p[2] % P, q[2] * q[2] % P
    u1, u2 = p[0] * z2 % P, q[0] * z1 % P
    s1, s2 = p[1] * z2 * q[2] % P, q[1] * z1 * p[2] % P
    if u1 == u2:
        return double(p) if s1 == s2 else (0, 0, 0)
    h, r = u2 - u1, s2 - s1
    h2 = h * h % P
    h3, v = h * h2 % P, u1 * h2 % P
    x = (r * r - h3 - 2 * v) % P
    return (x, (r * (v - x) - s1 * h3) % P, h * p[2] * q[2] % P)


TABLE = []
step = (G[0], G[1], 1)
for _ in range(256):
    TABLE.append(step)
    step = double(step)


def mul_g(k):
    out = (0, 0, 0)
    for i in range(256):
        if k >> i & 1:
            out = add(out, TABLE[i])
    zi = pow(out[2], -1, P)
    return out[0] * zi * zi % P, out[1] * zi * zi * zi % P


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Key:
    known = {}

    def __init__(self, name):
        self.d = int.from_bytes(sha(b"counterfoil test key ", name.encode()), "big") % (N - 1) + 1
        x, y = mul_g(self.d)
        self.xy = x.to_bytes(32, "big") + y.to_bytes(32, "big")

    @staticmethod
    def of(name):
        if name not in Key.known:
            Key.known[name] = Key(name)
        return Key.known[name]

    def sign(self, message):
        """r || s, the nonce as RFC 6979 has it."""
        h = sha(message)
        z, x = int.from_bytes(h, "big"), self.d.to_bytes(32, "big")
        hm = (z % N).to_bytes(32, "big")
        k, v = b"\0" * 32, b"\1" * 32
        k = hmac.digest(k, v + b"\0" + x + hm, "sha256")
        v = hmac.digest(k, v, "sha256")
        k = hmac.digest(k, v + b"\1" + x + hm, "sha256")
        v = hmac.digest(k, v, "sha256")
        v = hmac.digest(k, v, "sha256")
        nonce = int.from_bytes(v, "big")
        r = mul_g(nonce)[0] % N
        s = pow(nonce, -1, N) * (z + r * self.d) % N
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


# ---- DER ----

def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    head = bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82]) + struct.pack(">H", n)
    return bytes([tag]) + head + body


def seq(*parts):
    return tlv(0x30, *parts)


def integer(v):
    return tlv(2, v.to_bytes(v.bit_length() // 8 + 1, "big"))


def oid(text):
    first, second, *rest = map(int, text.split("."))
    out = [40 * first + second]
    for v in rest:
        chunk = [v & 127]
        while v := v >> 7:
            chunk.append(v & 127 | 128)
        out += reversed(chunk)
    return tlv(6, bytes(out))


def boolean(v):
    return tlv(1, b"\xff" if v else b"\0")


def octets(b):
    return tlv(4, b)


def bits(b, unused=0):
    return tlv(3, bytes([unused]), b)


ECDSA = seq(oid("1.2.840.10045.4.3.2"))


def signature_der(rs):
    return bits(seq(integer(int.from_bytes(rs[:32], "big")), integer(int.from_bytes(rs[32:], "big"))))


def name(cn):
    return seq(tlv(0x31, seq(oid("2.5.4.3"), tlv(12, cn.encode()))), tlv(0x31, seq(oid("2.5.4.10"), tlv(12, b"Counterfoil test"))))


def moment(day):
    t = EPOCH + timedelta(days=day)
    return tlv(0x17, t.strftime("%y%m%d%H%M%SZ").encode())


EPOCH = datetime(2026, 6, 1, tzinfo=timezone.utc)  # T, as a rule; days count from it


def text_date(day):
    return (EPOCH + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix(day):
    return int((EPOCH + timedelta(days=day)).timestamp())


def extension(number, value, critical=False):
    return seq(oid(number), *([boolean(True)] if critical else []), octets(value))


SGX = "1.2.840.113741.1.13.1"


def sgx_extension(w):
    def member(suffix, value):
        return seq(oid(SGX + suffix), value)

    tcb = [member(f".2.{i + 1}", integer(v)) for i, v in enumerate(w["svn"])]
    tcb += [member(".2.17", integer(w["pcesvn"])), member(".2.18", octets(bytes(w["svn"])))]
    members = [member(".1", octets(b"\x11" * 16)), member(".2", seq(*tcb)), member(".3", octets(w["pceid"])),
               member(".4", octets(w["fmspc"])), member(".5", tlv(10, b"\1")), member(".6", octets(b"\x66" * 16)),
               member(".7", seq(member(".7.1", boolean(True)), member(".7.2", boolean(False)), member(".7.3", boolean(True))))]
    return seq(*w["sgx_members"](members)) + w["sgx_tail"]


def certificate(c, sgx=None):
    exts = []
    if c["ca"] is not None:
        exts.append(extension("2.5.29.19", seq(*([boolean(True)] if c["ca"] else []),
                                               *([integer(c["path"])] if c["path"] is not None else [])), True))
    if c["usage"]:
        usage = c["usage"]
        exts.append(extension("2.5.29.15", bits(bytes([usage]), (usage & -usage).bit_length() - 1), True))
    if sgx is not None:
        exts.append(extension(SGX, sgx))
    exts += c["more"]
    key = Key.of(c["key"]).xy
    spki = seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), bits(b"\4" + key))
    tbs = seq(tlv(0xa0, integer(2)), integer(c["serial"]), ECDSA, name(c["issuer"]), seq(moment(c["from"]), moment(c["to"])),
              name(c["subject"]), spki, tlv(0xa3, seq(*exts)))
    rs = bytearray(Key.of(c["by"]).sign(tbs))
    rs[63] ^= c["spoilt"]
    return seq(tbs, ECDSA, signature_der(bytes(rs)))


def crl(c):
    entries = [seq(integer(s), moment(c["from"]), seq(extension("2.5.29.21", tlv(10, b"\1")))) for s in c["revoked"]]
    tbs = seq(integer(1), ECDSA, name(c["issuer"]), moment(c["from"]), moment(c["to"]), *([seq(*entries)] if entries else []),
              tlv(0xa0, seq(extension("2.5.29.20", integer(1)), *c["more"])))
    rs = bytearray(Key.of(c["by"]).sign(tbs))
    rs[63] ^= c["spoilt"]
    return seq(tbs, ECDSA, signature_der(bytes(rs)))


def pem(*ders):
    out = b""
    for der in ders:
        text = base64.b64encode(der)
        lines = [text[i:i + 64] for i in range(0, len(text), 64)]
        out += b"-----BEGIN CERTIFICATE-----\n" + b"\n".join(lines) + b"\n-----END CERTIFICATE-----\n"
    return out


# ---- the world of a case ----

ROOT, CA, LEAF, SIGNING = "Test SGX Root CA", "Test SGX PCK Platform CA", "Test SGX PCK Certificate", "Test SGX TCB Signing"


def cert(subject, issuer, key, by, serial, **more):
    out = {"subject": subject, "issuer": issuer, "key": key, "by": by, "serial": serial, "from": -400, "to": 3000, "ca": False,
           "path": None, "usage": 0xC0, "more": [], "spoilt": 0}
    out.update(more)
    return out


def component(*svn):
    return [{"svn": v} for v in svn] + [{"svn": 0}] * (16 - len(svn))


def level(sgx, pcesvn, status, day, tdx=None, advisories=None):
    tcb = {"sgxtcbcomponents": component(*sgx), "pcesvn": pcesvn}
    if tdx is not None:
        tcb["tdxtcbcomponents"] = component(*tdx)
    out = {"tcb": tcb, "tcbDate": text_date(day), "tcbStatus": status}
    if advisories is not None:
        out["advisoryIDs"] = advisories
    return out


def svn_level(isvsvn, status, day, advisories=None):
    out = {"tcb": {"isvsvn": isvsvn}, "tcbDate": text_date(day), "tcbStatus": status}
    if advisories is not None:
        out["advisoryIDs"] = advisories
    return out


def module(major, *levels, **more):
    out = {"id": f"TDX_{major:02x}", "mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8, "tcbLevels": list(levels)}
    out.update(more)
    return out


def world(td, version):
    w = {"td": td, "version": version, "body": 3 if td == 15 else 2 if td else 1, "svn": [5, 5, 3, 3, 255, 1] + [0] * 10, "pcesvn": 13,
         "fmspc": bytes.fromhex("a0b0c0d0e0f0"), "pceid": b"\0\0", "sgx_members": lambda m: m, "sgx_tail": b""}
    w["root"] = cert(ROOT, ROOT, "root", "root", 1, ca=True, path=1, usage=0x06)
    w["ca"] = cert(CA, ROOT, "ca", "root", 2, ca=True, path=0, usage=0x06)
    w["leaf"] = cert(LEAF, CA, "pck", "ca", 3)
    w["signing"] = cert(SIGNING, ROOT, "signing", "root", 4)
    w["root_crl"] = {"issuer": ROOT, "by": "root", "from": -30, "to": 300, "revoked": [77], "more": [], "spoilt": 0}
    w["pck_crl"] = {"issuer": CA, "by": "ca", "from": -3, "to": 27, "revoked": [99, 100], "more": [], "spoilt": 0}
    sgx = (5, 5, 3, 3, 255, 1)
    tdx = [(5, 1, 6), (3, 1, 4)] if td else [None, None]
    info = {"id": "TDX" if td else "SGX", "version": 3, "issueDate": text_date(-2), "nextUpdate": text_date(28), "fmspc": "A0B0C0D0E0F0",
            "pceId": "0000", "tcbType": 0, "tcbEvaluationDataNumber": 18}
    if td:
        info["tdxModule"] = {"mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8}
        info["tdxModuleIdentities"] = [module(1, svn_level(5, "UpToDate", -100), svn_level(3, "OutOfDate", -500, ["INTEL-SA-00003"])),
                                       module(3, svn_level(4, "UpToDate", -90))]
    info["tcbLevels"] = [level(sgx, 13, "UpToDate", -100, tdx[0]),
                         level((4, 4, 2, 2, 255, 1), 11, "OutOfDate", -500, tdx[1], ["INTEL-SA-00002", "INTEL-SA-00001"])]
    w["info"] = info
    w["identity"] = {"id": "TD_QE" if td else "QE", "version": 2, "issueDate": text_date(-2), "nextUpdate": text_date(28),
                     "tcbEvaluationDataNumber": 18, "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
                     "attributes": "11" + "00" * 15, "attributesMask": "FB" + "FF" * 7 + "00" * 8, "mrsigner": "8C" * 32,
                     "isvprodid": 2 if td else 1,
                     "tcbLevels": [svn_level(8, "UpToDate", -100), svn_level(6, "OutOfDate", -500, ["INTEL-SA-00004"])]}
    w["raw"] = {}  # role -> function of its bytes, last of all
    w["cert_type"], w["chain_order"], w["auth"], w["tail"], w["outer_type"] = 5, (0, 1, 2), bytes(range(32)), b"", 6
    w["qe"] = {"misc": 0, "attributes": 0x11, "mrsigner": b"\x8c" * 32, "prodid": 2 if td else 1, "svn": 8, "data": lambda d: d}
    w["tee_svn"], w["tee_svn2"] = [5, 1, 6], [5, 1, 6]
    w["mrsignerseam"], w["seamattributes"], w["tdattributes"], w["sgx_flags"] = b"\0" * 48, b"\0" * 8, 0x10000000, 0x05
    w["header"] = lambda h: h
    w["quote"] = lambda q: q
    w["chains"] = lambda certs: certs
    w["drop"], w["at"], w["waived"], w["own_root"] = [], 0, False, "root"
    w["signing_by"] = "signing"
    return w


def report(misc, flags, mrenclave, mrsigner, prodid, svn, data):
    return (b"\x05" * 16 + struct.pack("<I", misc) + b"\0" * 28 + struct.pack("<QQ", flags, 3) + mrenclave + b"\0" * 32 + mrsigner +
            b"\0" * 96 + struct.pack("<HH", prodid, svn) + b"\0" * 60 + data)


def td_report(w):
    def reg(v):
        return bytes([v]) * 48
    body = bytes(w["tee_svn"]).ljust(16, b"\0") + reg(1) + w["mrsignerseam"] + w["seamattributes"] + struct.pack("<QQ", w["tdattributes"], 0xe7)
    body += b"".join(reg(v) for v in range(2, 10)) + bytes(range(64))
    return body + (bytes(w["tee_svn2"]).ljust(16, b"\0") + b"\0" * 48 if w["body"] == 3 else b"")


def quote(w, chain):
    head = w["header"](struct.pack("<HHIHH", w["version"], 2, 0x81 if w["td"] else 0, 0, 0) +
                       bytes.fromhex("939a7233f79c4ca9940a0db3957f0607") + b"\x20" * 20)
    body = td_report(w) if w["td"] else report(0, w["sgx_flags"], b"\xe1" * 32, b"\x51" * 32, 7, 9, bytes(range(64)))
    if w["version"] == 5:
        head += struct.pack("<HI", w["body"], len(body))
    att = Key.of("attestation")
    qe = w["qe"]
    qe_report = report(qe["misc"], qe["attributes"], b"\x9e" * 32, qe["mrsigner"], qe["prodid"], qe["svn"],
                       qe["data"](sha(att.xy, w["auth"]) + b"\0" * 32))
    cert_data = chain + b"\0" if w["cert_type"] == 5 else b"\x01" * 36
    inner = qe_report + Key.of("pck").sign(qe_report) + struct.pack("<H", len(w["auth"])) + w["auth"]
    inner += struct.pack("<HI", w["cert_type"], len(cert_data)) + cert_data
    if w["version"] > 3:
        inner = struct.pack("<HI", w["outer_type"], len(inner)) + inner
    data = att.sign(head + body) + att.xy + inner
    return w["quote"](head + body + struct.pack("<I", len(data)) + data) + w["tail"]


def signed(member, value, key):
    text = json.dumps(value, separators=(",", ":"))
    return (f'{{"{member}":{text},"signature":"' + Key.of(key).sign(text.encode()).hex() + '"}').encode()


def build(w):
    certs = [certificate(w["leaf"], sgx_extension(w)), certificate(w["ca"]), certificate(w["root"])]
    chain = pem(*w["chains"]([certs[i] for i in w["chain_order"]]))
    signing = pem(certificate(w["signing"]), certs[2])
    items = {"quote": quote(w, chain), "tcb_info": signed("tcbInfo", w["info"], w["signing_by"]), "tcb_info_chain": signing,
             "qe_identity": signed("enclaveIdentity", w["identity"], "signing"), "qe_identity_chain": signing,
             "pck_crl": crl(w["pck_crl"]), "root_ca_crl": crl(w["root_crl"])}
    if w["cert_type"] != 5:
        items["pck_chain"] = chain
    for role, change in w["raw"].items():
        items[role] = change(items[role])
    for role in w["drop"]:
        del items[role]
    root = certificate(cert(ROOT, ROOT, w["own_root"], w["own_root"], 1, ca=True, path=1, usage=0x06))
    return items, root


# ---- the cases ----

BLOBS, CASES = {}, []
BEGIN, END = b"-----BEGIN", b"-----END CERTIFICATE-----\n"


def blob(data):
    """The name of some bytes.  They are kept as pieces: x and hex, t and text, or the name of another (a chain inside a quote)."""
    key = "b" + sha(data).hex()[:10]
    start, end = data.find(BEGIN), data.rfind(END) + len(END)
    if key in BLOBS:
        return key
    if data[:1] in b"{-" and data.isascii():
        BLOBS[key] = ["t" + data.decode()]
    elif start >= 0 and end > start:
        BLOBS[key] = ["x" + data[:start].hex(), blob(data[start:end]), "x" + data[end:].hex()]
    else:
        BLOBS[key] = ["x" + data.hex()]
    return key


def case(title, expect, change=None, td=10, version=4):
    """expect: a status, or (verdict, item[, date])."""
    w = world(td, version)
    if change:
        change(w)
    items, root = build(w)
    out = {"name": title, "at": unix(w["at"]), "waived": w["waived"], "root": blob(root), "items": {k: blob(v) for k, v in items.items()}}
    if isinstance(expect, tuple):
        out["verdict"], out["item"] = expect[0], expect[1]
        out["date"] = unix(expect[2]) if len(expect) > 2 else 0
    else:
        out["verdict"], out["status"] = "ok", expect
    CASES.append(out)


def put(*path_and_value):
    *path, last, value = path_and_value

    def change(w):
        at = w
        for step in path:
            at = at[step]
        at[last] = value
    return change


def both(*changes):
    def change(w):
        for c in changes:
            c(w)
    return change


def flip(role, pos):
    def change(w):
        def spoil(data):
            out = bytearray(data)
            out[pos] ^= 1
            return bytes(out)
        w["raw"][role] = spoil
    return change


def raw(role, fn):
    return put("raw", role, fn)


# every form
case("SGX, version 3", "UpToDate", None, 0, 3)
case("SGX, version 4", "UpToDate", None, 0, 4)
case("SGX, version 5", "UpToDate", None, 0, 5)
case("TDX 1.0, version 4", "UpToDate")
case("TDX 1.0, version 5", "UpToDate", None, 10, 5)
case("TDX 1.5, version 5", "UpToDate", None, 15, 5)
case("chain in the order leaf, root, CA", "UpToDate", put("chain_order", (0, 2, 1)))
case("chain apart, certification data of type 1", "UpToDate", put("cert_type", 1))
case("no authentication data", "UpToDate", put("auth", b""))
case("bytes behind the quote", "UpToDate", put("tail", b"\0" * 70))
case("SGX extension in another order", "UpToDate", put("sgx_members", lambda m: m[::-1]))
case("TCB info, version 2", "UpToDate", lambda w: w.__setitem__("info", {
    "version": 2, "issueDate": text_date(-2), "nextUpdate": text_date(28), "fmspc": "a0b0c0d0e0f0", "pceId": "0000", "tcbType": 0,
    "tcbEvaluationDataNumber": 12, "tcbLevels": [
        {"tcb": {**{f"sgxtcbcomp{i + 1:02}svn": v for i, v in enumerate([5, 5, 3, 3, 255, 1] + [0] * 10)}, "pcesvn": 13},
         "tcbDate": text_date(-9), "tcbStatus": "UpToDate"}]}), 0, 3)
case("members that Intel may add", "UpToDate", both(put("info", "news", [1, {"a": None}]), put("identity", "news", 1)))
case("first moment of all lists", "UpToDate", put("at", -2))
case("last moment of the PCK list", "UpToDate", put("at", 27))
case("lists waived, and not there", "UpToDate", both(put("waived", True), put("drop", ["pck_crl", "root_ca_crl"])))

def as_large_as_intels(w):
    """16 levels, 10 advisories in each that is out of date, a list of 64 entries."""
    late = [f"INTEL-SA-{i:05}" for i in range(300, 310)]
    for i in range(14):
        w["info"]["tcbLevels"].append(level((3, 3, 2, 2, 255, 1), 10 - i // 2, "OutOfDate", -600 - i, (3, 1, 4), late))
    w["pck_crl"]["revoked"] = [2 ** 158 + i for i in range(64)]


case("as large as Intel's", "UpToDate", as_large_as_intels, 15, 5)

# statuses
for status in ("SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"):
    case(f"level {status}", status, put("info", "tcbLevels", 0, "tcbStatus", status))
case("second level", "OutOfDate", put("svn", [4, 5, 3, 3, 255, 1] + [0] * 10))
case("second level by PCESVN", "OutOfDate", put("pcesvn", 12))
case("second level by a TDX component", "OutOfDate", put("tee_svn", [5, 1, 5]))
case("module out of date", "OutOfDate", put("tee_svn", [4, 1, 6]))
case("module out of date, configuration needed", "OutOfDateConfigurationNeeded",
     both(put("tee_svn", [4, 1, 6]), put("info", "tcbLevels", 0, "tcbStatus", "ConfigurationNeeded")))
case("another module", "UpToDate", put("tee_svn", [4, 3, 6]))
case("module of version 0: all components count", "OutOfDate",
     both(put("tee_svn", [4, 0, 6]), put("info", "tcbLevels", 0, "tcb", "tdxtcbcomponents", component(5, 0, 6)),
          put("info", "tcbLevels", 1, "tcb", "tdxtcbcomponents", component(3, 0, 4))))
case("quoting enclave out of date", "OutOfDate", put("qe", "svn", 7))
case("quoting enclave out of date, configuration needed", "OutOfDateConfigurationNeeded",
     both(put("qe", "svn", 7), put("info", "tcbLevels", 0, "tcbStatus", "ConfigurationAndSWHardeningNeeded")))
case("relaunch advised", "TDRelaunchAdvised", put("tee_svn", [3, 1, 6]), 15, 5)
case("relaunch advised, configuration needed", "TDRelaunchAdvisedConfigurationNeeded",
     both(put("tee_svn", [3, 1, 6]), put("info", "tcbLevels", 0, "tcbStatus", "ConfigurationNeeded")), 15, 5)
case("relaunch would not help", "OutOfDate", both(put("tee_svn", [3, 1, 6]), put("tee_svn2", [4, 1, 6])), 15, 5)
case("relaunch would not help the quoting enclave", "OutOfDate", both(put("tee_svn", [3, 1, 6]), put("qe", "svn", 7)), 15, 5)
case("relaunch into an unknown module", ("tcb", "tdx_module"), both(put("tee_svn", [3, 1, 6]), put("tee_svn2", [5, 2, 6])), 15, 5)

# the format
case("version 2", ("unsupported", "quote.version"), put("version", 2), 0)
case("version 6", ("unsupported", "quote.version"), put("version", 6), 0)
case("attestation key of P-384", ("unsupported", "quote.header"), put("header", lambda h: h[:2] + b"\3\0" + h[4:]))
case("version 3 says TDX", ("unsupported", "quote.header"), put("header", lambda h: h[:4] + b"\x81" + h[5:]), 0, 3)
case("unknown TEE", ("unsupported", "quote.header"), put("header", lambda h: h[:4] + b"\x82" + h[5:]))
case("another vendor's quoting enclave", ("unsupported", "quote.header"), put("header", lambda h: h[:12] + b"\0" + h[13:]))
case("TDX body in an SGX quote", ("malformed", "quote.body"), put("body", 2), 0, 5)
case("body of the next size", ("malformed", "quote.body"), put("quote", lambda q: q[:48] + b"\3" + q[49:]), 10, 5)
case("outer certification data of type 5", ("malformed", "quote.certification"), put("outer_type", 5))
case("certification data of type 7", ("unsupported", "quote.certification"), put("cert_type", 7))
case("a byte hidden in the signature data", ("malformed", "quote.signature"),
     put("quote", lambda q: q[:632] + struct.pack("<I", len(q) - 636 + 1) + q[636:] + b"\0"))
case("quote cut short", ("malformed", "quote.signature"), put("quote", lambda q: q[:-1]))
case("extension with bytes behind it", ("malformed", "pck_chain[0]"), put("sgx_tail", b"\5\0"))
case("extension with a member twice", ("malformed", "pck_chain[0]"), put("sgx_members", lambda m: m + m[:1]))
case("extension without FMSPC", ("malformed", "pck_chain[0]"), put("sgx_members", lambda m: m[:3] + m[4:]))
case("TCB info with a member twice", ("malformed", "tcb_info"), raw("tcb_info", lambda d: d[:-1] + b',"tcbInfo":{}}'))
case("TCB info with a member beside it", ("malformed", "tcb_info"), raw("tcb_info", lambda d: d[:-1] + b',"x":1}'))
case("TCB info that is no JSON", ("malformed", "tcb_info"), raw("tcb_info", lambda d: d[:-1]))
case("TCB info without its FMSPC", ("malformed", "tcb_info"), lambda w: w["info"].pop("fmspc"))
case("TCB info with 15 components", ("malformed", "tcb_info"), lambda w: w["info"]["tcbLevels"][0]["tcb"]["sgxtcbcomponents"].pop())
case("TCB info with a component of 256", ("malformed", "tcb_info"), put("info", "tcbLevels", 0, "tcb", "sgxtcbcomponents", 0, {"svn": 256}))
case("TCB info of version 4", ("unsupported", "tcb_info"), put("info", "version", 4))
case("TCB info with an unknown status", ("unsupported", "tcb_info"), put("info", "tcbLevels", 0, "tcbStatus", "Fine"))
case("TCB info whose dates run back", ("malformed", "tcb_info", -3), put("info", "nextUpdate", text_date(-3)))
case("the same module twice", ("malformed", "tcb_info"), lambda w: w["info"]["tdxModuleIdentities"].append(w["info"]["tdxModuleIdentities"][0]))
case("levels of a module that rise", ("malformed", "tcb_info"), lambda w: w["info"]["tdxModuleIdentities"][0]["tcbLevels"].reverse())
case("identity of another enclave", ("unsupported", "qe_identity"), put("identity", "id", "QVE"))
case("identity that Intel calls configured", ("unsupported", "qe_identity"), put("identity", "tcbLevels", 0, "tcbStatus", "ConfigurationNeeded"))

# signatures
case("a byte of the body", ("signature", "quote"), flip("quote", 200))
case("a byte of the user data", ("signature", "quote"), flip("quote", 40))
case("a byte of the quote's signature", ("signature", "quote"), flip("quote", 640))
case("the attestation key", ("binding", "quote.attest_key"), flip("quote", 705))
case("the quoting enclave's report", ("signature", "quote.qe_report"), flip("quote", 800))
case("the quoting enclave's authentication data", ("binding", "quote.attest_key"), flip("quote", 1222))
case("upper half of the quoting enclave's report data", ("binding", "quote.attest_key"), put("qe", "data", lambda d: d[:-1] + b"\1"))
case("a digit of the TCB info", ("signature", "tcb_info"), raw("tcb_info", lambda d: d.replace(b'"svn":5', b'"svn":1', 1)))
case("a digit of the identity", ("signature", "qe_identity"), raw("qe_identity", lambda d: d.replace(b'"isvsvn":8', b'"isvsvn":1')))
case("a space in the TCB info", ("signature", "tcb_info"), raw("tcb_info", lambda d: d.replace(b'"version":3', b'"version": 3')))
case("TCB info signed by the PCK CA", ("signature", "tcb_info"), put("signing_by", "ca"))
case("root's list, altered", ("signature", "root_ca_crl"), put("root_crl", "spoilt", 1))
case("PCK list, altered", ("signature", "pck_crl"), put("pck_crl", "spoilt", 1))
case("PCK list by another key", ("signature", "pck_crl"), put("pck_crl", "by", "root"))

# chains
case("a root nobody trusts", ("chain", "pck_chain[2]"), put("own_root", "other"))
case("leaf signed by another", ("chain", "pck_chain[0]"), put("leaf", "by", "root"))
case("CA signed by another", ("chain", "pck_chain[1]"), put("ca", "by", "other"))
case("root altered", ("chain", "pck_chain[2]"), put("root", "spoilt", 1))
case("signing certificate signed by another", ("chain", "tcb_info_chain[0]"), put("signing", "by", "ca"))
case("leaf is an authority", ("chain", "pck_chain[0]"), put("leaf", "ca", True))
case("CA is none", ("chain", "pck_chain[1]"), both(put("ca", "ca", False), put("ca", "path", None)))
case("CA says nothing of it", ("chain", "pck_chain[1]"), put("ca", "ca", None))
case("CA may not sign certificates", ("chain", "pck_chain[1]"), put("ca", "usage", 0x02))
case("CA may not sign lists", ("chain", "pck_chain[1]"), put("ca", "usage", 0x04))
case("root allows no authority below", ("chain", "pck_chain[2]"), put("root", "path", 0))
case("leaf may not sign", ("chain", "pck_chain[0]"), put("leaf", "usage", 0x20))
case("leaf of another name", ("chain", "pck_chain[0]"), put("leaf", "subject", "Test SGX Certificate"))
case("signing certificate of another name", ("chain", "tcb_info_chain[0]"), put("signing", "subject", LEAF))
case("names that make no chain", ("chain", "pck_chain"), put("leaf", "issuer", "Nobody CA"))
case("leaf and root alone", ("chain", "pck_chain"), put("chains", lambda c: [c[0], c[2]]))
case("four certificates", ("malformed", "pck_chain"), put("chains", lambda c: [c[0]] + c))
case("a critical extension nobody knows", ("chain", "pck_chain[0]"), put("leaf", "more", [extension("1.2.3.4", b"\5\0", True)]))
case("not Intel's quoting enclave: signer", ("chain", "quote.qe_report"), put("qe", "mrsigner", b"\x8d" * 32))
case("not Intel's quoting enclave: product", ("chain", "quote.qe_report"), put("qe", "prodid", 3))
case("not Intel's quoting enclave: MISCSELECT", ("chain", "quote.qe_report"), put("qe", "misc", 1))
case("a quoting enclave in debug mode", ("chain", "quote.qe_report"), put("qe", "attributes", 0x13))
case("another signer's TDX module", ("chain", "tdx_module"), put("mrsignerseam", b"\0" * 47 + b"\1"))
case("a TDX module with attributes", ("chain", "tdx_module"), put("seamattributes", b"\1" + b"\0" * 7))
case("a TDX module with attributes that its identity lets pass", ("chain", "tdx_module"),
     both(put("seamattributes", b"\1" + b"\0" * 7), put("info", "tdxModuleIdentities", 0, "attributesMask", "00" * 8)))

# time: each of the dated objects, before and after
for who, item in (("leaf", "pck_chain[0]"), ("ca", "pck_chain[1]"), ("root", "pck_chain[2]"), ("signing", "tcb_info_chain[0]")):
    case(f"{who} is of tomorrow", ("not-yet-valid", item, 1), put(who, "from", 1))
    case(f"{who} is of yesterday", ("expired", item, -1), put(who, "to", -1))
for who, item in (("pck_crl", "pck_crl"), ("root_crl", "root_ca_crl")):
    case(f"{item} is of tomorrow", ("not-yet-valid", item, 1), put(who, "from", 1))
    case(f"{item} is of yesterday", ("collateral-stale", item, -1), put(who, "to", -1))
for who, item in (("info", "tcb_info"), ("identity", "qe_identity")):
    case(f"{item} is of tomorrow", ("not-yet-valid", item, 1), put(who, "issueDate", text_date(1)))
    case(f"{item} is of yesterday", ("collateral-stale", item, -1), put(who, "nextUpdate", text_date(-1)))

# revocation
case("leaf revoked", ("revoked", "pck_chain[0]", -3), put("pck_crl", "revoked", [99, 3]))
case("CA revoked", ("revoked", "pck_chain[1]", -30), put("root_crl", "revoked", [2]))
case("signing certificate revoked", ("revoked", "tcb_info_chain[0]", -30), put("root_crl", "revoked", [77, 4]))
case("lists waived, and one that is there counts", ("revoked", "pck_chain[0]", -3),
     both(put("waived", True), put("drop", ["root_ca_crl"]), put("pck_crl", "revoked", [3])))
case("a partial list", ("unsupported", "pck_crl"), put("pck_crl", "more", [extension("2.5.29.28", seq(), True)]))

# collateral that is not there, or another's
for role in ("tcb_info", "tcb_info_chain", "qe_identity", "qe_identity_chain", "pck_crl", "root_ca_crl"):
    case(f"no {role}", ("collateral-missing", role), put("drop", [role]))
case("no chain anywhere", ("collateral-missing", "pck_chain"), both(put("cert_type", 1), put("drop", ["pck_chain"])))
case("list of another CA", ("collateral-missing", "pck_crl"), put("pck_crl", "issuer", "Test SGX PCK Processor CA"))
case("TCB info of SGX for a TD", ("collateral-missing", "tcb_info"), lambda w: w.__setitem__("info", world(0, 3)["info"]))
case("TCB info of TDX for an enclave", ("collateral-missing", "tcb_info"), lambda w: w.__setitem__("info", world(10, 4)["info"]), 0, 3)
case("SGX's quoting enclave for a TD", ("collateral-missing", "qe_identity"), lambda w: w.__setitem__("identity", world(0, 3)["identity"]))
case("TCB info of another FMSPC", ("collateral-missing", "tcb_info"), put("info", "fmspc", "a0b0c0d0e0f1"))
case("TCB info of another PCEID", ("collateral-missing", "tcb_info"), put("info", "pceId", "0100"))

# levels that refuse
case("below every level", ("tcb", "tcb"), put("svn", [3, 5, 3, 3, 255, 1] + [0] * 10))
case("below every level in one component alone", ("tcb", "tcb"), put("svn", [255, 255, 255, 255, 254, 255] + [255] * 10))
case("below every level by PCESVN", ("tcb", "tcb"), put("pcesvn", 10))
case("below every level by a TDX component", ("tcb", "tcb"), put("tee_svn", [5, 1, 3]))
case("level revoked", ("tcb", "tcb"), put("info", "tcbLevels", 0, "tcbStatus", "Revoked"))
case("SGX level revoked above the TD's", ("tcb", "tcb"),
     both(put("info", "tcbLevels", 0, "tcbStatus", "Revoked"), put("tee_svn", [5, 1, 5])))
case("quoting enclave revoked", ("tcb", "tcb"), put("identity", "tcbLevels", 0, "tcbStatus", "Revoked"))
case("module revoked", ("tcb", "tcb"), put("info", "tdxModuleIdentities", 0, "tcbLevels", 0, "tcbStatus", "Revoked"))
case("quoting enclave below every level", ("tcb", "quote.qe_report"), put("qe", "svn", 5))
case("module below every level", ("tcb", "tdx_module"), put("tee_svn", [2, 1, 6]))
case("unknown module", ("tcb", "tdx_module"), put("tee_svn", [5, 2, 6]))

# what is reported and not judged
case("TD in debug mode", "UpToDate", put("tdattributes", 0x10000001))
case("TD under test", "UpToDate", put("tdattributes", 0x10000080))
case("enclave in debug mode", "UpToDate", put("sgx_flags", 0x07), 0, 3)

print(json.dumps({"blobs": dict(sorted(BLOBS.items())), "cases": CASES}, indent=0, separators=(",", ":")))
