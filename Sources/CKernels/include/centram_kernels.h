// Kernels on buffers. Each gives the same bits on every instruction set: element-wise ones round each operation once
// and fuse nothing; sums have one fixed order (see the comment at each).
// CENTRAM_ISA=base|avx2 forces a level, for the test that holds this.
#ifndef CENTRAM_KERNELS_H
#define CENTRAM_KERNELS_H
#include <stddef.h>
#include <stdint.h>

// ---- number formats: round to nearest, ties to even; NaN stays NaN ----
void ck_bf16_to_f32(const uint16_t *x, float *y, size_t n);
void ck_f16_to_f32(const uint16_t *x, float *y, size_t n);
void ck_f64_to_f32(const double *x, float *y, size_t n);
void ck_f32_to_bf16(const float *x, uint16_t *y, size_t n);
void ck_f32_to_f16(const float *x, uint16_t *y, size_t n);
void ck_f32_to_f64(const float *x, double *y, size_t n);

// ---- element-wise ----
// y = a·x
void ck_scale(float a, const float *x, float *y, size_t n);
// y = y + a·x: the product is rounded, then the sum
void ck_add_scaled(float a, const float *x, float *y, size_t n);

// y = sum of c[i]·x[i], in the order of the inputs
void ck_combine(const float *const *x, const float *c, size_t inputs, float *y, size_t n);
// y = y / a
void ck_divide(float a, float *y, size_t n);
// y = b + sum of c[i]·(x[i] − b)
void ck_combine_deltas(const float *const *x, const float *c, size_t inputs, const float *b, float *y, size_t n);
// z = p·x + q·y, element by element; with a base, which may be NULL: b + p·(x − b) + q·(y − b)
void ck_combine_each(const float *x, const float *y, const float *b, const float *p, const float *q, float *z, size_t n);
// d = x − b
void ck_difference(const float *x, const float *b, float *d, size_t n);

// ---- task vectors d = x − b with entries left out as 0 ----
// Keeps those whose magnitude has a bit pattern in [lo, hi].
void ck_keep_band(const float *x, const float *b, uint32_t lo, uint32_t hi, float *d, size_t n);
// Keeps those with random < limit.
void ck_keep_below(const float *x, const float *b, const uint32_t *random, uint32_t limit, float *d, size_t n);
// Keeps those whose mask is not 0.
void ck_keep_masked(const float *x, const float *b, const uint8_t *mask, float *d, size_t n);

// ---- sums of task vectors ----
// y = b + sum of c[i]·d[i]
void ck_add_sum(const float *const *d, const float *c, size_t inputs, const float *b, float *y, size_t n);
// Only the c[i]·d[i] with the sign of their sum (0 counts as positive): y = b + lambda·sum, the sum divided by theirs
// of w[i] if normalize (where that is 0, by 1).
void ck_add_elected(
  const float *const *d, const float *c, const float *w, size_t inputs, int normalize, float lambda, const float *b, float *y, size_t n);
// Only the d[i] with the sign of their sum: y = b + their mean with weights w[i]; b where there is none.
void ck_add_elected_mean(const float *const *d, const float *w, size_t inputs, const float *b, float *y, size_t n);

// ---- sums in double precision; the order is in reductions.inc ----
// Adds dot products of x[i] − b (of x[i] where b is NULL) to g[i·inputs + j], i <= j.
void ck_gram(const float *const *x, const float *b, size_t inputs, double *g, size_t n);
// Adds the products of x − b and y − b, element by element; b may be NULL.
void ck_column_dots(const float *x, const float *y, const float *b, size_t n, double *xx, double *xy, double *yy);
double ck_dot(const float *x, const float *y, const float *b, size_t n);
double ck_l1(const float *x, size_t n);
// Sum of p·log(p/q) with p = softmax(x) + 1e-8, q = softmax(b) + 1e-8.
double ck_divergence(const float *x, const float *b, size_t n);

// ---- order statistics; a key is the bit pattern of a number >= 0 ----
typedef struct {
  uint32_t count, least, greatest;
} ck_bucket;
// |x − b|
void ck_keys_of_differences(const float *x, const float *b, uint32_t *keys, size_t n);
// The population variance of the x[i] − b.
void ck_keys_of_variances(const float *const *x, size_t inputs, const float *b, uint32_t *keys, size_t n);
// factor·|x − b|
void ck_keys_of_importance(const float *x, const float *b, double factor, uint32_t *keys, size_t n);
// counts[key >> shift] += 1
void ck_histogram(const uint32_t *keys, size_t n, uint32_t shift, uint32_t *counts);
// Files keys in [lo, lo + span) into buckets of 2^shift; returns how many are below lo.
size_t ck_file_keys(const uint32_t *keys, size_t n, uint32_t lo, uint32_t span, uint32_t shift, ck_bucket *buckets);
size_t ck_count_equal(const uint32_t *keys, size_t n, uint32_t key);

// ---- masks ----
// mask = lo <= key <= hi
void ck_mask_band(const uint32_t *keys, uint32_t lo, uint32_t hi, uint8_t *mask, size_t n);
// mask = random < low + rank·step, rank by key, then by index; `entries` is room for n. n is below 2^32.
void ck_keep_by_rank(const uint32_t *keys, const uint32_t *random, size_t n, double low, double step, uint64_t *entries, uint8_t *mask);
// A byte of 0 or 1 an element to a bit an element, (n + 7) / 8 bytes, and back.
void ck_pack_bits(const uint8_t *mask, uint8_t *bits, size_t n);
void ck_unpack_bits(const uint8_t *bits, uint8_t *mask, size_t n);

// ---- random bits ----
// Philox4x32-10: element index + i has word (index + i) % 4 of counter ((index + i) / 4, stream).
void ck_philox(uint64_t key, uint64_t stream, uint64_t index, uint32_t *random, size_t n);

// ---- single methods ----
// w = clamp(t / max(|b − x|, 1e-6), 0, 1); y = w·x + (1 − w)·b
void ck_near_swap(const float *x, const float *b, float t, float *y, size_t n);
// y = b + mean of the d[i] with |d[i]| > epsilon; a single one is multiplied by its factor instead.
void ck_add_changed(const float *const *x, const float *factors, size_t inputs, float epsilon, const float *b, float *y, size_t n);
// Adds to unique[i] and shared[i] the elements that input i changed alone and together with others.
void ck_count_changed(const float *const *x, size_t inputs, float epsilon, const float *b, uint64_t *unique, uint64_t *shared, size_t n);
// y = x where factor·|x − b| >= threshold, else b
void ck_select_important(const float *x, const float *b, double factor, float threshold, float *y, size_t n);

// ---- checks ----
// 1 if |x| <= limit for all elements; a NaN makes it 0
int ck_all_within(const float *x, float limit, size_t n);
// Converts, and returns 1 if all are finite
int ck_bf16_to_f32_finite(const uint16_t *x, float *y, size_t n);
// Converts, and returns 1 if |x| <= limit for all; else y holds nothing of use
int ck_f32_to_bf16_within(const float *x, float limit, uint16_t *y, size_t n);
// Copies stored numbers, reading each once, and returns 1 if all are finite; `exponent` are the bits of a format's exponent
int ck_copy_finite_16(const uint16_t *x, uint16_t exponent, uint16_t *y, size_t n);
int ck_copy_finite_32(const uint32_t *x, uint32_t *y, size_t n);
int ck_copy_finite_64(const uint64_t *x, uint64_t *y, size_t n);

// Uses the base level for what this thread calls, or again the best; for the tests that compare them.
void ck_force_base(int forced);
#endif
