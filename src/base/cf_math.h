/* Checked arithmetic: false on overflow, and then *out is not to be used. */
#ifndef CF_BASE_MATH_H
#define CF_BASE_MATH_H

#include <stdbool.h>
#include <stdint.h>

/* Counts of units that 64 bits do not hold: u80, u96. */
__extension__ typedef unsigned __int128 cf_u128_t;

static inline bool cf_add_i64(int64_t *out, int64_t a, int64_t b) { return !__builtin_add_overflow(a, b, out); }
static inline bool cf_sub_i64(int64_t *out, int64_t a, int64_t b) { return !__builtin_sub_overflow(a, b, out); }
static inline bool cf_add_u64(uint64_t *out, uint64_t a, uint64_t b) { return !__builtin_add_overflow(a, b, out); }
static inline bool cf_sub_u64(uint64_t *out, uint64_t a, uint64_t b) { return !__builtin_sub_overflow(a, b, out); }
static inline bool cf_mul_u64(uint64_t *out, uint64_t a, uint64_t b) { return !__builtin_mul_overflow(a, b, out); }

#endif
