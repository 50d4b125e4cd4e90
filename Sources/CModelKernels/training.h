// What the kernels of training share.
#pragma once
#include "centram_training_kernels.h"

// A strip of B is packed at a time: MT_STRIP columns, MT_DEPTH of k. It lives in the second-level cache. Both are multiples of every block.
// Of A MT_ROWS rows are used at a time, a multiple of every tile's; where it is transposed they are packed.
enum { MT_STRIP = 256, MT_DEPTH = 256, MT_ROWS = 96, MT_SCRATCH = MT_STRIP * MT_DEPTH + MT_ROWS * MT_DEPTH + 32 * MT_DEPTH };

struct mt_context {
  mk_pool *pool;
  int threads;
  float *scratch; // MT_SCRATCH floats a thread
  float *reserve; // grows on demand
  size_t reserved;
};

static inline float *mt_scratch(const mt_context *context, int thread) { return context->scratch + (size_t)thread * MT_SCRATCH; }

// Shares what is worth it: below some thousand elements one thread is done before another has woken.
static inline void mt_run(const mt_context *context, size_t elements, void (*work)(void *, int, int), void *argument) {
  mk_pool_run(elements < 8192 ? NULL : context->pool, work, argument);
}

// At least so many floats, valid until the next call; NULL where memory is short.
float *mt_reserve(mt_context *context, size_t floats);
