// What strangers and bad parties send, byte by byte, to a running domain; compared with the answers that docs/hostile.md promises.
//   hostile.mjs TABLE http GATEWAY LEDGER PID
//   hostile.mjs TABLE envelopes GATEWAY BUNDLE.json WALLET BAD
// Prints "driven NAME" for each row, and what differs.  Exit status 1 when something does.  Of envelopes, those that are refused
// are left in the folder BAD, and "sealed NAME ID WALLET" says whose result WALLET can open.
import { createCipheriv, createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, randomBytes } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'

const [tableFile, part, ...args] = process.argv.slice(2)
const table = new Map()
for (const line of readFileSync(tableFile, 'utf8').split('\n')) {
  const cells = line.split(' | ')
  const name = /^\| `([a-z0-9-]+)`$/.exec(cells[0])
  if (name && cells.length === 5) table.set(name[1], /`(.*)`/.exec(cells[3])?.[1])
}
let failed = 0
function row(name, answer) {
  const want = table.get(name)
  console.log(`driven ${name}`)
  if (answer === want) return
  failed++
  console.log(`  is     ${answer}\n  table  ${want}`)
}
const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const sha256 = (...bytes) => createHash('sha256').update(Buffer.concat(bytes)).digest()

// ---- HTTP, as bytes ----

// Sends, and collects what comes until the peer ends it, or for ms.  Pieces are sent `gap` ms apart.
function talk(port, pieces, { ms = 3000, gap = 0, read = true } = {}) {
  return new Promise((done) => {
    const s = net.connect({ port, host: '127.0.0.1' })
    const from = Date.now()
    let got = Buffer.alloc(0)
    const end = () => {
      clearTimeout(timer)
      s.destroy()
      done({ text: got.toString('latin1'), ms: Date.now() - from })
    }
    const timer = setTimeout(end, ms)
    if (read) s.on('data', (d) => (got = Buffer.concat([got, d])))
    else s.pause()
    s.on('error', () => end())
    s.on('close', end)
    s.on('connect', async () => {
      for (const p of [pieces].flat()) {
        if (s.destroyed) return
        s.write(p)
        if (gap) await sleep(gap)
      }
    })
  })
}

