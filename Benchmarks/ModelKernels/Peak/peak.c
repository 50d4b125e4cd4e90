#include "peak.h"
#include <string.h>

typedef float vector __attribute__((ext_vector_type(8)));
typedef uint64_t words __attribute__((ext_vector_type(8)));
static volatile float sink;

#define BODY \
  vector a[12]; \
  for (int i = 0; i < 12; i++) a[i] = (vector)(float)(i + 2); \
  for (int n = 0; n < PEAK_MULTIPLICATIONS / 96; n++) { \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 12; i++) a[i] = __builtin_elementwise_fma(a[i], (vector)0.999f, (vector)0.001f); \
    __asm__ volatile("" ::: "memory"); \
  } \
  for (int i = 0; i < 12; i++) sink = a[i].x;

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void multiply(void) { BODY }
void peak_multiply(void) {
  if (__builtin_cpu_supports("fma")) multiply();
}
#else
void peak_multiply(void) { BODY }
#endif

void peak_read(const void *bytes, size_t count, int thread, int threads) {
  const char *p = (const char *)bytes + count / (size_t)threads * (size_t)thread;
  words sum = (words)0;
  for (size_t i = 0; i + 64 <= count / (size_t)threads; i += 64) {
    words v;
    memcpy(&v, p + i, sizeof v);
    __builtin_prefetch(p + i + 2048);
    sum += v;
  }
  sink = (float)(sum.s0 + sum.s1 + sum.s2 + sum.s3 + sum.s4 + sum.s5 + sum.s6 + sum.s7);
}
