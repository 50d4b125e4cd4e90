#include "training.h"
#include "vector.h"
#include <stdlib.h>

#define MK_BODY "training_gemm.inc"
#include "each_level.h"

mt_context *mt_context_create(mk_pool *pool) {
  mt_context *context = malloc(sizeof *context);
  if (!context) return NULL;
  context->reserve = NULL;
  context->reserved = 0;
  context->pool = pool;
  context->threads = pool ? mk_pool_threads(pool) : 1;
  context->scratch = aligned_alloc(64, (size_t)context->threads * MT_SCRATCH * sizeof(float));
  if (context->scratch) return context;
  free(context);
  return NULL;
}

void mt_context_destroy(mt_context *context) {
  if (!context) return;
  free(context->scratch);
  free(context->reserve);
  free(context);
}

float *mt_reserve(mt_context *context, size_t floats) {
  if (floats <= context->reserved) return context->reserve;
  free(context->reserve);
  context->reserve = aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64);
  context->reserved = context->reserve ? floats : 0;
  return context->reserve;
}

typedef struct work {
  const mt_context *context;
  const mt_gemm *product;
} work;

static void multiply(void *argument, int thread, int threads) {
  const work *w = argument;
  const mt_gemm *g = w->product;
  size_t i0 = 0, i1 = g->m, j0 = 0, j1 = g->n;
  // Columns are split where they are many: then no weight is unpacked twice.
  if (g->n >= 128 * (size_t)threads) mk_share(g->n, g->b_transposed ? 32 : 256, thread, threads, &j0, &j1);
  else mk_share(g->m, 12, thread, threads, &i0, &i1);
  if (i0 < i1 && j0 < j1) MK_CALL(gemm, g, i0, i1, j0, j1, mt_scratch(w->context, thread));
}

void mt_multiply(mt_context *context, const mt_gemm *product) {
  work w = {context, product};
  mk_pool_run(context->pool, multiply, &w);
}
