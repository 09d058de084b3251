#!/usr/bin/env python3
"""Prints tpm.json: quotes and event logs of throw-away TPMs, for each verdict that they can get.  From TCG's formats alone (TPM 2.0 Library,
part 2; PC Client Platform Firmware Profile)."""

import base64
import pathlib
import struct
import sys

sys.dont_write_bytecode = True
from pki import *  # noqa: E402, F403

rsa = Rsa(int(
    "d91aaa3d8af01829138eb65f780ba05da356004a6249b90142e27e480a10eaf18498f2a32d113de8be79fe0dd7994b79bcfdb2bc08c3f684e655b414"
    "fcc2e5851ff8fa6a5fc176c1330cd6ab6b3067426bfb937a436dad98b426ee35f95cf319931e1a7f555a275873bcda20c3836294964849d1af662c4c"
    "3d208efc52d05973", 16), int(
    "fe90c8df0ed52f8d09503416854677adb0c914dc2e9ed7104c8dc252d4e98a9ae15bfe975551137eed576555cd6a984867a3bdc7e03d551a9a1fd7f8"
    "16d24258cf82323dac65e1eecad60f88682bede83304bda01dead5151b9be8561283c63442d5103f7caa1be893450dd8d538b86aedee088cb73ae648"
    "78b6848afa4e3bad", 16))

ALGS = {"sha1": 0x0004, "sha256": 0x000B, "sha384": 0x000C}
HASH_OIDS = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1"}
AK = 0x50072  # fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign


def b2(data):
    return struct.pack(">H", len(data)) + data


def attest(values, nonce=b"nonce", magic=0xFF544347, kind=0x8018, hash_name="sha256", digest=None, after=b""):
    """values: {bank: {index: bytes}}, all of which are selected."""
    selection, data = b"", b""
    for bank, regs in values.items():
        mask = sum(1 << i for i in regs)
        selection += struct.pack(">HB", ALGS[bank], 3) + mask.to_bytes(3, "little")
        data += b"".join(regs[i] for i in sorted(regs))
    digest = hashlib.new(hash_name, data).digest() if digest is None else digest
    return (struct.pack(">IH", magic, kind) + b2(b"") + b2(nonce) + struct.pack(">QIIBQ", 1000, 3, 1, 1, 0x20250101)
            + struct.pack(">I", len(values)) + selection + b2(digest) + after)


def rs(key, message, hash_name):
    z = int.from_bytes(hashlib.new(hash_name, message).digest(), "big")
    k = int.from_bytes(draw(f"nonce {key.d} {z}", 56), "big") % N
    r = times(k, G)[0] % N
    return r, pow(k, -1, N) * (z + r * key.d) % N


def ecdsa(key, message, hash_name="sha384"):
    r, s = rs(key, message, hash_name)
    return struct.pack(">HH", 0x0018, ALGS[hash_name]) + b2(r.to_bytes(48, "big")) + b2(s.to_bytes(48, "big"))


def pkcs1(key, message, hash_name="sha256"):
    info = seq(seq(oid(HASH_OIDS[hash_name]), tlv(5)), tlv(4, hashlib.new(hash_name, message).digest()))
    return key.power(int.from_bytes(b"\0\1" + b"\xff" * (key.sz - 3 - len(info)) + b"\0" + info, "big")).to_bytes(key.sz, "big")


def rsassa(key, message, hash_name="sha256"):
    return struct.pack(">HH", 0x0014, ALGS[hash_name]) + b2(pkcs1(key, message, hash_name))


def public(key, attributes=AK):
    if isinstance(key, Rsa):
        return (struct.pack(">HHI", 1, 0x000B, attributes) + b2(b"") + struct.pack(">HHHI", 0x10, 0x10, key.sz * 8, 0)
                + b2(key.n.to_bytes(key.sz, "big")))
    return (struct.pack(">HHI", 0x23, 0x000B, attributes) + b2(b"") + struct.pack(">HHHH", 0x10, 0x10, 4, 0x10)
            + b2(key.q[0].to_bytes(48, "big")) + b2(key.q[1].to_bytes(48, "big")))


def pem(label, der):
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()


def b64url(v):
    return base64.urlsafe_b64encode(v).decode().rstrip("=")


def jwk(key):
    return {"kty": "RSA", "e": "AQAB", "n": b64url(key.n.to_bytes(key.sz, "big"))}


def hcl(key, flip=False):
    """Azure's blob around an SNP report that nobody signed: only its data counts here."""
    runtime = json.dumps({"keys": [{"kid": "HCLAkPub", **jwk(key)}]}).encode()
    report = bytearray(1184)
    report[0x50:0x70] = hashlib.sha256(runtime).digest()
    if flip:
        report[0x50] ^= 1
    return (b"HCLA" + bytes(28) + bytes(report) + struct.pack("<IIIII", len(runtime) + 20, 1, 2, 1, len(runtime)) + runtime)


