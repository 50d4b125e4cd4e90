#include "pool.h"
#include <stdatomic.h>

typedef struct mk_attention_job {
  const mk_attention_row *rows;
  size_t count, heads, kv_heads, head, stride;
  float *scratch;
  size_t scratch_floats; // a thread
  size_t piece;          // heads that a thread takes at a time
  _Atomic size_t next;
} mk_attention_job;

#define MK_BODY "attention.inc"
#include "each_level.h"

// Later rows see more, so threads take pieces as they come.
static void share(void *context, int thread, int threads) {
  mk_attention_job *job = context;
  size_t total = job->count * job->heads;
  (void)threads;
  for (;;) {
    size_t from = atomic_fetch_add_explicit(&job->next, job->piece, memory_order_relaxed);
    if (from >= total) return;
    MK_CALL(attention_heads, job, job->scratch + (size_t)thread * job->scratch_floats, from, MK_MIN(from + job->piece, total));
  }
}

// Below this many multiplications one thread is faster than two that have to meet.
#define WORTH_SHARING 16384

void mk_attention(mk_pool *pool, const mk_attention_row *rows, size_t count, size_t heads, size_t kv_heads, size_t head, size_t stride) {
  size_t longest = 0, positions = 0;
  for (size_t i = 0; i < count; i++) {
    longest = MK_MAX(longest, rows[i].length);
    positions += rows[i].length;
  }
  if (!count) return;
  size_t floats = (longest + 31) / 16 * 16;
  mk_attention_job job = {rows, count, heads, kv_heads, head, stride, .scratch_floats = floats, .piece = 1};
  job.piece = count > 1 ? heads : 1;
  job.scratch = mk_scratch_begin(pool, (size_t)mk_pool_threads(pool) * floats * sizeof(float));
  mk_pool_run(positions * heads * head < WORTH_SHARING ? NULL : pool, share, &job);
  mk_scratch_end(pool, job.scratch);
}