// "400 malformed: a folded field", of the first answer; and how many answers there were.
function said(text) {
  const [head, ...rest] = text.split('\r\n\r\n')
  const code = /^HTTP\/1\.1 (\d+)/.exec(head)?.[1]
  if (!code) return text ? `not HTTP: ${text.slice(0, 40)}` : 'closed without an answer'
  if (code === '200') return '200'
  const body = JSON.parse(rest.join('\r\n\r\n').split('\n')[0].replace(/}HTTP.*/, '}'))
  if (body.status !== Number(code) || body.type !== `urn:counterfoil:${body.title}`) return `not a problem: ${JSON.stringify(body)}`
  if (!/application\/problem\+json/.test(head)) return `a problem without its type: ${head}`
  return `${code} ${body.title}: ${body.detail}`
}
const answers = (text) => text.match(/HTTP\/1\.1 \d{3} /g)?.length ?? 0
const get = (path = '/v1/status', more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
const post = (more, body = '') => `POST /v1/envelopes HTTP/1.1\r\nHost: x\r\n${more}\r\n${body}`
const smuggled = get('/v1/domain', 'Connection: close\r\n')

// Refused by their framing: nobody knows where the next would begin.
const torn = {
  'two-lengths': post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
  'differing-lengths': post('Content-Length: 5\r\nContent-Length: 0\r\n', 'hello'),
  'length-list': post('Content-Length: 5, 5\r\n', 'hello'),
  'signed-length': post('Content-Length: +5\r\n', 'hello'),
  'length-and-coding': post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  'chunked': post('Transfer-Encoding: chunked\r\n', '5;ext="\n"\r\nhello\r\n0\r\n\r\n'),
  'coding-twice': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n'),
  'coding-unknown': post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
  'coding-in-1-0': 'POST /v1/envelopes HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'folded-field': get('/v1/status', 'X: a\r\n b\r\n'),
  'bare-lf': 'GET /v1/status HTTP/1.1\nHost: x\n\n',
  'bare-cr': get('/v1/status', 'X: a\rContent-Length: 5\r\n'),
  'space-before-colon': post('Content-Length : 5\r\n', 'hello'),
  'nul-in-field': get('/v1/status', 'X: a\0b\r\n'),
  'no-name': get('/v1/status', ': v\r\n'),
  'no-host': 'GET /v1/status HTTP/1.1\r\n\r\n',
  'two-hosts': get('/v1/status', 'Host: y\r\n'),
  'absolute-uri': get('http://evil/v1/status'),
  'dot-segments': get('/log/../../keys/log.key'),
  'encoded-dots': get('/log/%2e%2e/%2e%2e/keys/log.key'),
  'double-slash': get('//v1/status'),
  'body-on-get': get('/v1/status', 'Content-Length: 5\r\n') + 'hello',
  'method': 'PUT /v1/status HTTP/1.1\r\nHost: x\r\n\r\n',
  'http2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'tls-hello': Buffer.from('160301020001', 'hex').toString('latin1') + '\r\n\r\n',
  'fields-101': get('/v1/status', 'X: y\r\n'.repeat(101)),
  'fields-17k': get('/v1/status', `X: ${'y'.repeat(17000)}\r\n`),
  'line-9k': get(`/v1/${'y'.repeat(9000)}`),
  'expectation': get('/v1/status', 'Expect: miracles\r\n'),
  'no-length': post(''),
  'body-100mb': post('Content-Length: 104857600\r\n', 'x'.repeat(1 << 20)),
}
// Whole requests that ask for what there is not.
const whole = {
  'write-to-file': 'POST /log/checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
  'no-such-path': get('/v1/nothing'),
  'no-such-file': get('/archive/00'),
  'bad-id': get('/v1/receipts/xyz'),
  'unknown-id': get(`/v1/results/${'0'.repeat(64)}`),
  'bad-nonce': get('/v1/evidence?nonce=12'),
  'settlement-0': get('/v1/settlements/0'),
  'proof-beyond': get('/v1/proofs/99999999999'),
  'envelopes-none': post('Content-Length: 0\r\n'),
  'envelopes-torn': post('Content-Length: 6\r\n', '\0\0\0\x09ab'),
  'envelopes-many': post(`Content-Length: ${5 * 70000}\r\n`, '\0\0\0\x01a'.repeat(70000)),
}
const ledgerRequests = {
  'ledger-torn-call': 'POST /ledger/acts HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n\0\0\x09',
  'ledger-large': `POST /ledger/acts HTTP/1.1\r\nHost: x\r\nContent-Length: 1100000\r\n\r\n${'\0'.repeat(1100000)}`,
  'ledger-no-block': get('/ledger/blocks/99999999'),
  'ledger-bad-keys': get('/ledger/state?keys=xyz'),
  'ledger-bad-from': get('/ledger/inbox?from=99999999'),
}

// Behind each stands a second request: it is read where the first one's end is known, and nowhere else.
async function refusals(port, list, cnt) {
  for (const [name, bytes] of Object.entries(list)) {
    const { text } = await talk(port, Buffer.from(bytes + smuggled, 'latin1'), { ms: 5000 })
    row(name, said(text))
    if (answers(text) === cnt) continue
    failed++
    console.log(`  ${name}: ${answers(text)} answers, not ${cnt}`)
  }
}

const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length
const resident = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])

// One byte a second of a head, and of a body; an answer that nobody reads.
async function slow(port) {
  const drip = (text) => [...text].map((c) => c)
  const [head, body, reader] = await Promise.all([
    talk(port, drip(get('/v1/status', `X: ${'y'.repeat(60)}\r\n`)), { ms: 30000, gap: 500 }),
    talk(port, [post('Content-Length: 64\r\n'), ...drip('x'.repeat(60))], { ms: 30000, gap: 500 }),
    slowReader(port),
  ])
  row('slow-head', said(head.text))
  row('slow-body', said(body.text))
  row('slow-reader', reader)
}

