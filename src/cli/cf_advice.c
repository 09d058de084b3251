#include "cli/cf_advice.h"

#include "session/cf_result.h"

cf_advice_t cf_advice_refused(cf_refuse_t class) {
  switch (class) {
  case CF_REFUSE_MALFORMED: return (cf_advice_t){"not an envelope in its one encoding", "seal it again; was the file cut or altered?"};
  case CF_REFUSE_TOO_LARGE: return (cf_advice_t){"longer than this domain takes", "seal a smaller input"};
  case CF_REFUSE_DOMAIN: return (cf_advice_t){"sealed for another domain", "attest this domain, and seal with that bundle"};
  case CF_REFUSE_EPOCH: return (cf_advice_t){"sealed to an epoch that is not, or is over", "attest again, and seal with the new bundle"};
  case CF_REFUSE_SUITE: return (cf_advice_t){"its suite is not in force here", "attest again, and seal with the new bundle"};
  case CF_REFUSE_JURISDICTION:
    return (cf_advice_t){"its jurisdiction is not one of the policy's", "counterfoil show d.bundle lists them; seal again"};
  case CF_REFUSE_SESSION_UNKNOWN:
    return (cf_advice_t){"the enclave has no such session", "attest again with --wallet, and seal: that opens a new session"};
  case CF_REFUSE_REPLAYED:
    return (cf_advice_t){"another envelope used this session's id or counter before",
                         "look what became of that one: counterfoil receipt; was the wallet's folder restored from a copy?"};
  case CF_REFUSE_UNAUTHENTIC: return (cf_advice_t){"it does not open", "seal it again; was the file altered?"};
  case CF_REFUSE_POLICY_CHANGED: return (cf_advice_t){"sealed under a policy before the one in force", "attest again, and seal with the new bundle"};
  case CF_REFUSE_BUSY: return (cf_advice_t){"batch, queue or session table is full", "submit the same file again in a few seconds"};
  case CF_REFUSE_NONE:
  case CF_REFUSE_PHASE:
  case CF_REFUSE_ROOT:
  case CF_REFUSE_ROLLED_BACK:
  case CF_REFUSE_TIP:
  case CF_REFUSE_PROOF:
  case CF_REFUSE_TWIN:
  case CF_REFUSE_VIEW:
  case CF_REFUSE_BOUND:
  case CF_REFUSE_LAUNCHER:
  case CF_REFUSE_JOURNAL: break; /* about what the host shows, never about an envelope */
  }
  return (cf_advice_t){"not a class that an envelope is refused with", "counterfoil status URL"};
}

cf_advice_t cf_advice_result(uint64_t class) {
  switch ((cf_result_class_t)class) {
  case CF_RESULT_ACCEPTED:
  case CF_RESULT_NOTICE: return (cf_advice_t){0};
  case CF_RESULT_DUPLICATE:
    return (cf_advice_t){"this order number was used before: the order was executed, or refused, then", "look for the earlier result; seal a new order if there is none to stand"};
  case CF_RESULT_TOO_OLD: return (cf_advice_t){"128 or more orders of this account overtook it", "seal it again"};
  case CF_RESULT_JUMP: return (cf_advice_t){"an order number far beyond the account's others", "was the wallet's state altered? seal with the wallet as it was"};
  case CF_RESULT_ACCESS:
    return (cf_advice_t){"the enclave knows no admitted account of this owner", "deposit first, and seal when the deposit is final; if it is, ask the operator for admission"};
  case CF_RESULT_EXITING: return (cf_advice_t){"the account asked to leave", "counterfoil exit finalize; open another account to come back"};
  case CF_RESULT_LIMIT: return (cf_advice_t){"too many inputs in this window, or an amount beyond the policy's", "seal it for the next window, or in smaller amounts"};
  case CF_RESULT_EXPIRED: return (cf_advice_t){"the session's expiry has passed", "attest again, and seal: a new session opens"};
  case CF_RESULT_SIGNATURE: return (cf_advice_t){"the wallet signature is not the owner's", "seal with the wallet that owns the account"};
  case CF_RESULT_FORM: return (cf_advice_t){"it opens, and is no input", "seal with this program"};
  case CF_RESULT_MALFORMED: return (cf_advice_t){"not an input that the workload knows: amounts are 1 to 2^63 - 1", "seal it again with a valid amount and kind"};
  case CF_RESULT_ASSET: return (cf_advice_t){"not an asset of this domain", "counterfoil show d.bundle lists them; seal it again"};
  case CF_RESULT_LANE: return (cf_advice_t){"one of the two accounts has no lane in this asset", "deposit opens the payer's; ask the payee to open his, then seal again"};
  case CF_RESULT_SELF: return (cf_advice_t){"payer and payee are one", "name another payee"};
  case CF_RESULT_CREDIT:
    return (cf_advice_t){"more than the payer's final funds less what is held already", "deposit, or wait until an inflow is final, then seal again"};
  case CF_RESULT_FULL: return (cf_advice_t){"no room in this window for more obligations or releases", "seal it again after the next settlement"};
  }
  return (cf_advice_t){"a class of a newer workload", "update this program"};
}
