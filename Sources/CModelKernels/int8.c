// The 8-bit profile, "c16-int8-v1". Reference: int8_base.inc; the other levels have its bits.
//
// Activations. A row of k floats is cut into blocks of 32. d = max|x| / 127, q = x · (1/d) rounded to the nearest, ties to even;
// both divisions are float32. Where 1/d overflows (all x below about 4e-37, or zero), d = 0 and every q = 0. Where a block
// holds an infinity or a NaN, d is NaN and every q = 0, so every product with the block is NaN.
//
// Weights. Blocks of 32 too (a block of 256 is eight of them): weight = D · code + M, where
//   Q8_0        D = d                 code = q          M = 0
//   Q4_0, Q5_0  D = d                 code = q - 8, -16 M = 0
//   Q4_1, Q5_1  D = d                 code = q          M = m
//   Q4_K, Q5_K  D = d (of the 256)    code = s · q      M = -dmin · m     s, m: the 6-bit scale and minimum of the 32
//   Q6_K        D = d (of the 256)    code = s · (q-32) M = 0             s: the 8-bit scale of the 16
// D and M are float32 and exact.
//
// A dot product. For block b: I = the sum of code · q over the block, an exact integer below 2^24; S = d · float(sum of q).
// Eight lanes start at +0; for b = 0, 1, 2, …, with j = b % 8:
//   lane[j] = fma(D · d, float(I), lane[j])
//   lane[j] = fma(M, S, lane[j])              in the formats that have M
// then the tree: lane[j] += lane[j+4] for j < 4; += lane[j+2] for j < 2; lane[0] + lane[1]. The bias is added last.
// A NaN is written as 0x7fc00000. A product D · d is rounded once; nothing else is rounded but the steps named.
//
// Integers are exact in any order, so tiles may be cut as the machine likes them; the float part depends on k alone.
#include "centram_model_kernels.h"
#include "half.h"
#include <stdatomic.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#pragma STDC FP_CONTRACT OFF

#define I8_INLINE static inline __attribute__((always_inline))
#define I8_UNROLL _Pragma("clang loop unroll(full)")

#include "int8_layout.inc"
#include "int8_base.inc"
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "int8_avx2.inc"
#include "int8_avx2_dot.inc"
#include "int8_avx2_pack.inc"
#include "int8_avx2_tile.inc"
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#include "int8_vnni.inc"
#pragma clang attribute pop
#endif

int mk_has_int8(mk_format format) { return mk_block_length(format) > 1; }

size_t mk_activation_bytes(size_t k, size_t m) { return i8_row_bytes(k) * m; }

// ---- quantising

typedef struct {
  const float *x;
  size_t ldx, m, k;
  uint8_t *activations;
} i8_quantization;

static void i8_quantize_rows(void *context, int thread, int threads) {
  const i8_quantization *job = context;
  size_t first = job->m * (size_t)thread / (size_t)threads, end = job->m * (size_t)(thread + 1) / (size_t)threads;
  for (size_t row = first; row < end; row++) {
    i8_column column = i8_row(job->activations, job->k, row);
#if defined(__x86_64__)
    if (mk_level() >= MK_AVX2) {
      i8_avx2_quantize(job->x + row * job->ldx, job->k, column);
      continue;
    }
#endif
    i8_base_quantize(job->x + row * job->ldx, job->k, column);
  }
}

void mk_quantize_activations(mk_pool *pool, const float *x, size_t ldx, size_t m, size_t k, void *activations) {
  i8_quantization job = {x, ldx, m, k, activations};
  if (m * k < 16384) {
    i8_quantize_rows(&job, 0, 1);
  } else {
    mk_pool_run(pool, i8_quantize_rows, &job);
  }
}

// ---- multiplying

