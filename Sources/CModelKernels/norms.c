#include "level.h"

typedef struct mk_norm_job {
  const float *x, *weight, *bias;
  float *y, epsilon;
  size_t ldx, ldy, rows, d;
  int layer;
} mk_norm_job;

#define MK_BODY "norms.inc"
#include "each_level.h"

// Below this a row or two are done before another thread has woken.
#define WORTH_SHARING 8192

static void share(void *context, int thread, int threads) {
  const mk_norm_job *job = context;
  size_t from, to;
  mk_share(job->rows, 1, thread, threads, &from, &to);
  MK_CALL(norm_rows, job, from, to);
}

static void norm(mk_pool *pool, mk_norm_job *job) { mk_pool_run(job->rows * job->d < WORTH_SHARING ? NULL : pool, share, job); }

void mk_rms_norm(mk_pool *pool, const float *x, size_t ldx, const float *weight, float epsilon, float *y, size_t ldy, size_t rows, size_t d) {
  norm(pool, &(mk_norm_job){x, weight, NULL, y, epsilon, ldx, ldy, rows, d, 0});
}

void mk_layer_norm(mk_pool *pool, const float *x, size_t ldx, const float *weight, const float *bias, float epsilon, float *y, size_t ldy, size_t rows, size_t d) {
  norm(pool, &(mk_norm_job){x, weight, bias, y, epsilon, ldx, ldy, rows, d, 1});
}
