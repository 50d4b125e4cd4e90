// Kernels of a language model's forward and backward pass, on buffers that the caller owns.
//
// Every sum has one definition, so a result does not depend on tiling, batch, threads or instruction set. A dot product of
// length k is sixteen lanes, lane j = the chain of fma(w[i], x[i], lane[j]) over i = j, j+16, j+32, … < k, starting at +0;
// then the tree: lane[j] += lane[j+8] for j < 8; += lane[j+4] for j < 4; += lane[j+2] for j < 2; lane[0] + lane[1].
// Only IEEE operations: no contraction, no fast-math, no flush to zero. exp is our own.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- formats: numbers as in GGUF
typedef enum mk_format {
  MK_F32 = 0, MK_F16 = 1, MK_Q4_0 = 2, MK_Q4_1 = 3, MK_Q5_0 = 6, MK_Q5_1 = 7, MK_Q8_0 = 8,
  MK_Q4_K = 12, MK_Q5_K = 13, MK_Q6_K = 14, MK_BF16 = 30
} mk_format;

// Weights a block (1, 32 or 256) and bytes a block; 0 for a format that is not known.
size_t mk_block_length(mk_format format);
size_t mk_block_bytes(mk_format format);
// Bytes of a row of k weights; 0 where k is no multiple of the block.
size_t mk_row_bytes(mk_format format, size_t k);
// The float32 value of each of k weights; rows may lie at any alignment. This value is what a quantised weight is, everywhere.
void mk_dequantize(mk_format format, const void *row, float *y, size_t k);
// The nearest value by the rounding of ggml's reference quantiser. Formats: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0. 0: not supported.
int mk_quantize(mk_format format, const float *x, void *row, size_t k);

// ---- instruction set
enum { MK_BASE = 0, MK_AVX2 = 2, MK_AVX512 = 3 };
// The level in use: the best that the machine has, or what CENTRAM_ISA (base, avx2, avx512) says where that is lower.
int mk_level(void);
// For tests: forces a level for what this thread calls, and for what a pool's threads do for it; one that the machine lacks is refused
// with 0. -1: back to the best. Other threads keep theirs, so that a test of the slow level slows nothing beside it.
int mk_force_level(int level);

// ---- threads: a short spin, then a futex
typedef struct mk_pool mk_pool;
// The caller counts as thread 0. NULL where threads cannot be started.
mk_pool *mk_pool_create(int threads);
void mk_pool_destroy(mk_pool *pool);
int mk_pool_threads(const mk_pool *pool);
// Makes `threads` calls of work and returns when all are done. pool may be NULL: one thread. A thread that comes late finds its call made by another, so a call
// must not wait for another call. A pool runs one thing at a time; kernels that take it use its scratch memory too.
void mk_pool_run(mk_pool *pool, void (*work)(void *context, int thread, int threads), void *context);

// ---- the exact profile, "c16-fma-v1"
// Y[m][n] = X[m][k] · W[n][k]ᵀ (+ bias[n]). Rows of X are ldx floats apart, rows of Y ldy. bias may be NULL.
void mk_matmul(mk_pool *pool, mk_format format, const void *w, size_t n, size_t k, const float *x, size_t ldx, size_t m, const float *bias, float *y, size_t ldy);
// Up to MK_GROUP matrices that read the same x: the bits of one call each, but the threads meet once.
typedef struct mk_matrix {
  mk_format format;
  const void *w;
  size_t n;
  const float *bias; // may be NULL
  float *y;
} mk_matrix;
enum { MK_GROUP = 4 };
void mk_matmul_group(mk_pool *pool, const mk_matrix *matrices, size_t count, size_t k, const float *x, size_t ldx, size_t m, size_t ldy);

// ---- the 8-bit profile, "c16-int8-v1"
// Activations in blocks of 32: d = max|x| / 127 (float32), q = x · (1/d) rounded to even; d = 0 where all are 0.
// Products of a weight block and an activation block are summed as integers, exactly; see int8.c for the one order of the float part.
// Formats with integer weights only (Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K); mk_has_int8 says which.
int mk_has_int8(mk_format format);
size_t mk_activation_bytes(size_t k, size_t m);
void mk_quantize_activations(mk_pool *pool, const float *x, size_t ldx, size_t m, size_t k, void *activations);
void mk_matmul_int8(mk_pool *pool, mk_format format, const void *w, size_t n, size_t k, const void *activations, size_t m, const float *bias, float *y, size_t ldy);
void mk_matmul_int8_group(mk_pool *pool, const mk_matrix *matrices, size_t count, size_t k, const void *activations, size_t m, size_t ldy);

// ---- layers; rows are independent of each other, and split over threads
void mk_rms_norm(mk_pool *pool, const float *x, size_t ldx, const float *weight, float epsilon, float *y, size_t ldy, size_t rows, size_t d);
void mk_layer_norm(mk_pool *pool, const float *x, size_t ldx, const float *weight, const float *bias, float epsilon, float *y, size_t ldy, size_t rows, size_t d);
// Rotates halves (x[i], x[i + head/2]) of each head by the angles whose cosines and sines are given: head/2 of each a row.
void mk_rope(float *x, const float *cosines, const float *sines, size_t heads, size_t head);
// out[i] = silu(gate[i]) · up[i]
void mk_swiglu(mk_pool *pool, const float *gate, const float *up, float *out, size_t count);
// x[i] = gelu(x[i]), the tanh form
void mk_gelu(mk_pool *pool, float *x, size_t count);
void mk_add(float *y, const float *x, size_t count);
void mk_add_scaled(float *y, float a, const float *x, size_t count);

// One query row against its own prefix. Row t of keys starts at keys + t · stride, and has kv_heads × head floats.
typedef struct mk_attention_row {
  const float *query; // heads × head
  float *out;         // heads × head
  const float *keys, *values;
  size_t length;      // positions that the query sees, its own included
} mk_attention_row;
// softmax(q·k / sqrt(head)) · v for each row and head; query head h reads key-value head h / (heads / kv_heads).
// Sums over positions: exponentials in sixteen lanes by position, values position after position.
void mk_attention(mk_pool *pool, const mk_attention_row *rows, size_t count, size_t heads, size_t kv_heads, size_t head, size_t stride);

// y[i] = exp(x[i]), within 2 units in the last place from -87 to 88; 0 below
void mk_exp(const float *x, float *y, size_t count);
// log of the sum of exponentials, and the place of the first largest
float mk_log_sum_exp(const float *x, size_t count);
size_t mk_arg_max(const float *x, size_t count);

#ifdef __cplusplus
}
#endif
