#include "training.h"
#include "vector.h"
#include <stdlib.h>

enum { ATTENTION_BLOCK = 24 };
// Rows of scores that lie an odd number of cache lines apart do not fall into the same set.
#define ATTENTION_STRIDE(length) (((length) + 31) / 32 * 32 + 16)

#define MK_BODY "training_attention.inc"
#include "each_level.h"

typedef struct attention_work {
  const mt_attention *attention;
  float *scratch;
  size_t floats;
  int backward;
} attention_work;

static void attend(void *argument, int thread, int threads) {
  const attention_work *w = argument;
  const mt_attention *a = w->attention;
  size_t from, to;
  mk_share(a->batch * a->kv_heads, 1, thread, threads, &from, &to);
  for (size_t job = from; job < to; job++) {
    float *scratch = w->scratch + (size_t)thread * w->floats;
    if (w->backward) MK_CALL(attend_backward, a, job / a->kv_heads, job % a->kv_heads, scratch);
    else MK_CALL(attend, a, job / a->kv_heads, job % a->kv_heads, scratch);
  }
}

static int run(mt_context *context, const mt_attention *a, int backward) {
  size_t width = (a->head + 31) / 32 * 32, area = (a->length + 31) / 32 * 32 * width;
  size_t floats = 3 * area + 2 * ATTENTION_BLOCK * ATTENTION_STRIDE(a->length) + ATTENTION_BLOCK * width;
  attention_work w = {.attention = a, .floats = floats, .backward = backward};
  w.scratch = mt_reserve(context, floats * (size_t)context->threads);
  if (!w.scratch) return 0;
  mt_run(context, a->batch * a->length * a->heads * a->head, attend, &w);
  return 1;
}

int mt_attend(mt_context *context, const mt_attention *attention) { return run(context, attention, 0); }
int mt_attend_backward(mt_context *context, const mt_attention *attention) { return run(context, attention, 1); }
