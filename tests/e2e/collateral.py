"""Plays the makers' services over TLS for collateral.sh, in the folder where it is started: writes the files of two cases of the vectors,
a certificate for 127.0.0.1 that is its own root (ca.pem), and, when it serves, its port; each request is a line of the file asked.

A path begins with how it is answered: /good, /down (500), /slow (never)."""

import base64
import http.server
import json
import os
import signal
import ssl
import sys
import time
import urllib.parse

vectors = sys.argv[1]
sys.path.insert(0, vectors)
import pki  # noqa: E402

MARKER, LINES = "-----%s %s-----\n", 64


def pem(label, *ders):
    out = ""
    for der in ders:
        text = base64.b64encode(der).decode()
        out += MARKER % ("BEGIN", label) + "".join(text[i:i + LINES] + "\n" for i in range(0, len(text), LINES)) + MARKER % ("END", label)
    return out


def write(name, data):
    with open(name + ".part", "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    os.rename(name + ".part", name)


def certificate():
    """A key and a certificate, both thrown away with the folder."""
    key, now = pki.P384("tls"), int(time.time())
    san = pki.extension("2.5.29.17", pki.seq(pki.tlv(0x87, bytes([127, 0, 0, 1]))))
    cert = pki.cert(key, "makers", key, "makers", [pki.basic(True), san], start=now - pki.DAY, end=now + pki.DAY)
    write("ca.pem", pem("CERTIFICATE", cert))
    point = b"\x04" + b"".join(v.to_bytes(48, "big") for v in key.q)
    write("tls.pem", pem("CERTIFICATE", cert) + pem("EC PRIVATE" + " KEY", pki.seq(
        pki.integer(1), pki.tlv(4, key.d.to_bytes(48, "big")), pki.tlv(0xA0, pki.oid("1.3.132.0.34")), pki.tlv(0xA1, pki.bits(point)))))


def tdx():
    with open(os.path.join(vectors, "quotes.json")) as f:
        book = json.load(f)

    def blob(ref):
        return b"".join(bytes.fromhex(p[1:]) if p[0] == "x" else p[1:].encode() if p[0] == "t" else blob(p) for p in book["blobs"][ref])

    case = next(c for c in book["cases"] if c["name"] == "TDX 1.0, version 4")
    items = {role: blob(ref) for role, ref in case["items"].items()}
    write("quote.bin", items["quote"])
    write("root.der", blob(case["root"]))
    write("tcb_info.json", items["tcb_info"])
    write("at", str(case["at"]))
    chain = items["quote"][items["quote"].index(b"-----BEGIN"):].split(b"\0")[0]
    issuers = chain[chain.index(b"-----BEGIN", 1):]
    signers = urllib.parse.quote(items["tcb_info_chain"])
    return {
        "/tdx/certification/v4/tcb?fmspc=a0b0c0d0e0f0": (items["tcb_info"], {"TCB-Info-Issuer-Chain": signers}),
        "/tdx/certification/v4/qe/identity": (items["qe_identity"], {"SGX-Enclave-Identity-Issuer-Chain": signers}),
        "/sgx/certification/v4/pckcrl?ca=platform&encoding=der": (items["pck_crl"], {"SGX-PCK-CRL-Issuer-Chain": urllib.parse.quote(issuers)}),
        "/sgx/certification/v4/rootcacrl": (items["root_ca_crl"].hex().encode(), {}),
    }


def snp():
    with open(os.path.join(vectors, "snp.json")) as f:
        book = json.load(f)
    case = book["cases"][0]
    items = {role: bytes.fromhex(book["blobs"][ref]) for role, ref in case["items"].items()}
    write("report.bin", items["report"])
    write("ark.der", items["ark"])
    write("snp-at", str(case["at"]))
    return {"/vcek/v1/Milan/cert_chain": (pem("CERTIFICATE", items["ask"], items["ark"]).encode(), {}), "/vcek/v1/Milan/": (items["vek"], {})}


pages = {**tdx(), **snp()}


class Makers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        how, path = self.path[1:].split("/", 1)
        with open("asked", "a") as f:
            f.write(self.path + "\n")
        if how == "slow":
            time.sleep(3600)
        page = pages.get("/" + path) or next((p for at, p in pages.items() if at.endswith("/") and ("/" + path).startswith(at) and "SPL=" in path), None)
        body, fields = page if page and how == "good" else (b"", {})
        self.send_response(500 if how == "down" else 200 if page else 404)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


signal.signal(signal.SIGINT, signal.SIG_DFL)  # which a shell makes its background programs ignore
certificate()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Makers)
server.daemon_threads = True
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("tls.pem")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
write("port", str(server.server_port))
server.serve_forever()
