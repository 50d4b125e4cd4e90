#include "centram_kernels.h"
#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Elements that a kernel with buffers of its own works on at a time: a few kilobytes of the first-level cache.
#define PIECE ((size_t)512)
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static inline uint32_t bits_of(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}
#define BITS(x) bits_of(x)

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

static int known = -1; // a race writes the same value twice
static _Thread_local int forced_base;

static int level(void) {
  if (forced_base) return LEVEL_BASE;
  int now = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (now < 0) {
    now = detect();
    __atomic_store_n(&known, now, __ATOMIC_RELAXED);
  }
  return now;
}

void ck_force_base(int forced) { forced_base = forced; }

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

typedef const float *const *inputs_t;
typedef const float *in_t;

void ck_combine(inputs_t x, const float *c, size_t inputs, float *y, size_t n) { CALL(combine, x, c, inputs, y, n); }
void ck_divide(float a, float *y, size_t n) { CALL(divide, a, y, n); }
void ck_combine_deltas(inputs_t x, const float *c, size_t inputs, in_t b, float *y, size_t n) { CALL(combine_deltas, x, c, inputs, b, y, n); }
void ck_combine_each(in_t x, in_t y, in_t b, in_t p, in_t q, float *z, size_t n) { CALL(combine_each, x, y, b, p, q, z, n); }
void ck_difference(in_t x, in_t b, float *d, size_t n) { CALL(difference, x, b, d, n); }
void ck_keep_band(in_t x, in_t b, uint32_t lo, uint32_t hi, float *d, size_t n) { CALL(keep_band, x, b, lo, hi, d, n); }
void ck_keep_below(in_t x, in_t b, const uint32_t *random, uint32_t limit, float *d, size_t n) { CALL(keep_below, x, b, random, limit, d, n); }
void ck_keep_masked(in_t x, in_t b, const uint8_t *mask, float *d, size_t n) { CALL(keep_masked, x, b, mask, d, n); }

void ck_add_sum(inputs_t d, const float *c, size_t inputs, in_t b, float *y, size_t n) { CALL(add_sum, d, c, inputs, b, y, n); }
void ck_add_elected(inputs_t d, const float *c, const float *w, size_t inputs, int normalize, float lambda, in_t b, float *y, size_t n) {
  CALL(add_elected, d, c, w, inputs, normalize, lambda, b, y, n);
}
void ck_add_elected_mean(inputs_t d, const float *w, size_t inputs, in_t b, float *y, size_t n) { CALL(add_elected_mean, d, w, inputs, b, y, n); }

void ck_gram(inputs_t x, in_t b, size_t inputs, double *g, size_t n) { CALL(gram, x, b, inputs, g, n); }
void ck_column_dots(in_t x, in_t y, in_t b, size_t n, double *xx, double *xy, double *yy) { CALL(column_dots, x, y, b, n, xx, xy, yy); }
double ck_l1(in_t x, size_t n) { return CALL(l1, x, n); }
double ck_dot(in_t x, in_t y, in_t b, size_t n) { return CALL(dot, x, y, b, n); }
double ck_divergence(in_t x, in_t b, size_t n) { return CALL(divergence, x, b, n); }

void ck_keys_of_differences(in_t x, in_t b, uint32_t *keys, size_t n) { CALL(keys_of_differences, x, b, keys, n); }
void ck_keys_of_variances(inputs_t x, size_t inputs, in_t b, uint32_t *keys, size_t n) { CALL(keys_of_variances, x, inputs, b, keys, n); }
void ck_keys_of_importance(in_t x, in_t b, double factor, uint32_t *keys, size_t n) { CALL(keys_of_importance, x, b, factor, keys, n); }
void ck_histogram(const uint32_t *keys, size_t n, uint32_t shift, uint32_t *counts) { CALL(histogram, keys, n, shift, counts); }
size_t ck_file_keys(const uint32_t *keys, size_t n, uint32_t lo, uint32_t span, uint32_t shift, ck_bucket *buckets) {
  return CALL(file_keys, keys, n, lo, span, shift, buckets);
}
size_t ck_count_equal(const uint32_t *keys, size_t n, uint32_t key) { return CALL(count_equal, keys, n, key); }

void ck_keep_by_rank(const uint32_t *keys, const uint32_t *random, size_t n, double low, double step, uint64_t *entries, uint8_t *mask) {
  CALL(keep_by_rank, keys, random, n, low, step, entries, mask);
}
void ck_pack_bits(const uint8_t *mask, uint8_t *bits, size_t n) { CALL(pack_bits, mask, bits, n); }
void ck_unpack_bits(const uint8_t *bits, uint8_t *mask, size_t n) { CALL(unpack_bits, bits, mask, n); }
void ck_mask_band(const uint32_t *keys, uint32_t lo, uint32_t hi, uint8_t *mask, size_t n) { CALL(mask_band, keys, lo, hi, mask, n); }

void ck_philox(uint64_t key, uint64_t stream, uint64_t index, uint32_t *random, size_t n) { CALL(philox, key, stream, index, random, n); }

void ck_near_swap(in_t x, in_t b, float t, float *y, size_t n) { CALL(near_swap, x, b, t, y, n); }
void ck_add_changed(inputs_t x, const float *factors, size_t inputs, float epsilon, in_t b, float *y, size_t n) {
  CALL(add_changed, x, factors, inputs, epsilon, b, y, n);
}
void ck_count_changed(inputs_t x, size_t inputs, float epsilon, in_t b, uint64_t *unique, uint64_t *shared, size_t n) {
  CALL(count_changed, x, inputs, epsilon, b, unique, shared, n);
}
void ck_select_important(in_t x, in_t b, double factor, float threshold, float *y, size_t n) {
  CALL(select_important, x, b, factor, threshold, y, n);
}
