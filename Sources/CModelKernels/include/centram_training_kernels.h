// Kernels of training: products of matrices for gradients, attention and layers backward, cross entropy, AdamW.
//
// A product here has its own order, not that of centram_model_kernels.h: each element is one chain of fma over k, ascending. Sums over a
// row (norms, softmax, cross entropy) are by sixteen lanes and the tree, as there. Sums over rows (gradients of biases and norms) are chains
// over the rows, ascending. So bits depend neither on threads nor on the instruction set.
#pragma once
#include "centram_model_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// Scratch for each thread of a pool; pool may be NULL. One call at a time. NULL where memory is short.
typedef struct mt_context mt_context;
mt_context *mt_context_create(mk_pool *pool);
void mt_context_destroy(mt_context *context);

// C[m][n] = A · B (+ what C holds) (+ bias) (+ add).
typedef struct mt_gemm {
  size_t m, n, k;
  // [m][k], or where transposed [k][m]; rows lda floats apart
  const float *a;
  size_t lda;
  int a_transposed;
  // [k][n], or where transposed [n][k], in any format; rows b_row_bytes apart, at any alignment
  mk_format b_format;
  const void *b;
  size_t b_row_bytes;
  int b_transposed;
  float *c;
  size_t ldc;
  int accumulate;    // the chain goes on from C
  const float *bias; // n floats, added after the chain; may be NULL
  const float *add;  // [m][n], added after the bias; may be NULL, may be C
  size_t ldadd;
} mt_gemm;
void mt_multiply(mt_context *context, const mt_gemm *product);

// ---- norms over rows of d; statistics are two floats a row: the mean (0 for RMS norms) and 1 / deviation
void mt_norm(mt_context *context, int layer, const float *x, const float *weight, const float *bias, float epsilon, float *y, float *statistics, size_t rows, size_t d);
// dx += the gradient of x
void mt_norm_backward(mt_context *context, int layer, const float *dy, const float *x, const float *weight, const float *statistics, float *dx, size_t rows, size_t d);
// dweight and dbias (NULL for RMS norms) go on from what they hold
void mt_norm_gradients(mt_context *context, const float *dy, const float *x, const float *statistics, float *dweight, float *dbias, size_t rows, size_t d);

// ---- layers
// sums[j] goes on with dy[0][j], dy[1][j], …
void mt_column_sums(mt_context *context, const float *dy, size_t ld, size_t rows, size_t n, float *sums);
// Row r is at position r % length; cosines and sines have head/2 for each position. backward: the other way round.
void mt_rotate(mt_context *context, float *x, size_t ld, size_t rows, size_t length, size_t heads, size_t head, const float *cosines, const float *sines, int backward);
// y = gelu(x), the tanh form, and x becomes gelu's slope there: the backward pass multiplies by it.
void mt_gelu(mt_context *context, float *x, float *y, size_t count);
// y[i] = y[i] · x[i]
void mt_multiply_by(mt_context *context, const float *x, float *y, size_t count);
// Rows of x hold width gates, then width ups; y[i] = silu(gate[i]) · up[i]
void mt_swiglu(mt_context *context, const float *x, float *y, size_t rows, size_t width);
void mt_swiglu_backward(mt_context *context, const float *x, const float *dy, float *dx, size_t rows, size_t width);
// y[r] += row ids[r] of a table of any format, or = it where !accumulate
void mt_gather(mt_context *context, mk_format format, const void *table, const int32_t *ids, float *y, size_t rows, size_t d, int accumulate);
// table[ids[r]] += x[r], row after row
void mt_scatter(mt_context *context, float *table, const int32_t *ids, const float *x, size_t rows, size_t d);
// y[i] = words[i] < limit ? 0 : x[i] · scale
void mt_drop(const uint32_t *words, uint32_t limit, const float *x, float scale, float *y, size_t count);

// ---- attention of each position to those before it and itself, for `batch` rows of `length` positions
typedef struct mt_attention {
  size_t batch, length, heads, kv_heads, head;
  const float *query, *key, *value; // rows ld floats apart, heads side by side
  size_t ld;
  float *out; // rows ldo floats apart
  size_t ldo;
  float *statistics;  // for [batch][heads][length]: the largest score and 1 / the sum of exponentials
  const float *dout;  // backward: as out
  float *dquery, *dkey, *dvalue; // backward: as query, key, value; overwritten
} mt_attention;
// 0 where memory is short.
int mt_attend(mt_context *context, const mt_attention *attention);
int mt_attend_backward(mt_context *context, const mt_attention *attention);

// ---- loss and gradients
// losses[r] = log(sum of exp(logits[r])) - logits[r][targets[r]]; with gradient, logits becomes softmax - one at the target, times scales[r].
void mt_cross_entropy(mt_context *context, float *logits, size_t rows, size_t vocabulary, const int32_t *targets, double *losses, const float *scales);
// The sum of squares as double: blocks of 4096, in each sixteen lanes and the tree, then block after block.
double mt_square_sum(mt_context *context, const float *x, size_t count);
void mt_scale(mt_context *context, float *x, float factor, size_t count);
// y[i] = fma(factor, x[i], y[i])
void mt_add_scaled(mt_context *context, float *y, float factor, const float *x, size_t count);

#ifdef __cplusplus
}
#endif
