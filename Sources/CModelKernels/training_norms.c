#include "training.h"
#include "vector.h"

typedef struct norm_work {
  int layer;
  const float *dy, *x, *weight, *bias;
  float epsilon, *statistics, *y, *dweight, *dbias;
  size_t rows, d, ld;
} norm_work;

#define MK_BODY "training_norms.inc"
#include "each_level.h"

static void norm(void *argument, int thread, int threads) {
  const norm_work *w = argument;
  size_t from, to;
  mk_share(w->rows, 1, thread, threads, &from, &to);
  MK_CALL(norm, w, from, to);
}

static void backward(void *argument, int thread, int threads) {
  const norm_work *w = argument;
  size_t from, to;
  mk_share(w->rows, 1, thread, threads, &from, &to);
  MK_CALL(norm_backward, w, from, to);
}

static void gradients(void *argument, int thread, int threads) {
  const norm_work *w = argument;
  size_t from, to;
  mk_share(w->d, 16, thread, threads, &from, &to);
  MK_CALL(norm_gradients, w, from, to);
}

static void sums(void *argument, int thread, int threads) {
  const norm_work *w = argument;
  size_t from, to;
  mk_share(w->d, 16, thread, threads, &from, &to);
  MK_CALL(column_sums, w->dy, w->ld, w->rows, w->y, from, to);
}

void mt_norm(mt_context *context, int layer, const float *x, const float *weight, const float *bias, float epsilon, float *y, float *statistics, size_t rows, size_t d) {
  norm_work w = {.layer = layer, .x = x, .weight = weight, .bias = bias, .epsilon = epsilon, .y = y, .statistics = statistics, .rows = rows, .d = d};
  mt_run(context, rows * d, norm, &w);
}

void mt_norm_backward(mt_context *context, int layer, const float *dy, const float *x, const float *weight, const float *statistics, float *dx, size_t rows, size_t d) {
  norm_work w = {.layer = layer, .dy = dy, .x = x, .weight = weight, .y = dx, .statistics = (float *)statistics, .rows = rows, .d = d};
  mt_run(context, rows * d, backward, &w);
}

void mt_norm_gradients(mt_context *context, const float *dy, const float *x, const float *statistics, float *dweight, float *dbias, size_t rows, size_t d) {
  norm_work w = {.dy = dy, .x = x, .statistics = (float *)statistics, .dweight = dweight, .dbias = dbias, .rows = rows, .d = d};
  mt_run(context, rows * d, gradients, &w);
}

void mt_column_sums(mt_context *context, const float *dy, size_t ld, size_t rows, size_t n, float *out) {
  norm_work w = {.dy = dy, .ld = ld, .y = out, .rows = rows, .d = n};
  mt_run(context, rows * n, sums, &w);
}
