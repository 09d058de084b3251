// Drives a witness over HTTP as a log and as a stranger would, with a tree, proofs, notes and keys of its own.
//
//	witness.mjs vkey NAME             the vkey of a log that this file has the key of
//	witness.mjs drive CF DIR PORT     starts the witness again and again, and asks it
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";

const sha256 = (...parts) => parts.reduce((h, part) => h.update(part), createHash("sha256")).digest();
const b64 = (bytes) => Buffer.from(bytes).toString("base64");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// ---- keys and notes ----

const key = (seed) =>
  createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]), format: "der", type: "pkcs8" });
const raw = (privateKey) => createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
const keyId = (name, type, pub) => sha256(name, "\n", Buffer.from([type]), pub).subarray(0, 4);

class Log {
  constructor(name, seed) {
    this.name = name;
    this.key = key(seed);
    this.id = keyId(name, 1, raw(this.key));
    this.leaves = Array.from({ length: 64 }, (_, i) => sha256("\0", `${name} ${i}`));
    this.size = 0;
  }
  vkey = () => `${this.name}+${this.id.toString("hex")}+${b64(Buffer.concat([Buffer.from([1]), raw(this.key)]))}`;
  root(from = 0, to = this.leaves.length) {
    if (to === from) return sha256("");
    if (to - from === 1) return this.leaves[from];
    let k = 1;
    while (2 * k < to - from) k *= 2;
    return sha256("\x01", this.root(from, from + k), this.root(from + k, to));
  }
  // RFC 9162, 2.1.4.1
  proof(m, n, from = 0, whole = true) {
    if (m === n) return whole ? [] : [this.root(from, from + n)];
    let k = 1;
    while (2 * k < n) k *= 2;
    return m <= k
      ? [...this.proof(m, k, from, whole), this.root(from + k, from + n)]
      : [...this.proof(m - k, n - k, from + k, false), this.root(from, from + k)];
  }
  text = (size, root = this.root(0, size)) => `${this.name}\n${size}\n${b64(root)}\n`;
  line = (text, by = this.key) => `— ${this.name} ${b64(Buffer.concat([this.id, sign(null, Buffer.from(text), by)]))}\n`;
  note = (text) => `${text}\n${this.line(text)}`;
  body = (old, size) => body(old, old ? this.proof(old, size) : [], this.note(this.text(size)));
}
const body = (old, proof, note) => `old ${old}\n${proof.map((h) => (typeof h === "string" ? h : b64(h)) + "\n").join("")}\n${note}`;
const otherSeed = sha256("a seed for a test");

// ---- asking ----

let port;
const agent = new http.Agent({ keepAlive: true });
function ask(method, path, text) {
  return new Promise((done, fail) => {
    const req = http.request({ port, method, path, agent, headers: { "content-type": "text/plain; charset=utf-8" } }, (res) => {
      let got = "";
      res.setEncoding("utf8").on("data", (part) => (got += part));
      res.on("end", () => done({ code: res.statusCode, type: res.headers["content-type"], body: got })).on("error", fail);
    });
    req.on("error", fail).end(text);
  });
}
const add = (text) => ask("POST", "/add-checkpoint", text);

async function expect(what, code, text) {
  const got = await add(text);
  assert.equal(got.code, code, `${what}: ${got.code} ${got.body}`);
  return got;
}

// ---- the process ----

let child, cf, dir;
async function start() {
  child = spawn(cf, ["witness", dir, "--index", "1"], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((done) => child.once("exit", done));
  child.ended = ended;
  for (let i = 0; i < 400; i++) {
    const got = await ask("GET", "/", "").catch(() => null);
    if (got && got.code !== 503) return;
    assert.equal(child.exitCode, null, "the witness ended");
    await sleep(25);
  }
  assert.fail("the witness does not answer");
}
async function kill(signal) {
  child.kill(signal);
  await child.ended;
}

let log, other, witness;

// Lines by the witness, over this text, from about now.
function cosigned(got, text) {
  assert.equal(got.code, 200, got.body);
  const lines = got.body.split("\n");
  assert.equal(lines.pop(), "");
  assert(lines.length >= 1);
  for (const line of lines) {
    const [dash, name, base64] = line.split(" ");
    const bytes = Buffer.from(base64, "base64");
    assert(dash === "—" && name === witness.name && b64(bytes) === base64 && bytes.length === 76, line);
    assert(bytes.subarray(0, 4).equals(witness.id), "key id");
    const time = bytes.readBigUInt64BE(4);
    assert(Math.abs(Number(time) - Date.now() / 1000) < 600, "time");
    assert(verify(null, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), witness.key, bytes.subarray(12)), "signature");
  }
}
async function grow(l, size) {
  cosigned(await add(l.body(l.size, size)), l.text(size));
  l.size = size;
}
const monitoring = (l) => `/${sha256(l.name).toString("hex")}/checkpoint`;

