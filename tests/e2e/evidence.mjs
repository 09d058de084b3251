// evidence.mjs COUNTERFOIL VECTORS: see evidence.sh.
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [cf, vectors] = process.argv.slice(2)
const claims = ['sgx', 'tdx'] // of these, what refused evidence said is expected as well
let wrong = 0
const fail = text => { wrong++; console.log(text) }

function run(args) {
  const done = spawnSync(cf, ['verify', 'evidence', '--json', ...args], { encoding: 'utf8' })
  try { return { code: done.status, json: JSON.parse(done.stdout), err: done.stderr } }
  catch { return { code: done.status, json: {}, err: `${done.stdout}${done.stderr}` } }
}

function args(dir, vector) {
  const list = ['--at', vector.verify_at]
  for (const [role, file] of Object.entries(vector.files)) list.push('--with', `${role}=${join(dir, file)}`)
  if (vector.options?.require_crl === false) list.push('--no-crl')
  if (vector.options?.bank) list.push('--bank', vector.options.bank)
  if (vector.input?.nonce) list.push('--nonce', vector.input.nonce)
  return list
}

const sorted = v => v && typeof v === 'object' && !Array.isArray(v)
  ? Object.fromEntries(Object.keys(v).sort().map(k => [k, sorted(v[k])])) : v
const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))

function judge(tee, name) {
  const dir = join(vectors, tee, name), vector = JSON.parse(readFileSync(join(dir, 'vector.json'), 'utf8'))
  const expect = vector.expect, got = run(args(dir, vector)), ok = expect.result === 'ok'
  if (got.json.result !== expect.result || got.code !== (ok ? 0 : 1) || got.json.ok !== ok)
    fail(`${tee}/${name}: ${expect.result} expected, got ${got.json.result}, status ${got.code}\n${got.err}`)
  for (const [member, want] of Object.entries(expect)) {
    if (['result', 'stage', 'reason'].includes(member) || (!ok && !claims.includes(tee))) continue
    if (!same(got.json[member], want))
      fail(`${tee}/${name}: ${member} is ${JSON.stringify(got.json[member])}, not ${JSON.stringify(want)}`)
  }
}

let cases = 0
for (const tee of ['sgx', 'tdx', 'snp', 'nitro', 'tpm', 'cca'])
  for (const name of readdirSync(join(vectors, tee)).filter(n => !n.startsWith('.')).sort()) {
    judge(tee, name)
    cases++
  }
if (cases < 166) fail(`${cases} cases, not 166`)

// One of them, and what else may be asked of it.
const dir = join(vectors, 'tdx', 'lunal_v4_live_last_day')
const base = args(dir, JSON.parse(readFileSync(join(dir, 'vector.json'), 'utf8')))
function ask(what, more, code, holds) {
  const got = run([...base, ...more])
  if (got.code !== code || !holds(got.json)) fail(`${what}: status ${got.code}, ${JSON.stringify(got.json)}\n${got.err}`)
}
function under(policy, code, holds) {
  writeFileSync('own.policy', JSON.stringify(policy))
  ask(`policy ${JSON.stringify(policy)}`, ['--policy', 'own.policy'], code, holds)
}
const strict = JSON.parse(spawnSync(cf, ['verify', '--policy', 'default', '--show'], { encoding: 'utf8' }).stdout)
const mrtd = run(base).json.measurements.mrtd
const naming = value => ({ ...strict, name: 'own', any_program: undefined,
  programs: [{ platform: 'tdx', registers: [{ name: 'mrtd', value }], until: 1900000000 }] })
ask('the default policy', ['--policy', 'default'], 0, v => v.policy === 'default' && v.authentic && v.until === '2026-03-31T19:36:43Z')
under(naming(mrtd), 0, v => v.ok && v.policy === 'own')
under(naming('00'.repeat(48)), 1, v => v.reason === 'measurement' && v.authentic && v.next)
under({ ...strict, nonce: 'yes' }, 1, v => v.reason === 'nonce')
under({ ...strict, jurisdictions: ['eu'] }, 1, v => v.reason === 'jurisdiction')
under({ ...strict, collateral_max_age_s: 86400 }, 1, v => v.reason === 'collateral-stale' && v.date)
ask('what ends first', ['--expiry'], 0, v => v.expiry[0].item === 'tcb_info' && v.expiry[0].until === '2026-03-31T19:36:43Z' &&
  v.then.at === '2026-03-31T19:36:44Z' && v.then.reason === 'collateral-stale' && v.expiry.length === 9)
ask('a later day', ['--at', '2026-04-01'], 1, v => v.reason === 'collateral-stale' && v.item === 'tcb_info' &&
  v.changes.some(c => c.member === 'tcb_status' && c.was === 'UpToDate' && c.is === null))
ask('other collateral', ['--with', `tcb_info=${join(vectors, 'tdx', 'dstack_v4_quote_report', 'tcb_info.json')}`], 1,
  v => v.item === 'tcb_info' && v.changes.length > 5)
ask('a third', ['--with', 'tcb_info=/dev/null', '--with', 'tcb_info=/dev/null'], 2, v => v.reason === 'usage')

// Kept, and judged again: to the byte, offline; altered, the part is named.
const file = (...args) => {
  const done = spawnSync(cf, [...args, '--json'], { encoding: 'utf8' })
  return { code: done.status, json: JSON.parse(done.stdout || '{}'), err: done.stderr }
}
function keep(what, name, more, verdict, holds) {
  const made = file('bundle', 'make', ...more, '-o', name), got = file('verify', 'bundle', name)
  if (made.code !== 0 || made.json.verdict !== verdict || got.json.record !== made.json.record || !holds(got))
    fail(`${what}: ${JSON.stringify(made)}\n${JSON.stringify(got)}`)
}
const now = run([...base, '--policy', 'default']).json
keep('accepted', 'a.bundle', [...base, '--policy', 'default'], 'ok', g => g.code === 0 && g.json.holds && same(g.json.result, now))
keep('refused', 'r.bundle', [...base.slice(2), '--at', '2027-06-01'], 'collateral-stale', g => g.code === 1 && g.json.holds && !g.json.ok)
writeFileSync('own.policy', JSON.stringify(naming('00'.repeat(48))))
const own = file('verify', 'bundle', 'a.bundle', '--policy', 'own.policy')
if (own.code !== 1 || own.json.reason !== 'measurement') fail(`a reader's own policy: ${JSON.stringify(own)}`)
const kept = readFileSync('a.bundle')
for (let at = 7; at < kept.length; at += 997) {
  const torn = Buffer.from(kept)
  torn[at] ^= 0x10
  writeFileSync('t.bundle', torn)
  const got = file('verify', 'bundle', 't.bundle')
  if (got.code !== 1 || !got.json.item?.match(/^(judgement-)?bundle\b/)) fail(`byte ${at} of a bundle: ${JSON.stringify(got)}`)
}
if (file('show', 'a.bundle').json.kind !== 'judgement-bundle' || file('bundle', 'show', 'a.bundle').json.items.length !== 8) fail('bundle show')

console.log(`${cases} cases, ${wrong} wrong`)
process.exit(wrong ? 1 : 0)