// Asks for more than the buffers of both sockets hold, and reads nothing.
function slowReader(port) {
  return new Promise((done) => {
    const s = net.connect({ port, host: '127.0.0.1' })
    const timer = setTimeout(() => (s.destroy(), done('held for 40 s')), 40000)
    s.pause()
    s.on('error', () => {})
    s.on('close', () => (clearTimeout(timer), done('closed')))
    const more = () => !s.destroyed && s.write(get('/openapi.json').repeat(50), () => setTimeout(more, 50))
    s.on('connect', more)
  })
}

async function idle(port, pid) {
  const cnt = 10000
  const open = []
  let refused = 0
  for (let i = 0; i < cnt; i++) {
    const s = net.connect({ port, host: '127.0.0.1' })
    s.on('error', () => refused++)
    s.on('close', () => refused++)
    open.push(s)
    if (i % 200 === 199) await sleep(10)
  }
  await sleep(500)
  let worst = 0
  for (let i = 0; i < 20; i++) {
    const one = await talk(port, get('/v1/status', 'Connection: close\r\n'), { ms: 5000 })
    if (said(one.text) !== '200') worst = Infinity
    worst = Math.max(worst, one.ms)
  }
  const fds = descriptors(pid)
  row('idle-10000', fds < 1200 && worst < 2000 ? 'others are served; descriptors are bounded' : `${fds} descriptors, ${worst} ms`)
  for (const s of open) s.destroy()
  await sleep(200)
}

// A refused upload of 100 MB that is sent all the same.
async function upload(port, pid) {
  const before = resident(pid)
  const chunk = Buffer.alloc(1 << 20, 120)
  await talk(port, [post('Content-Length: 104857600\r\n'), ...Array(100).fill(chunk)], { ms: 4000 })
  const grown = resident(pid) - before
  if (grown > 16 << 10) {
    failed++
    console.log(`  body-100mb: ${grown} KiB were taken for it`)
  }
}

// ---- envelopes ----

const int = (major, n) => {
  n = BigInt(n)
  if (n < 24n) return Buffer.from([(major << 5) | Number(n)])
  const size = n < 256n ? 1 : n < 65536n ? 2 : n < 4294967296n ? 4 : 8
  const b = Buffer.alloc(1 + size)
  b[0] = (major << 5) | { 1: 24, 2: 25, 4: 26, 8: 27 }[size]
  for (let i = size; i > 0; i--, n >>= 8n) b[i] = Number(n & 255n)
  return b
}
const uint = (n) => (n < 0 ? int(1, -1n - BigInt(n)) : int(0, n))
const bstr = (b) => Buffer.concat([int(2, b.length), b])
const tstr = (t) => Buffer.concat([int(3, Buffer.byteLength(t)), Buffer.from(t)])
const arr = (...items) => Buffer.concat([int(4, items.length), ...items])
const map = (...pairs) => Buffer.concat([int(5, pairs.length), ...pairs.flat()])
const be = (n, size) => Buffer.from(BigInt(n).toString(16).padStart(2 * size, '0'), 'hex')

// What an envelope says, with anything in it another.
const claims = (e) => arr(uint(1), bstr(e.domain), uint(e.epoch), bstr(e.session), uint(e.counter), tstr(e.jurisdiction))
const header = (e) => map([uint(1), uint(e.alg)], [uint(4), bstr(e.kid)], [uint(-75100), claims(e)])
const encrypt0 = (head, unprotected, ciphertext) => Buffer.concat([Buffer.from([0xd0]), arr(bstr(head), unprotected, bstr(ciphertext))])
const pad = (content) => {
  let bucket = 256
  while (bucket < content.length + 4) bucket *= 2
  return Buffer.concat([be(content.length, 4), content, Buffer.alloc(bucket - content.length - 4)])
}
function aead(name, key, nonce, aad, plain) {
  const c = createCipheriv(name, key, nonce)
  c.setAAD(aad)
  return Buffer.concat([c.update(plain), c.final(), c.getAuthTag()])
}
const aadOf = (head, bound, policy) => arr(tstr('Encrypt0'), bstr(head), bstr(arr(bstr(bound), bstr(policy))))

