#include "base/cf_status.h"

char const *
cf_status_name(cf_status_t st) {
  switch (st) {
  case CF_OK:              return "ok";
  case CF_ERR_FORMAT:      return "format";
  case CF_ERR_UNSUPPORTED: return "unsupported";
  case CF_ERR_BOUND:       return "bound";
  case CF_ERR_AUTH:        return "auth";
  case CF_ERR_POLICY:      return "policy";
  case CF_ERR_STALE:       return "stale";
  case CF_ERR_IO:          return "io";
  }
  return "unknown";
}
