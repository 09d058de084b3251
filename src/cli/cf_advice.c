#include "cli/cf_advice.h"

#include "session/cf_result.h"

static char const *next_of(cf_refuse_t class) {
  switch ((int)class) {
  case CF_REFUSE_MALFORMED:
  case CF_REFUSE_UNAUTHENTIC:
    return "seal it again; was the file cut or altered?";
  case CF_REFUSE_TOO_LARGE:
    return "seal a smaller input";
  case CF_REFUSE_DOMAIN:
    return "attest this domain, and seal with that bundle";
  case CF_REFUSE_EPOCH:
  case CF_REFUSE_SUITE:
  case CF_REFUSE_POLICY_CHANGED:
    return "attest again, and seal with the new bundle";
  case CF_REFUSE_SESSION_UNKNOWN:
    return "attest again with --wallet, and seal: that opens a new session";
  case CF_REFUSE_JURISDICTION:
    return "URL/genesis lists them (counterfoil show); seal again";
  case CF_REFUSE_REPLAYED:
    return "counterfoil receipt says what became of that one; was the wallet's folder put back from a copy?";
  case CF_REFUSE_BUSY:
    return "submit the same file again in a few seconds";
  default:
    return "counterfoil status URL"; /* classes about what the host shows, never about an envelope */
  }
}

cf_advice_t cf_advice_refused(cf_refuse_t class) { return (cf_advice_t){cf_refuse_text(class), next_of(class)}; }

cf_advice_t cf_advice_result(uint64_t class) {
  switch ((cf_result_class_t) class) {
  case CF_RESULT_ACCEPTED:
  case CF_RESULT_NOTICE:
    return (cf_advice_t){0};
  case CF_RESULT_DUPLICATE:
    return (cf_advice_t){"this order number was used before: the order was executed, or refused, then",
                         "look for that result; to order it once more, seal it again"};
  case CF_RESULT_TOO_OLD:
    return (cf_advice_t){"128 or more orders of this account overtook it", "seal it again"};
  case CF_RESULT_JUMP:
    return (cf_advice_t){"an order number far beyond the account's others",
                         "was the wallet's state altered? seal with the wallet as it was"};
  case CF_RESULT_ACCESS:
    return (cf_advice_t){"the enclave knows no admitted account of this owner",
                         "deposit first, and seal when the deposit is final; if it is, ask the operator for admission"};
  case CF_RESULT_EXITING:
    return (cf_advice_t){"the account asked to leave", "counterfoil exit finalize; open another account to come back"};
  case CF_RESULT_LIMIT:
    return (cf_advice_t){"too many inputs in this window, or an amount beyond the policy's",
                         "seal it for the next window, or in smaller amounts"};
  case CF_RESULT_EXPIRED:
    return (cf_advice_t){"the session's expiry has passed", "attest again, and seal: a new session opens"};
  case CF_RESULT_SIGNATURE:
    return (cf_advice_t){"the wallet signature is not the owner's", "seal with the wallet that owns the account"};
  case CF_RESULT_FORM:
    return (cf_advice_t){"it opens, and is no input", "seal with this program"};
  case CF_RESULT_MALFORMED:
    return (cf_advice_t){"not an input that the workload knows: amounts are 1 to 2^63 - 1",
                         "seal it again with a valid amount and kind"};
  case CF_RESULT_ASSET:
    return (cf_advice_t){"not an asset of this domain", "URL/genesis lists them (counterfoil show); seal it again"};
  case CF_RESULT_LANE:
    return (cf_advice_t){"one of the two accounts has no lane in this asset",
                         "deposit opens the payer's; ask the payee to open his, then seal again"};
  case CF_RESULT_SELF:
    return (cf_advice_t){"payer and payee are one", "name another payee"};
  case CF_RESULT_CREDIT:
    return (cf_advice_t){"more than the payer's final funds less what is held already",
                         "deposit, or wait until an inflow is final, then seal again"};
  case CF_RESULT_FULL:
    return (cf_advice_t){"no room in this window for more obligations or releases", "seal it again after the next settlement"};
  }
  return (cf_advice_t){"a class of a newer workload", "update this program"};
}