// HPKE base mode, X25519, HKDF-SHA256, AES-128-GCM (RFC 9180).
const hmac = (key, ...data) => createHmac('sha256', key).update(Buffer.concat(data)).digest()
const raw = (key) => key.export({ type: 'spki', format: 'der' }).subarray(-32)
function hpke(pk) {
  const eph = generateKeyPairSync('x25519')
  const peer = createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), pk]), format: 'der', type: 'spki' })
  const enc = raw(eph.publicKey)
  const kem = Buffer.from('KEM\x00\x20', 'latin1'), suite = Buffer.from('HPKE\x00\x20\x00\x01\x00\x01', 'latin1')
  const v1 = Buffer.from('HPKE-v1')
  const extract = (s, salt, label, ikm) => hmac(salt.length ? salt : Buffer.alloc(32), v1, s, Buffer.from(label), ikm)
  const expand = (s, prk, label, info, n) => hmac(prk, be(n, 2), v1, s, Buffer.from(label), info, Buffer.from([1])).subarray(0, n)
  const none = Buffer.alloc(0)
  const shared = expand(kem, extract(kem, none, 'eae_prk', diffieHellman({ privateKey: eph.privateKey, publicKey: peer })), 'shared_secret', Buffer.concat([enc, pk]), 32)
  const context = Buffer.concat([Buffer.from([0]), extract(suite, none, 'psk_id_hash', none), extract(suite, none, 'info_hash', none)])
  const secret = extract(suite, shared, 'secret', none)
  return { enc, key: expand(suite, secret, 'key', context, 16), nonce: expand(suite, secret, 'base_nonce', context, 12) }
}

// The party's folder: its newest session, as docs/protocol/envelopes.md has it.
const sessionAt = 1 + 32 + 8 + 32 + 8 + 8 + 1, highestAt = 16 + 8 + 1 + 32 + 32 + 32 + 20 + 5 + 32 + 12
function account(wallet) {
  const name = readdirSync(wallet).find((f) => f.startsWith('account-'))
  const file = readFileSync(`${wallet}/${name}`)
  const bytes = file.subarray(28, -32) // behind address and generation, before the hash over all
  const write = (state, folder = wallet) => {
    const body = Buffer.concat([file.subarray(0, 28), state])
    const hash = sha256(Buffer.from('counterfoil/memory/v1\0'), be(name.length, 4), Buffer.from(name), body)
    writeFileSync(`${folder}/${name}`, Buffer.concat([body, hash]))
  }
  const s = bytes.subarray(sessionAt, sessionAt + 286)
  let p = 0
  const take = (n) => s.subarray(p, (p += n))
  const session = { id: take(16), epoch: take(8).readBigUInt64BE(), suite: take(1)[0], policy: take(32), result: take(32), certificate: take(32), owner: take(20), expiry: take(5), key: take(32), iv: take(12), highest: take(8) }
  return { write, bytes, domain: bytes.subarray(1, 33), order: bytes.readBigUInt64BE(sessionAt - 9), session }
}

let answerSize // of the last receipt
const ask = async (url, envelope) => {
  const r = await fetch(`${url}/v1/envelopes?problem`, { method: 'POST', body: Buffer.concat([be(envelope.length, 4), envelope]), headers: { 'content-type': 'application/octet-stream' } })
  if (r.status === 200) {
    answerSize = (await r.arrayBuffer()).byteLength
    return '200'
  }
  const body = await r.json()
  return `${r.status} ${body.title}: ${body.detail}`
}

// The sealed part of the first result: [[sequence, order, salt 32, sealed, path], ...].
async function sealedSize(url, id) {
  for (let i = 0; i < 100; i++, await sleep(50)) {
    const r = await fetch(`${url}/v1/results/${id}`)
    if (r.status !== 200) continue
    const b = Buffer.from(await r.arrayBuffer())
    const at = b.indexOf(Buffer.from('5820', 'hex')) + 34
    if (b[at] !== 0x59) return -1
    return b.readUInt16BE(at + 1)
  }
  return 0
}

