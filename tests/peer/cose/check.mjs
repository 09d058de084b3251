// Checks our signed documents with COSE and CBOR libraries of others, from docs/protocol/ alone: every signature under the key
// that the page names, the key's thumbprint, deterministic encoding, and the hashes by which documents name each other.
//
//   check.mjs VECTORS-DIR TREE...     a tree is a recorded public folder (tests/vectors/audit/README.md)
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { decode, encode, rfc8949EncodeOptions } from "cborg";

// Its ES modules import names from a CommonJS package that Node 18 does not find there.
const { Algorithms, COSEKey, Sign1, errors } = createRequire(import.meta.url)("@auth0/cose");

const ES256 = { algorithms: [Algorithms.ES256] };
const sha256 = (...parts) => parts.reduce((h, part) => h.update(part), createHash("sha256")).digest();
const tagged = (what, ...parts) => sha256(`counterfoil/${what}/v1\0`, ...parts);
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const unhex = (text) => Buffer.from(text, "hex");
const same = (a, b, what) => assert.equal(hex(a), hex(b), what);
const u32 = (n) => unhex(n.toString(16).padStart(8, "0"));
const documentHash = (header, payload) => tagged("document", u32(header.length), header, u32(payload.length), payload);

// The one value in these bytes; they must be its deterministic encoding.
function read(bytes) {
  const value = decode(bytes, { useMaps: true, strict: true, rejectDuplicateMapKeys: true });
  same(encode(value, rfc8949EncodeOptions), bytes, "not deterministic");
  return value;
}

const coseKey = (xy) => new Map([[1, 2], [-1, 1], [-2, xy.subarray(0, 32)], [-3, xy.subarray(32)]]);
const thumbprint = (xy) => sha256(encode(coseKey(xy), rfc8949EncodeOptions));
const verify = async (message, xy, detachedPayload) =>
  Sign1.decode(message).verify(await COSEKey.import(coseKey(xy)).toKeyLike(), { ...ES256, detachedPayload });

// No copy with a bit of a part turned over may verify; step 1 tries every byte.
let refused = 0;
async function refuse(message, part, xy, step, error) {
  const start = Buffer.from(message).indexOf(part);
  for (let i = 0; i < part.length; i += step) {
    const copy = Uint8Array.from(message);
    copy[start + i] ^= 1;
    await assert.rejects(async () => verify(copy, xy), error, `byte ${start + i}`);
    refused++;
  }
}

// A reader of one domain's documents, in the log's order; what it learns from them are the keys and hashes for the next.
class Domain {
  counts = {};
  boots = new Map(); // by thumbprint of the identity
  epochs = new Map(); // by number

  async add(message) {
    const { encodedProtectedHeaders: protectedBytes, payload: payloadBytes, signature } = Sign1.decode(message);
    const header = read(protectedBytes);
    const payload = read(payloadBytes);
    const type = /^application\/(?:counterfoil-)?(.*?)(?:\+.*)?$/.exec(header.get(16))[1];
    if (type === "genesis") this.learnGenesis(payload[0]);
    const xy = this.key[type](payload, header);
    assert(xy, `a key of genesis for ${type}`);
    same(header.get(4), thumbprint(xy), "kid");
    await verify(message, xy);

    const step = type === "receipt" && !this.counts.receipt ? 1 : 37;
    await refuse(message, payloadBytes, xy, step, errors.COSESignatureVerificationFailed);
    await refuse(message, signature, xy, step, errors.COSESignatureVerificationFailed);
    await refuse(message, protectedBytes, xy, step); // by any error: it may cease to be a map, or to say ES256
    await refuse(message, header.get(4), xy, step, errors.COSESignatureVerificationFailed);
    const other = type === "genesis" ? this.gateways[0] : this.log;
    await assert.rejects(verify(message, other), errors.COSESignatureVerificationFailed, "another's key");

    const hash = documentHash(protectedBytes, payloadBytes);
    this.learn[type]?.(payload, hash);
    this.counts[type] = (this.counts[type] ?? 0) + 1;
    return hash;
  }

  learnGenesis(body) {
    const genesis = read(body);
    const policy = read(genesis.get(9));
    this.domain = sha256(body);
    this.policy = documentHash("", genesis.get(9));
    this.log = genesis.get(4).get(3);
    this.gateways = policy.get(23);
    const verifiers = genesis.get(5).find((council) => council.get(1) === 3);
    this.verifiers = verifiers.get(5).map((member) => member.get(3));
    this.tip = tagged("receipt-0", this.domain);
  }

  gateway = (_, header) => this.gateways.find((xy) => thumbprint(xy).equals(header.get(4)));
  verifier = (_, header) => this.verifiers.find((xy) => thumbprint(xy).equals(header.get(4)));
  key = {
    genesis: () => this.log,
    deployment: this.gateway,
    settlement: this.gateway,
    promise: this.gateway,
    eat: this.verifier,
    credential: this.verifier,
    boot: (boot) => boot.get(2),
    epoch: (epoch) => this.boots.get(hex(epoch.get(2))).get(2),
    receipt: (receipt) => this.epochs.get(receipt.get(3)).body.get(7),
  };