// ---- the table ----

// Rows come in the table's order, and each request breaks the rows below it, too, where it can.
async function table() {
  const note = log.note(log.text(6));
  const wrong = [sha256("wrong")];
  const many = (n) => Array.from({ length: n }, (_, i) => sha256(`${i}`));
  const stranger = new Log("example.com/stranger", sha256("stranger"));
  const text = log.text(6, sha256("another tree"));

  const unformed = {
    "nothing": "",
    "no old size": `\n${note}`,
    "old size with a sign": body("-1", [], note),
    "old size with a zero": body("05", [], note),
    "old size over 64 bits": body("18446744073709551616", [], note),
    "old size of a thousand digits": body("9".repeat(1000), [], note),
    "a proof of 64 lines": body(5, many(64), note),
    "a proof line cut short": body(5, [b64(sha256("a")).slice(0, -4)], note),
    "a proof line that is no base64": body(5, ["!".repeat(44)], note),
    "a proof line of other last bits": body(5, [b64(sha256("a")).slice(0, -2) + "B="], note),
    "no empty line": `old 5\n${note}`,
    "no note": "old 5\n\n",
    "no signature line": body(5, [], log.text(6)),
    "CRLF": body(5, [], note).replaceAll("\n", "\r\n"),
    "a control character": body(5, [], note.replace("\n6\n", "\n6\t\n")),
    "bytes that are no UTF-8": Buffer.from(body(5, [], note).replace("tee", "\u00ff"), "latin1"),
    "a size with a zero in front": body(5, [], log.note(log.text("06", log.root(0, 6)))),
    "a size over 63 bits": body(5, [], log.note(log.text("9223372036854775808", log.root(0, 6)))),
    "a huge size": body(5, [], log.note(log.text("1" + "0".repeat(300), log.root(0, 6)))),
    "a root that is no hash": body(5, [], log.note(`${log.name}\n6\nabc\n`)),
    "no root": body(5, [], log.note(`${log.name}\n6\n`)),
    "64 KiB and more": body(5, [], log.note(log.text(6) + "x".repeat(65536) + "\n")),
    "a last line that does not end": body(5, [], note).slice(0, -1),
  };
  for (const [what, bad] of Object.entries(unformed)) await expect(what, 400, bad);

  await expect("an unknown origin", 404, body(9, wrong, stranger.note(stranger.text(6))));
  await expect("no signature by the log", 403, body(9, wrong, `${text}\n${stranger.line(text)}`));
  await expect("a signature that fails", 403, body(9, wrong, `${text}\n${log.line(log.text(7))}`));
  await expect("by another key under this name and id", 403, body(9, wrong, `${text}\n${log.line(text, stranger.key)}`));
  await expect("one that holds beside one that fails", 403, body(9, wrong, `${log.note(text)}${log.line(log.text(7))}`));
  await expect("an old size over the checkpoint's", 400, body(7, wrong, log.note(text)));

  const conflict = async (old) => {
    const got = await expect("another old size", 409, body(old, wrong, log.note(text)));
    assert.equal(got.body, `${log.size}\n`);
    assert.equal(got.type, "text/x.tlog.size");
  };
  assert.equal((await ask("GET", monitoring(log), "")).code, 404, "never cosigned");
  await conflict(3);
  await expect("a proof with old 0", 422, body(0, wrong, log.note(log.text(6))));
  await expect("size 0 and a root", 422, body(0, [], log.note(log.text(0, sha256("a")))));
  await expect("a size of 0", 200, log.body(0, 0));
  await grow(log, 3);
  await conflict(0);
  await conflict(4);
  await expect("a proof that is wrong", 422, body(3, log.proof(3, 6).with?.(0, wrong[0]) ?? [wrong[0], ...log.proof(3, 6).slice(1)], note));
  await expect("a proof cut short", 422, body(3, log.proof(3, 6).slice(1), note));
  await expect("a proof with more", 422, body(3, [...log.proof(3, 6), ...wrong], note));
  await expect("no proof", 422, body(3, [], note));
  await expect("another tree", 422, body(3, log.proof(3, 6), log.note(text)));
  await expect("one size, two roots", 422, body(3, [], log.note(log.text(3, sha256("a")))));
  await expect("one size and a proof", 422, body(3, wrong, log.note(log.text(3))));
  await grow(log, 3); // the same again is signed again
  for (const size of [4, 7, 8, 15, 33]) await grow(log, size);
  await grow(log, 34).then(() => expect("a line by somebody else is no matter", 200, log.body(34, 35) + stranger.line(log.text(35))));
  log.size = 35;
  cosigned(await add(body(35, log.proof(35, 36), log.note(log.text(36) + "an extension\n"))), log.text(36) + "an extension\n");
  log.size = 36;
}