async function envelopes(url, bundleFile, wallet, folder) {
  const cert = JSON.parse(readFileSync(bundleFile)).certificate
  const hex = (t) => Buffer.from(t, 'hex')
  const me = account(wallet), s = me.session
  const iv = (counter) => {
    const n = Buffer.from(s.iv)
    n.writeBigUInt64BE(n.readBigUInt64BE(4) ^ counter, 4)
    return n
  }
  const honest = { alg: 3, kid: s.id, domain: me.domain, epoch: s.epoch, session: s.id, jurisdiction: 'any' }
  let counter = s.highest.readBigUInt64BE()
  // an envelope of the session, with `other` in its header and `plain` in its inside
  const sealed = (plain, other = {}, shape = (h, c) => encrypt0(h, map(), c)) => {
    const e = { ...honest, counter: ++counter, ...other }
    const head = other.head ? other.head(e) : header(e)
    return shape(head, aead('aes-256-gcm', s.key, iv(BigInt(e.counter)), aadOf(head, s.certificate, s.policy), other.pad ? other.pad(plain) : pad(plain)))
  }
  const input = (order, kind, payee, asset, amount) => Buffer.concat([be(order, 8), be(kind, 1), kind === 1 ? be(payee, 4) : Buffer.alloc(0), be(asset, 3), be(amount, 8)])
  const plain = input(me.order + 1n, 1, 2, 0, 1)
  const flip = (b, at) => {
    const c = Buffer.from(b)
    c[at < 0 ? b.length + at : at] ^= 1
    return c
  }
  const good = sealed(plain)
  const bad = {
    'cbor-truncated': good.subarray(0, good.length - 1),
    'cbor-trailing': Buffer.concat([good, Buffer.from([0])]),
    'cbor-empty': Buffer.alloc(0),
    'cbor-duplicate-key': sealed(plain, { head: (e) => map([uint(1), uint(3)], [uint(1), uint(3)], [uint(4), bstr(e.kid)], [uint(-75100), claims(e)]) }),
    'cbor-non-minimal': sealed(plain, { head: (e) => Buffer.concat([Buffer.from([0xa3, 0x01, 0x18, 0x03]), uint(4), bstr(e.kid), uint(-75100), claims(e)]) }),
    'cbor-indefinite': sealed(plain, { head: (e) => Buffer.concat([Buffer.from([0xbf]), uint(1), uint(3), uint(4), bstr(e.kid), uint(-75100), claims(e), Buffer.from([0xff])]) }),
    'cbor-unsorted': sealed(plain, { head: (e) => map([uint(4), bstr(e.kid)], [uint(1), uint(3)], [uint(-75100), claims(e)]) }),
    'cbor-long-length': Buffer.from('d0835bffffffffffffffff00', 'hex'),
    'extra-unprotected': sealed(plain, {}, (h, c) => encrypt0(h, map([uint(5), bstr(randomBytes(12))]), c)),
    'extra-protected': sealed(plain, { head: (e) => map([uint(1), uint(3)], [uint(4), bstr(e.kid)], [uint(6), uint(1)], [uint(-75100), claims(e)]) }),
    'ciphertext-odd': sealed(plain, { pad: (p) => p }),
    'envelope-40k': Buffer.alloc(40000, 0xd0),
    'wrong-domain': sealed(plain, { domain: flip(me.domain, 0) }),
    'wrong-epoch': sealed(plain, { epoch: s.epoch + 1n }),
    'wrong-suite': sealed(plain, { alg: 24 }),
    'wrong-jurisdiction': sealed(plain, { jurisdiction: 'moon' }),
    'unknown-session': sealed(plain, { kid: flip(s.id, 0), session: flip(s.id, 0) }),
    'altered-ciphertext': flip(sealed(plain), -1),
    'altered-header': sealed(plain, { head: (e) => header(e) }, (h, c) => encrypt0(header({ ...honest, counter: counter + 1000n }), map(), c)),
  }
  const refused = async (name, bytes) => {
    row(name, await ask(url, bytes))
    if (bytes.length && bytes.length < 33000) writeFileSync(`${folder}/${name}`, bytes)
  }
  for (const [name, bytes] of Object.entries(bad)) await refused(name, bytes)

  // Inputs that open, and are decided inside: the party alone is told.
  const told = new Map()
  const sizes = new Set()
  const send = async (name, plainText) => {
    const e = sealed(plainText)
    const answer = await ask(url, e)
    if (answer !== '200') row(name, answer)
    told.set(name, sha256(e).toString('hex'))
    sizes.add(answerSize)
    return e
  }
  let order = me.order
  const first = await send('accepted', input(++order, 1, 2, 0, 1))
  await send('order-again', input(order, 1, 2, 0, 2))
  await send('order-jump', input(order + (1n << 33n), 1, 2, 0, 1))
  await send('amount-0', input(++order, 1, 2, 0, 0))
  await send('amount-negative', input(++order, 1, 2, 0, 0xffffffffffffffffn))
  await send('amount-overflow', input(++order, 1, 2, 0, 0x8000000000000000n))
  await send('overdraft', input(++order, 1, 2, 0, 5000000))
  await send('withdraw-overdraft', input(++order, 2, 0, 0, 5000000))
  await send('unknown-asset', input(++order, 1, 2, 0xfffff0, 1))
  await send('unopened-lane', input(++order, 1, 2, 1, 1))
  await send('payee-unknown', input(++order, 1, 4000000000n, 0, 1))
  await send('payee-self', input(++order, 1, 1, 0, 1))
  await send('input-kind', Buffer.concat([be(++order, 8), Buffer.from([9])]))
  await send('input-short', Buffer.alloc(7))
  await send('order-old', input(order - 1n, 1, 2, 0, 1))
  row('same-again', await ask(url, first))
  await refused('counter-again', flip(first, -1))

  // An opening whose wallet signature is another's: it opens, and makes no session.
  const box = hpke(hex(cert.document.sealing)), id = sha256(box.enc).subarray(0, 16)
  const result = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), hex(readFileSync(`${wallet}/wallet.key`, 'utf8').split('\n')[1])]), format: 'der', type: 'pkcs8' })
  const opening = Buffer.concat([s.owner, raw(createPublicKey(result)), be(Math.floor(Date.now() / 1000) + 3600, 5), randomBytes(31), Buffer.from([1]), Buffer.alloc(31), Buffer.from([1]), plain])
  const head = header({ alg: 41, kid: hex(cert.hash), domain: me.domain, epoch: s.epoch, session: id, counter: 0, jurisdiction: 'any' })
  const forged = encrypt0(head, map([uint(-4), bstr(box.enc)]), aead('aes-128-gcm', box.key, box.nonce, aadOf(head, hex(cert.hash), hex(cert.document.policy)), pad(opening)))
  row('forged-wallet-at-once', await ask(url, forged))
  await refused('opening-again', flip(forged, -1))

  // Accepted or refused: what the host sees is as long.
  for (const hash of told.values()) sizes.add(await sealedSize(url, hash))
  if (sizes.size !== 2) {
    failed++
    console.log(`  sizes that tell what was decided: ${[...sizes]}`)
  }

  // The wallet goes on where these ended, so that its own program reads their results; the forger's knows its own session.
  const bytes = Buffer.from(me.bytes)
  bytes.writeBigUInt64BE(order + 1000n, sessionAt - 9)
  bytes.writeBigUInt64BE(counter, sessionAt + highestAt)
  me.write(bytes)
  cpSync(wallet, 'forger', { recursive: true })
  id.copy(bytes, sessionAt)
  me.write(bytes, 'forger')
  for (const [name, hash] of told) console.log(`sealed ${name} ${hash} ${wallet}`)
  console.log(`sealed forged-wallet ${sha256(forged).toString('hex')} forger`)
}

if (part === 'http') {
  const [gateway, ledger, pid] = args.map(Number)
  const before = descriptors(pid)
  const slowly = slow(gateway)
  await refusals(gateway, torn, 1)
  await refusals(gateway, whole, 2)
  await refusals(ledger, ledgerRequests, 2)
  await upload(gateway, pid)
  await slowly
  await idle(gateway, pid) // it drives out whoever is slow
  await sleep(1500)
  const after = descriptors(pid)
  if (after > before + 8) (failed++, console.log(`  ${after - before} descriptors stayed open`))
} else await envelopes(...args)
process.exit(failed ? 1 : 0)
