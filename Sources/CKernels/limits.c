#include "centram_kernels.h"
#include <math.h>

// Whether all |x| <= limit; NaN is not. Looks at all of x: the common case is that all are.
static inline __attribute__((always_inline)) int within(const float *x, float limit, size_t n) {
  uint32_t outside = 0;
  for (size_t i = 0; i < n; i++) outside |= !(fabsf(x[i]) <= limit);
  return outside == 0;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static int within_avx2(const float *x, float limit, size_t n) { return within(x, limit, n); }
#endif

int ck_all_within(const float *x, float limit, size_t n) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return within_avx2(x, limit, n);
#endif
  return within(x, limit, n);
}

// Conversions that tell in passing whether a value was outside: one look at the data instead of two.
static inline __attribute__((always_inline)) int from_bf16(const uint16_t *restrict x, float *restrict y, size_t n) {
  uint32_t *restrict bits = (uint32_t *)y;
  uint32_t largest = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t wide = (uint32_t)x[i] << 16, magnitude = wide & 0x7fffffff;
    bits[i] = wide;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest < 0x7f800000;
}

static inline __attribute__((always_inline)) int to_bf16(const float *restrict x, float limit, uint16_t *restrict y, size_t n) {
  const uint32_t *restrict bits = (const uint32_t *)x;
  uint32_t largest = 0, bound;
  __builtin_memcpy(&bound, &limit, sizeof bound);
  for (size_t i = 0; i < n; i++) {
    uint32_t b = bits[i], magnitude = b & 0x7fffffff;
    largest = magnitude > largest ? magnitude : largest;
    y[i] = (uint16_t)((b + 0x7fff + ((b >> 16) & 1)) >> 16);
  }
  return largest <= bound;
}

// Copies of what another process may still be writing: each element is read once, so what was looked at is what was copied. The exponent
// of infinity and NaN is all ones.
#define COPY_FINITE(name, type)                                                                                   \
  static inline __attribute__((always_inline)) int name(const type *restrict x, type exponent, type *restrict y, size_t n) { \
    type outside = 0;                                                                                             \
    for (size_t i = 0; i < n; i++) {                                                                              \
      type value = x[i];                                                                                          \
      y[i] = value;                                                                                               \
      outside |= (type)((value & exponent) == exponent);                                                          \
    }                                                                                                             \
    return outside == 0;                                                                                          \
  }
COPY_FINITE(copy_16, uint16_t)
COPY_FINITE(copy_32, uint32_t)
COPY_FINITE(copy_64, uint64_t)

#if defined(__x86_64__)
__attribute__((target("avx2"))) static int copy_16_avx2(const uint16_t *x, uint16_t exponent, uint16_t *y, size_t n) { return copy_16(x, exponent, y, n); }
__attribute__((target("avx2"))) static int from_bf16_avx2(const uint16_t *x, float *y, size_t n) { return from_bf16(x, y, n); }
__attribute__((target("avx2"))) static int to_bf16_avx2(const float *x, float limit, uint16_t *y, size_t n) { return to_bf16(x, limit, y, n); }
#endif

int ck_bf16_to_f32_finite(const uint16_t *x, float *y, size_t n) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return from_bf16_avx2(x, y, n);
#endif
  return from_bf16(x, y, n);
}

int ck_f32_to_bf16_within(const float *x, float limit, uint16_t *y, size_t n) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return to_bf16_avx2(x, limit, y, n);
#endif
  return to_bf16(x, limit, y, n);
}

int ck_copy_finite_16(const uint16_t *x, uint16_t exponent, uint16_t *y, size_t n) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return copy_16_avx2(x, exponent, y, n);
#endif
  return copy_16(x, exponent, y, n);
}

int ck_copy_finite_32(const uint32_t *x, uint32_t *y, size_t n) { return copy_32(x, 0x7f800000, y, n); }

int ck_copy_finite_64(const uint64_t *x, uint64_t *y, size_t n) { return copy_64(x, 0x7ff0000000000000, y, n); }