// Rows are handed out in pieces, so that a thread that the machine delays holds nobody up for long: long ones first, since a piece
// that begins elsewhere in memory begins slowly.
static size_t i8_take(i8_job *job, size_t threads, size_t *end) {
  size_t first = atomic_load_explicit(&job->next, memory_order_relaxed), count;
  do {
    if (first >= job->n) return first;
    size_t left = job->n - first;
    count = left * 3 / (threads * 4) / I8_ROWS_TOGETHER * I8_ROWS_TOGETHER;
    if (count < job->piece) count = job->piece < left ? job->piece : left;
    if (threads == 1) count = left;
  } while (!atomic_compare_exchange_weak_explicit(&job->next, &first, first + count, memory_order_relaxed, memory_order_relaxed));
  *end = first + count;
  return first;
}

static void i8_multiply(void *context, int thread, int threads) {
  (void)thread;
  i8_job *job = context;
  for (;;) {
    size_t end, first = i8_take(job, (size_t)threads, &end);
    if (first >= job->n) return;
#if defined(__x86_64__)
    if (job->level >= MK_AVX2) {
      if (job->m >= I8_TILE_COLUMNS) {
        size_t whole = first + (end - first) / I8_ROWS_TOGETHER * I8_ROWS_TOGETHER;
        for (size_t row = first; row < whole; row += I8_ROWS_TOGETHER) {
          if (job->level >= MK_AVX512) {
            i8_vnni_panel(job, row);
          } else {
            i8_avx2_panel(job, row);
          }
        }
        first = whole;
      }
      i8_avx2_rows(job, first, end);
      continue;
    }
#endif
    i8_base_rows(job, first, end);
  }
}

static i8_job i8_prepare(const mk_matrix *matrix, size_t k, const void *activations, size_t m, size_t ldy) {
  i8_job job = {.format = matrix->format, .weights = matrix->w, .n = matrix->n, .k = k, .blocks = k / 32, .row_bytes = mk_row_bytes(matrix->format, k),
    .activations = activations, .m = m, .bias = matrix->bias, .y = matrix->y, .ldy = ldy, .level = mk_level()};
  // At least 16 rows and, where columns are few, 32 KB.
  size_t rows = m >= I8_TILE_COLUMNS ? 1 : 32768 / (job.row_bytes + 1);
  job.piece = (rows + I8_ROWS_TOGETHER) / I8_ROWS_TOGETHER * I8_ROWS_TOGETHER;
  return job;
}

void mk_matmul_int8(mk_pool *pool, mk_format format, const void *w, size_t n, size_t k, const void *activations, size_t m, const float *bias, float *y, size_t ldy) {
  mk_matrix matrix = {format, w, n, bias, y};
  i8_job job = i8_prepare(&matrix, k, activations, m, ldy);
  if (n * k * m < 32768) {
    i8_multiply(&job, 0, 1);
  } else {
    mk_pool_run(pool, i8_multiply, &job);
  }
}

typedef struct i8_several {
  i8_job jobs[MK_GROUP];
  size_t count;
} i8_several;

// A thread that finds nothing left of one matrix goes on with the next.
static void i8_multiply_group(void *context, int thread, int threads) {
  i8_several *group = context;
  for (size_t i = 0; i < group->count; i++) i8_multiply(&group->jobs[i], thread, threads);
}

void mk_matmul_int8_group(mk_pool *pool, const mk_matrix *matrices, size_t count, size_t k, const void *activations, size_t m, size_t ldy) {
  if (count > MK_GROUP) {
    for (size_t i = 0; i < count; i++)
      mk_matmul_int8(pool, matrices[i].format, matrices[i].w, matrices[i].n, k, activations, m, matrices[i].bias, matrices[i].y, ldy);
    return;
  }
  i8_several group = {.count = count};
  size_t rows = 0;
  for (size_t i = 0; i < count; i++) {
    group.jobs[i] = i8_prepare(&matrices[i], k, activations, m, ldy);
    rows += matrices[i].n;
  }
  mk_pool_run(rows * k * m < 32768 ? NULL : pool, i8_multiply_group, &group);
}
