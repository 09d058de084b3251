// Quotes and their collateral, in the peer's terms.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

// ---- our own vectors: tests/vectors/evidence/quotes.json (quotes.h reads the same) ----

export function ours(vectors) {
  const book = JSON.parse(readFileSync(join(vectors, 'evidence', 'quotes.json'), 'utf8'))
  const blobs = new Map()
  const piece = text => text[0] === 'x' ? Buffer.from(text.slice(1), 'hex') : text[0] === 't' ? Buffer.from(text.slice(1)) : blob(text)
  const blob = name => {
    if (!blobs.has(name)) blobs.set(name, Buffer.concat(book.blobs[name].map(piece)))
    return blobs.get(name)
  }
  return book.cases.map(c => ({
    name: c.name, at: c.at, root: blob(c.root), waived: c.waived,
    items: Object.fromEntries(Object.entries(c.items).map(([role, ref]) => [role, blob(ref)])),
    ok: c.verdict === 'ok', status: c.status
  }))
}

// ---- the shared ones ----

export function shared(folder) {
  return ['sgx', 'tdx'].flatMap(tee => readdirSync(join(folder, tee)).filter(n => !n.startsWith('.')).sort().map(name => {
    const dir = join(folder, tee, name), v = JSON.parse(readFileSync(join(dir, 'vector.json'), 'utf8'))
    const items = Object.fromEntries(Object.entries(v.files).map(([role, file]) => [role, readFileSync(join(dir, file))]))
    return {
      name: `${tee}/${name}`, at: Date.parse(v.verify_at) / 1000, root: items.trusted_root && der(items.trusted_root), items,
      waived: v.options?.require_crl === false, ok: v.expect.result === 'ok', status: v.expect.tcb_status
    }
  }))
}

// ---- the peer's form ----

const der = bytes => bytes[0] === 0x30 ? bytes : Buffer.from(bytes.toString().replace(/-----[A-Z ]+-----/g, ''), 'base64')

// The value of a member as it stands in the text, which is what was signed.
function raw(text, member) {
  const start = text.indexOf('{', text.indexOf(`"${member}"`) + member.length + 2)
  let depth = 0, quoted = false
  for (let i = start; i < text.length; i++) {
    if (quoted) { if (text[i] === '\\') i++; else if (text[i] === '"') quoted = false } else if (text[i] === '"') quoted = true
    else if (text[i] === '{') depth++
    else if (text[i] === '}' && --depth === 0) return text.slice(start, i + 1)
  }
  throw new Error(`no ${member}`)
}

function pem(bytes) {
  if (bytes[0] !== 0x30) return bytes.toString()
  let out = ''
  for (let at = 0; at < bytes.length;) {
    const size = 4 + bytes.readUInt16BE(at + 2)
    out += `-----BEGIN CERTIFICATE-----\n${bytes.subarray(at, at + size).toString('base64').replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`
    at += size
  }
  return out
}

export function collateral(items) {
  const info = items.tcb_info.toString(), identity = items.qe_identity.toString()
  return {
    tcb_info: raw(info, 'tcbInfo'), tcb_info_signature: JSON.parse(info).signature, tcb_info_issuer_chain: pem(items.tcb_info_chain),
    qe_identity: raw(identity, 'enclaveIdentity'), qe_identity_signature: JSON.parse(identity).signature,
    qe_identity_issuer_chain: pem(items.qe_identity_chain),
    pck_crl: items.pck_crl.toString('hex'), root_ca_crl: items.root_ca_crl.toString('hex'),
    pck_certificate_chain: items.pck_chain && pem(items.pck_chain)
  }
}