async function severalLogs() {
  assert.equal((await ask("GET", monitoring(other), "")).code, 404);
  await expect("this log's size is not that one's", 409, other.body(36, 37));
  for (const size of [1, 2, 5]) {
    await grow(other, size);
    await grow(log, log.size + 1);
  }
  await expect("one's key for the other's head", 403, body(5, [], `${other.text(5)}\n${log.line(other.text(5))}`));
  for (const l of [log, other]) {
    const got = await ask("GET", monitoring(l), "");
    assert.equal(got.code, 200);
    assert.equal(got.type, "text/plain; charset=utf-8");
    const [text, lines] = [l.text(l.size), got.body.slice(l.text(l.size).length + 1)];
    assert(got.body.startsWith(`${text}\n${l.line(text)}`), "the log's line");
    cosigned({ code: 200, body: lines.slice(l.line(text).length) }, text);
  }
  for (const path of ["/", "/checkpoint", `/${"0".repeat(64)}/checkpoint`, monitoring(log).toUpperCase(), monitoring(log) + "/", "/add-checkpoint"])
    assert.equal((await ask("GET", path, "")).code, 404, path);
  assert.equal((await ask("POST", monitoring(log), "")).code, 404);
}

// Bodies that are too long are refused by their head or on the way; those that come slowly keep nobody else waiting.
async function unbounded() {
  const talk = (head) =>
    new Promise((done, fail) => {
      const socket = net.connect(port, "127.0.0.1", () => socket.write(head));
      let got = "";
      socket.on("data", (part) => (got += part)).on("error", () => done(got)).on("close", () => done(got));
      socket.setTimeout(8000, () => fail(new Error(`no answer to ${head.slice(0, 60)}`)));
      const more = setInterval(() => socket.writable && head.includes("chunked") && socket.write(`1000\r\n${"x".repeat(4096)}\r\n`), 1);
      socket.on("close", () => clearInterval(more));
    });
  const post = "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n";
  assert.match(await talk(`${post}Content-Length: 10000000000\r\n\r\n`), /^HTTP\/1.1 413 /);
  assert.match(await talk(`${post}Content-Length: ${"9".repeat(30)}\r\n\r\n`), /^HTTP\/1.1 (400|413) /);
  assert.match(await talk(`${post}Transfer-Encoding: chunked\r\n\r\n`), /^HTTP\/1.1 (400|411|413|501) /);
  const slow = Array.from({ length: 40 }, () => net.connect(port, "127.0.0.1"));
  for (const socket of slow) socket.on("error", () => {}).write(`${post}Content-Length: 4000\r\n\r\nold 1`);
  for (let i = 0; i < 5; i++) {
    for (const socket of slow) socket.write("0");
    await grow(other, other.size + 1);
  }
  for (const socket of slow) socket.destroy();
}

// Killed once it answered, or while it may be about to: what it said stands, and it never goes back.
async function killed() {
  for (let i = 0; i < 8; i++) {
    const size = other.size + 1;
    const answer = add(other.body(other.size, size)).catch(() => null);
    if (i % 2) await sleep(i / 4);
    else cosigned(await answer, other.text(size));
    await kill("SIGKILL");
    const said = (await answer)?.code === 200;
    await start();
    const fork = await add(body(other.size, [], other.note(other.text(other.size, sha256("fork")))));
    const at = fork.code === 409 ? Number(fork.body) : other.size;
    assert([409, 422].includes(fork.code) && (at === size || (!said && at === other.size)), `${fork.code} ${fork.body} after ${said}`);
    other.size = at;
  }
  await expect("one log's life is not the other's", 409, log.body(1, 2));
  await grow(log, log.size + 1);
}

const [what, ...args] = process.argv.slice(2);
if (what === "vkey") {
  console.log(new Log(args[0], otherSeed).vkey());
} else {
  [cf, dir, port] = args;
  const seed = (name) => Buffer.from(readFileSync(`${dir}/keys/${name}.key`, "utf8").slice(0, 64), "hex");
  log = new Log(readFileSync(`${dir}/public/log.vkey`, "utf8").split("+")[0], seed("log"));
  other = new Log("example.com/other", otherSeed);
  witness = { name: "witness-1", key: createPublicKey(key(seed("witness-1"))) };
  witness.id = keyId(witness.name, 4, raw(key(seed("witness-1"))));
  try {
    await start();
    await table();
    await severalLogs();
    await unbounded();
    await killed();
    await kill("SIGTERM");
    assert.equal(child.exitCode, 0, "after SIGTERM");
  } finally {
    child?.kill("SIGKILL");
    agent.destroy();
  }
}
