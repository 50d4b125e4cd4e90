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

// ---- checks ----
// 1 if |x| <= limit for all elements; a NaN makes it 0
int ck_all_within(const float *x, float limit, size_t n);

// "base", "avx2": the level in use.
const char *ck_level(void);
#endif
