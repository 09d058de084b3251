// check.mjs VECTORS SHARED: see peer-dcap.sh.
import { existsSync } from 'node:fs'
import qvl from '@phala/dcap-qvl'
import { collateral, ours, shared } from './quotes.mjs'

// Where the peer, at the version that is pinned, says something else: for each reason, the cases.  All others must agree, in verdict and
// status; and a case that agrees after all must be taken out.
const differs = {
  'does not speak: SGX in versions 4 and 5': ['SGX, version 4', 'SGX, version 5', 'sgx/syn_ok_v5_body1_sgx'],
  'does not speak: TCB info of version 2': ['TCB info, version 2', 'sgx/intel_sample_certtype1', 'sgx/signal_v3_tcbinfo_v2_july22'],
  'does not speak: a chain in another order': ['chain in the order leaf, root, CA'],
  'does not speak: no authentication data of the quoting enclave': ['no authentication data', 'tdx/syn_ok_auth_empty'],
  'cannot do without a revocation list': ['lists waived, and not there', 'sgx/fortanix_v3_2020', 'tdx/oasis_v4_no_crl'],
  'has a policy of its own, for what is policy\'s here': ['TD in debug mode', 'TD under test', 'enclave in debug mode',
    'sgx/trustee_occlum_debug', 'tdx/syn_td_debug', 'tdx/trustee_v4_debug', 'tdx/alibaba_v5_td15', 'tdx/teekit_azure_v4'],
  'compares all TDX components, also those that a module\'s identity stands for': ['another module', 'tdx/gotdx_v4_ccel',
    'tdx/syn_module_out_of_date', 'tdx/syn_relaunch_advised'],
  'does not hold a revoked level of SGX against a TD': ['SGX level revoked above the TD\'s'],
  'does not look at TDX modules, nor at a launch again': ['module out of date, configuration needed', 'another signer\'s TDX module',
    'a TDX module with attributes', 'a TDX module with attributes that its identity lets pass', 'module revoked', 'unknown module',
    'the same module twice', 'levels of a module that rise', 'tdx/syn_module_signer', 'tdx/syn_module_unknown', 'relaunch advised',
    'relaunch advised, configuration needed', 'relaunch into an unknown module'],
  'merges the quoting enclave\'s status otherwise': ['quoting enclave out of date, configuration needed', 'identity that Intel calls configured'],
  'does not check lists: signature, issuer, dates': ['root\'s list, altered', 'PCK list, altered', 'PCK list by another key', 'pck_crl is of tomorrow',
    'pck_crl is of yesterday', 'root_ca_crl is of tomorrow', 'root_ca_crl is of yesterday', 'a partial list', 'list of another CA',
    'sgx/crl_expired', 'tdx/syn_crl_forged'],
  'does not check what a certificate may do, and is called': ['CA is none', 'CA says nothing of it', 'CA may not sign certificates',
    'CA may not sign lists', 'root allows no authority below', 'leaf may not sign', 'leaf of another name', 'signing certificate of another name',
    'names that make no chain', 'a critical extension nobody knows'],
  'reads more than what is well formed': ['outer certification data of type 5', 'certification data of type 7', 'tdx/mut_outer_cert_type5',
    'a byte hidden in the signature data', 'extension with bytes behind it', 'extension with a member twice', 'tdx/syn_ext_trailing',
    'TCB info with a member twice', 'TCB info with 15 components', 'TCB info with a component of 256', 'TCB info of version 4'],
  'is given the signed value, and does not see what stands beside it': ['TCB info with a member beside it', 'tdx/syn_tcb_info_duplicate_member'],
  'does not compare vendor, PCEID, or the whole report data': ['another vendor\'s quoting enclave', 'TCB info of another PCEID', 'tdx/syn_pceid_mismatch',
    'upper half of the quoting enclave\'s report data', 'tdx/syn_qe_report_data_tail']
}

function judge(c) {
  const by = c.root ? qvl.QuoteVerifier.newWithRootCa(c.root) : qvl.QuoteVerifier.newProd()
  try { return { ok: true, status: by.verify(c.items.quote, collateral(c.items), c.at).status } }
  catch (e) { return { ok: false, status: [e.message, e.cause?.message].filter(Boolean).join(': ') } }
}

const [vectors, folder] = process.argv.slice(2)
const listed = new Map(Object.entries(differs).flatMap(([why, names]) => names.map(n => [n, why])))
const cases = [...ours(vectors), ...(existsSync(folder) ? shared(folder) : [])]
const sum = { ok: 0, refused: 0, differ: 0 }
let wrong = 0
for (const c of cases) {
  const got = judge(c), agrees = got.ok === c.ok && (!c.ok || got.status === c.status), why = listed.get(c.name)
  sum[agrees ? (c.ok ? 'ok' : 'refused') : 'differ']++
  if (agrees !== !why) {
    wrong++
    console.log(`${c.name}: ${c.ok ? c.status : 'refused'} here, ${got.ok ? got.status : `refused (${got.status})`} there${why ? `; listed: it ${why}` : ''}`)
  }
}
console.log(`${cases.length} quotes: the same of ${sum.ok + sum.refused} (${sum.ok} good, with their status; ${sum.refused} refused), ${sum.differ} differ as listed`)
process.exit(wrong || sum.ok < 20 || sum.refused < 60 ? 1 : 0)
