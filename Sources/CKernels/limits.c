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
