#include "centram_kernels.h"
#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define CK(name) name##_base
#include "bodies.inc"
#undef CK

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,popcnt"))), apply_to = function)
#define CK(name) name##_avx2
#include "bodies.inc"
#undef CK
#pragma clang attribute pop
#endif

enum { LEVEL_BASE, LEVEL_AVX2 };

static int detect(void) {
#if defined(__x86_64__)
  const char *forced = getenv("CENTRAM_ISA");
  int best = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") ? LEVEL_AVX2 : LEVEL_BASE;
  if (forced && strcmp(forced, "base") == 0) return LEVEL_BASE;
  return best;
#else
  return LEVEL_BASE;
#endif
}

static int level(void) {
  static int known = -1; // a race writes the same value twice
  int now = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (now < 0) {
    now = detect();
    __atomic_store_n(&known, now, __ATOMIC_RELAXED);
  }
  return now;
}

const char *ck_level(void) { return level() == LEVEL_AVX2 ? "avx2" : "base"; }

#if defined(__x86_64__)
#define CALL(name, ...) (level() == LEVEL_AVX2 ? name##_avx2(__VA_ARGS__) : name##_base(__VA_ARGS__))
#else
#define CALL(name, ...) name##_base(__VA_ARGS__)
#endif

void ck_bf16_to_f32(const uint16_t *x, float *y, size_t n) { CALL(bf16_to_f32, x, y, n); }
void ck_f16_to_f32(const uint16_t *x, float *y, size_t n) { CALL(f16_to_f32, x, y, n); }
void ck_f64_to_f32(const double *x, float *y, size_t n) { CALL(f64_to_f32, x, y, n); }
void ck_f32_to_bf16(const float *x, uint16_t *y, size_t n) { CALL(f32_to_bf16, x, y, n); }
void ck_f32_to_f16(const float *x, uint16_t *y, size_t n) { CALL(f32_to_f16, x, y, n); }
void ck_f32_to_f64(const float *x, double *y, size_t n) { CALL(f32_to_f64, x, y, n); }
void ck_scale(float a, const float *x, float *y, size_t n) { CALL(scale, a, x, y, n); }
void ck_add_scaled(float a, const float *x, float *y, size_t n) { CALL(add_scaled, a, x, y, n); }
