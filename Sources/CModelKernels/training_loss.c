#include "training.h"
#include "vector.h"
#include <math.h>

#define MK_BODY "training_loss.inc"
#include "each_level.h"

typedef struct loss_work {
  float *x;
  const float *scales, *other;
  float factor;
  const int32_t *targets;
  double *losses;
  size_t rows, n;
} loss_work;

static void cross_entropy(void *argument, int thread, int threads) {
  const loss_work *w = argument;
  size_t from, to;
  mk_share(w->rows, 1, thread, threads, &from, &to);
  for (size_t r = from; r < to; r++) w->losses[r] = MK_CALL(cross_entropy, w->x + r * w->n, w->n, w->targets[r], w->scales ? w->scales + r : NULL);
}

void mt_cross_entropy(mt_context *context, float *logits, size_t rows, size_t vocabulary, const int32_t *targets, double *losses, const float *scales) {
  mt_run(context, rows * vocabulary, cross_entropy, &(loss_work){.x = logits, .scales = scales, .targets = targets, .losses = losses, .rows = rows, .n = vocabulary});
}

enum { BLOCK = 4096 };

static void square_sums(void *argument, int thread, int threads) {
  const loss_work *w = argument;
  size_t from, to;
  mk_share(w->n, BLOCK, thread, threads, &from, &to);
  for (size_t i = from; i < to; i += BLOCK) w->losses[i / BLOCK] = MK_CALL(square_sum, w->x + i, MK_MIN(to - i, (size_t)BLOCK));
}

double mt_square_sum(mt_context *context, const float *x, size_t count) {
  double sum = 0, parts[512];
  for (size_t i = 0; i < count; i += 512 * BLOCK) { // as many blocks as fit the stack
    size_t n = MK_MIN(count - i, (size_t)512 * BLOCK);
    mt_run(context, n, square_sums, &(loss_work){.x = (float *)x + i, .losses = parts, .n = n});
    for (size_t b = 0; b * BLOCK < n; b++) sum += parts[b];
  }
  return sum;
}

static void scale(void *argument, int thread, int threads) {
  const loss_work *w = argument;
  size_t from, to;
  mk_share(w->n, 64, thread, threads, &from, &to);
  MK_CALL(scale, w->x + from, w->factor, to - from);
}

void mt_scale(mt_context *context, float *x, float factor, size_t count) { mt_run(context, count, scale, &(loss_work){.x = x, .factor = factor, .n = count}); }

static void add_scaled(void *argument, int thread, int threads) {
  const loss_work *w = argument;
  size_t from, to;
  mk_share(w->n, 64, thread, threads, &from, &to);
  MK_CALL(add_scaled, w->x + from, w->factor, w->other + from, to - from);
}

void mt_add_scaled(mt_context *context, float *y, float factor, const float *x, size_t count) {
  mt_run(context, count, add_scaled, &(loss_work){.x = y, .other = x, .factor = factor, .n = count});
}
