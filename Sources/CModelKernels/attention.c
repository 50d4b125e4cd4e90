#include "pool.h"
#include <stdatomic.h>

typedef struct mk_attention_job {
  const mk_attention_row *rows;
  size_t count, heads, kv_heads, head, stride;
  size_t block_rows, triples; // rows whose queries may share keys; threes of queries in a block and a head of keys
  float *scratch;
  size_t scratch_floats; // a query
  _Atomic size_t next;
} mk_attention_job;

#define MK_BODY "attention.inc"
#include "each_level.h"

// Later rows see more, so threads take what is next.
static void share(void *context, int thread, int threads) {
  mk_attention_job *job = context;
  size_t total = (job->count + job->block_rows - 1) / job->block_rows * job->kv_heads * job->triples, i;
  float *scratch = job->scratch + (size_t)thread * 3 * job->scratch_floats;
  (void)threads;
  while ((i = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed)) < total) {
    size_t triple = i % job->triples, kv = i / job->triples % job->kv_heads, block = i / job->triples / job->kv_heads;
    MK_CALL(attend_triple, job, scratch, block, kv, triple);
  }
}

// Below this many multiplications one thread is faster than two that have to meet.
#define WORTH_SHARING 32768

void mk_attention(mk_pool *pool, const mk_attention_row *rows, size_t count, size_t heads, size_t kv_heads, size_t head, size_t stride) {
  size_t longest = 0, positions = 0, group = heads / kv_heads;
  for (size_t i = 0; i < count; i++) {
    longest = MK_MAX(longest, rows[i].length);
    positions += rows[i].length;
  }
  if (!count) return;
  mk_attention_job job = {rows, count, heads, kv_heads, head, stride, .block_rows = group % 3 ? 3 : 1, .scratch_floats = (longest + 31) / 16 * 16};
  job.triples = (job.block_rows * group + 2) / 3;
  job.scratch = mk_scratch_begin(pool, (size_t)mk_pool_threads(pool) * 3 * job.scratch_floats * sizeof(float));
  mk_pool_run(positions * heads * head < WORTH_SHARING ? NULL : pool, share, &job);
  mk_scratch_end(pool, job.scratch);
}