  learn = {
    boot: (boot) => {
      same(boot.get(1), this.domain, "domain");
      this.boots.set(hex(thumbprint(boot.get(2))), boot);
    },
    epoch: (epoch, hash) => {
      const keys = tagged("epoch-keys", Uint8Array.of(epoch.get(9)), epoch.get(6), epoch.get(7), epoch.get(8));
      same(keys, this.boots.get(hex(epoch.get(2))).get(3), "the boot entry's commitment to the keys");
      same(epoch.get(10), this.policy, "policy");
      this.epochs.set(epoch.get(4), { body: epoch, hash });
    },
    eat: (claims) => {
      same(claims.get(-75016), this.domain, "domain");
      same(claims.get(-75022), this.policy, "policy");
      assert([...this.epochs.values()].some(({ hash }) => hash.equals(claims.get(-75017))), "a certificate's hash");
    },
    receipt: (receipt, hash) => {
      same(receipt.get(1), this.domain, "domain");
      same(receipt.get(5), this.tip, "the receipt before");
      same(receipt.get(6), this.policy, "policy");
      this.tip = hash;
    },
  };
}

// Name and bytes of every file of a recorded folder.
function* files(tree) {
  for (let at = 0; at < tree.length; ) {
    const name = tree.toString("utf8", at + 2, (at += 2 + tree.readUInt16BE(at)));
    yield [name, tree.subarray(at + 4, (at += 4 + tree.readUInt32BE(at)))];
  }
}
function* bundle(bytes) {
  for (let at = 0; at < bytes.length; ) yield bytes.subarray(at + 2, (at += 2 + bytes.readUInt16BE(at)));
}

// An archive holds random bytes, too: tag 18, an array of four and a long first string tell a COSE_Sign1 (RFC 9052, 4.2) from those.
const isSign1 = (bytes) => bytes.subarray(0, 3).equals(unhex("d28458"));

async function checkTree(path) {
  const all = new Map(files(readFileSync(path)));
  const domain = new Domain();
  for (const [name, bytes] of all)
    if (name.startsWith("log/tile/entries/")) for (const entry of bundle(bytes)) await domain.add(entry);
  for (const [name, bytes] of all)
    if (name.startsWith("archive/") && isSign1(bytes)) await domain.add(bytes);
  for (const type of ["genesis", "deployment", "boot", "epoch", "eat", "receipt", "settlement", "credential"])
    assert(domain.counts[type] > 0, `no ${type} in ${path}`);
  return domain.counts;
}

// The vectors that a second writer made: their keys, their hashes.
async function checkVectors(path) {
  const vectors = JSON.parse(readFileSync(path));
  const domain = new Domain();
  for (const name of ["genesis", "deployment", "boot", "epoch", "ear", "receipt", "settlement", "promise"])
    same(await domain.add(unhex(vectors[name].message)), unhex(vectors[name].hash), name);
  same(domain.domain, unhex(vectors.domain));
  return domain.counts;
}

// A receipt of inclusion (RFC 9942) signs the root that its path leads to (RFC 9162, 2.1.3.2).  What steers the walk alone is not
// signed: size comes from the checkpoint with that root.
async function verifyInclusion(message, vector, xy, ofSize) {
  assert(isSign1(message) && read(message.subarray(1))[2] === null, "a COSE_Sign1 with its payload elsewhere");
  const { unprotectedHeaders, protectedHeaders } = Sign1.decode(message);
  const [size, index, hashes] = read(unprotectedHeaders.get(396).get(-1)[0]);
  assert.equal(size, ofSize, "size");
  let root = sha256("\0", vector.entry);
  let fn = index;
  let sn = size - 1;
  for (const hash of hashes) {
    if (fn & 1 || fn === sn) {
      root = sha256("\x01", hash, root);
      while (!(fn & 1) && fn !== 0) (fn >>= 1), (sn >>= 1);
    } else root = sha256("\x01", root, hash);
    (fn >>= 1), (sn >>= 1);
  }
  assert.equal(sn, 0, "the path's length");
  same(root, unhex(vector.root_of_300), "root");
  same(protectedHeaders.get(4), thumbprint(xy), "kid");
  await verify(message, xy, root);
  await assert.rejects(verify(message, xy, sha256(root)), errors.COSESignatureVerificationFailed, "another root");
}

async function checkInclusion(path) {
  const vector = JSON.parse(readFileSync(path));
  const message = unhex(vector.receipt);
  const xy = unhex(vector.public_key_xy);
  await verifyInclusion(message, vector, xy, 300);
  for (let i = 0; i < message.length; i++) {
    const copy = Buffer.from(message);
    copy[i] ^= 1 << i % 8;
    await assert.rejects(verifyInclusion(copy, vector, xy, 300), undefined, `receipt, byte ${i}`);
    refused++;
  }
}

const [vectors, ...trees] = process.argv.slice(2);
const text = (counts) => Object.entries(counts).map(([type, n]) => `${n} ${type}`).join(", ");
console.log(`documents.json: ${text(await checkVectors(`${vectors}/document/documents.json`))}`);
await checkInclusion(`${vectors}/translog/receipt.json`);
console.log("receipt.json: 1 receipt of inclusion");
for (const tree of trees) console.log(`${tree}: ${text(await checkTree(tree))}`);
console.log(`${refused} altered copies refused`);