def tpm():
    book = Book()
    folder = pathlib.Path(__file__).parent
    log = (folder / "agile.bin").read_bytes()
    old = (folder / "sha1.bin").read_bytes()
    logs = json.loads((folder / "measure.json").read_text())["event_logs"]
    regs = {b: {int(i): bytes.fromhex(v) for i, v in logs["agile.bin"][b].items()} for b in ALGS}
    old_regs = {int(i): bytes.fromhex(v) for i, v in logs["sha1.bin"]["sha1"].items()}
    ecc, stranger, root_key = P384("tpm ak"), P384("tpm stranger"), P384("tpm root")
    values = {"sha256": regs["sha256"]}

    def pcrs(v):
        return json.dumps({b: {str(i): x.hex() for i, x in r.items()} for b, r in v.items()}).encode()

    def case(what, verdict, item, quote=None, sign=None, key=None, v=values, **rest):
        """Without anything else: a quote by the ECC key, whose public area is known, and the values."""
        quote = attest(v, hash_name="sha384") if quote is None else quote
        items = {"attest": quote, "signature": ecdsa(ecc, quote) if sign is None else sign, "pcrs": pcrs(v)}
        items.update(key if key is not None else {"ak_public": public(ecc)})
        extra = {k: rest.pop(k) for k in list(rest) if k in ("pcrs", "event_log", "signature")}
        items.update(extra)
        bank, roots = rest.pop("bank", None), rest.pop("roots", [])
        book.case(what, verdict, item, items, roots, **rest)
        if bank:
            book.cases[-1]["bank"] = ALGS[bank]

    by_rsa = attest(values)

    def rsa_case(what, verdict, item, key, sign=None, quote=by_rsa, **rest):
        case(what, verdict, item, quote, rsassa(rsa, quote) if sign is None else sign, key, **rest)

    # every form of a key
    spki_pem, key_jwk = pem("PUBLIC KEY", rsa.spki()), json.dumps(jwk(rsa)).encode()
    case("a P-384 key by its public area", "ok", "")
    case("with its length in front", "ok", "", key={"ak_public": b2(public(ecc))})
    rsa_case("an RSA key by its public area", "ok", "", {"ak_public": public(rsa)})
    rsa_case("PEM", "ok", "", {"ak_pem": spki_pem})
    rsa_case("JWK, and a bare signature", "ok", "", {"ak_jwk": key_jwk}, pkcs1(rsa, by_rsa))
    rsa_case("an HCL report", "ok", "", {"hcl_report": hcl(rsa)})
    rsa_case("four forms of one key", "ok", "", {"ak_public": public(rsa), "ak_pem": spki_pem, "ak_jwk": key_jwk, "hcl_report": hcl(rsa)})
    root = cert(root_key, "root", root_key, "root", [CERT_AND_CRL_SIGN, basic(True)])
    leaf = cert(ecc, "ak", root_key, "root", [SIGN, basic(False)], end=T + DAY)
    chain = pem("CERTIFICATE", leaf) + pem("CERTIFICATE", root)
    case("a chain in PEM", "ok", "", key={"ak_chain": chain}, roots=[root])
    case("a chain in DER, and the public area", "ok", "", key={"ak_chain": leaf, "ak_public": public(ecc)}, roots=[root])
    case("the chain's last second", "ok", "", key={"ak_chain": leaf}, roots=[root], at=T + DAY)
    case("a chain that ended", "expired", "chain[0]", key={"ak_chain": leaf}, roots=[root], at=T + DAY + 1)
    case("a chain to a root that nobody named", "chain", "chain[1]", key={"ak_chain": chain},
         roots=[cert(stranger, "stranger", stranger, "stranger", [CERT_AND_CRL_SIGN, basic(True)])])
    case("a chain without a root", "chain", "chain[0]", key={"ak_chain": leaf})
    case("a chain that is none", "malformed", "ak_chain", key={"ak_chain": b"-----BEGIN"}, roots=[root])
    case("no key", "collateral-missing", "ak_public", key={})
    rsa_case("PEM of another key", "chain", "ak_pem", {"ak_public": public(ecc), "ak_pem": spki_pem})
    rsa_case("JWK of another key", "chain", "ak_jwk", {"ak_public": public(ecc), "ak_jwk": key_jwk})
    rsa_case("an HCL report of another key", "chain", "hcl_report", {"ak_public": public(ecc), "hcl_report": hcl(rsa)})
    case("a chain of another key", "chain", "chain[0]", key={"ak_public": public(stranger), "ak_chain": leaf}, roots=[root])
    rsa_case("an HCL report over other data", "binding", "hcl", {"hcl_report": hcl(rsa, True)})
    rsa_case("an HCL report cut short", "malformed", "hcl", {"hcl_report": hcl(rsa)[:-1]})
    rsa_case("PEM of something else", "malformed", "ak_pem", {"ak_pem": pem("CERTIFICATE", root)})
    rsa_case("a JWK of another kind", "malformed", "ak_jwk", {"ak_jwk": b'{"kty":"EC"}'})
    case("a public area cut short", "malformed", "tpm.public", key={"ak_public": public(ecc)[:-1]})
    for bit, name_ in ((1, "fixedTPM"), (4, "fixedParent"), (5, "sensitiveDataOrigin"), (16, "restricted"), (18, "sign"), (17, "decrypt")):
        case(f"{name_} is the other way", "signature", "tpm.ak", key={"ak_public": public(ecc, AK ^ 1 << bit)})

    # the quote
    good = attest(values, hash_name="sha384")
    for what, verdict, q in (("another magic", "malformed", attest(values, magic=0xFF544348)), ("a certification", "unsupported", attest(values, kind=0x8017)),
                             ("a byte behind it", "malformed", attest(values, after=b"\0")), ("cut short", "malformed", good[:-1])):
        case(what, verdict, "tpm.attest", q)
    case("no signature", "collateral-missing", "signature", signature=None)
    case("by another key", "signature", "tpm.signature", sign=ecdsa(stranger, good))
    case("a bit of the quote", "signature", "tpm.signature", good[:-1] + bytes([good[-1] ^ 1]), ecdsa(ecc, good))
    rsa_case("a bare signature by a bit", "signature", "tpm.signature", {"ak_pem": spki_pem}, xor(pkcs1(rsa, by_rsa), bytes(255) + b"\1"))
    case("an RSA scheme for this key", "unsupported", "tpm.signature", sign=rsassa(rsa, good))
    case("a signature that is none", "malformed", "tpm.signature", sign=ecdsa(ecc, good)[:-1])
    case("its nonce", "ok", "", nonce=b"nonce")
    case("a nonce that it begins with", "binding", "tpm.extraData", nonce=b"nonc")
    case("a nonce that begins with it", "binding", "tpm.extraData", nonce=b"nonce1")
    by_sha1 = attest({"sha1": regs["sha1"]}, hash_name="sha1")
    rsa_case("SHA-1, unasked", "unsupported", "tpm.signature", {"ak_pem": spki_pem}, rsassa(rsa, by_sha1, "sha1"), by_sha1, v={"sha1": regs["sha1"]})
    rsa_case("SHA-1, asked for", "ok", "", {"ak_pem": spki_pem}, rsassa(rsa, by_sha1, "sha1"), by_sha1, v={"sha1": regs["sha1"]}, bank="sha1")

    # the values
    two = {b: regs[b] for b in ("sha1", "sha384")}
    case("two banks", "ok", "", v=two)
    for what, text in (("no object", b"[]"), ("no bank", b"{}"), ("an unknown bank", b'{"md5":{}}'), ("register 24", b'{"sha256":{"24":"' + b"00" * 32 + b'"}}'),
                       ("register 00", b'{"sha256":{"00":"' + b"00" * 32 + b'"}}'), ("a value of 31 bytes", b'{"sha256":{"0":"' + b"00" * 31 + b'"}}'),
                       ("a bank that is no object", b'{"sha256":[]}')):
        case(f"values: {what}", "malformed", "pcrs", pcrs=text)
    case("values: one twice", "malformed", "json", pcrs=b'{"sha256":{"0":"' + b"00" * 32 + b'","0":"' + b"00" * 32 + b'"}}')
    case("a value altered", "pcr", "tpm.pcrs", pcrs=pcrs({"sha256": {**regs["sha256"], 7: bytes(32)}}))
    case("a value that is not quoted", "pcr", "tpm.pcrs", pcrs=pcrs({"sha256": {**regs["sha256"], 9: bytes(32)}}))
    case("a value that is missing", "pcr", "tpm.pcrs", pcrs=pcrs({"sha256": {i: v for i, v in regs["sha256"].items() if i != 7}}))
    case("values of another bank", "pcr", "tpm.pcrs", pcrs=pcrs({"sha384": regs["sha384"]}))
    case("no values", "ok", "", pcrs=None)

    # the log
    case("a log", "ok", "", event_log=log)
    case("a log, into the bank asked for", "ok", "", v=two, event_log=log, bank="sha384")
    case("a log, into a bank that is not there", "collateral-missing", "pcrs", event_log=log, bank="sha1")
    case("a log without values", "collateral-missing", "pcrs", pcrs=None, event_log=log)
    at = log.rindex(hashlib.sha256(b"late").digest())
    other = log[:at] + bytes([log[at] ^ 1]) + log[at + 1 :]
    case("a log of another boot", "event-log", "event_log", event_log=other)
    case("a log of no such bank", "unsupported", "event-log", event_log=old)
    case("a log cut short", "malformed", "event-log", event_log=log[:-70])

    # a log alone
    def alone(what, verdict, item, v, log_bytes, **rest):
        bank = rest.pop("bank", None)
        book.case(what, verdict, item, {"pcrs": v, "event_log": log_bytes}, [], **rest)
        if bank:
            book.cases[-1]["bank"] = ALGS[bank]

    alone("alone, three banks", "ok", "", pcrs(regs), log)
    alone("alone, the old format", "ok", "", pcrs({"sha1": old_regs}), old)
    alone("alone, one bank differs", "event-log", "event_log", pcrs(regs), other)
    alone("alone, the bank asked for does not", "ok", "", pcrs(regs), other, bank="sha384")
    alone("alone, no log", "collateral-missing", "event_log", pcrs(regs), None)
    alone("alone, no values that are", "malformed", "pcrs", b"{}", log)
    book.print()


tpm()
