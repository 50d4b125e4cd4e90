// Threads that spin for a moment and then sleep on a futex. The calls of a run are handed out by number: a thread that comes late finds its call made by another,
// so a run never waits for a thread that the machine has not woken.
#define _GNU_SOURCE
#include "pool.h"
#include "level.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define RELAX() __builtin_ia32_pause()
#else
#define RELAX() __asm__ volatile("yield")
#endif
// About 20 µs: longer than the serial work between two matrices, shorter than what a busy machine would miss.
#define SPINS 600

struct mk_pool {
  // High half: the run's number, which threads sleep on. Low half: calls handed out.
  _Alignas(64) _Atomic uint64_t ticket;
  _Alignas(64) _Atomic uint32_t done;
  _Alignas(64) _Atomic uint32_t generation, sleepers, caller_sleeps, stop;
  void (*work)(void *, int, int);
  void *context;
  int level; // forced in the thread that the run is for
  int threads, started;
  pthread_t *handles;
  void *scratch;
  size_t scratch_bytes;
};

static void sleep_on(_Atomic uint32_t *word, uint32_t value) { syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0); }
static void wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0); }

// Makes calls of run `generation` until none is left.
static void make_calls(mk_pool *pool, uint32_t generation) {
  uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  for (;;) {
    uint32_t next = (uint32_t)ticket;
    if ((uint32_t)(ticket >> 32) != generation || next >= (uint32_t)pool->threads) return;
    if (!atomic_compare_exchange_weak_explicit(&pool->ticket, &ticket, ticket + 1, memory_order_acq_rel, memory_order_acquire)) continue;
    mk_inherit_level(pool->level);
    pool->work(pool->context, (int)next, pool->threads);
    if (atomic_fetch_add(&pool->done, 1) + 1 == (uint32_t)pool->threads && atomic_load(&pool->caller_sleeps)) wake(&pool->done);
    ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  }
}

static void *worker(void *argument) {
  mk_pool *pool = argument;
  uint32_t seen = 0;
  for (;;) {
    uint32_t now;
    int spins = 0;
    while ((now = atomic_load_explicit(&pool->generation, memory_order_acquire)) == seen) {
      if (++spins < SPINS) {
        RELAX();
        continue;
      }
      atomic_fetch_add(&pool->sleepers, 1);
      sleep_on(&pool->generation, seen);
      atomic_fetch_sub(&pool->sleepers, 1);
    }
    seen = now;
    if (atomic_load(&pool->stop)) return NULL;
    make_calls(pool, now);
  }
}

mk_pool *mk_pool_create(int threads) {
  if (threads < 1 || threads > 1024) return NULL;
  mk_pool *pool = aligned_alloc(64, sizeof *pool);
  if (!pool) return NULL;
  memset(pool, 0, sizeof *pool);
  pool->threads = threads;
  pool->handles = calloc((size_t)threads, sizeof *pool->handles);
  for (int i = 0; pool->handles && i + 1 < threads && pthread_create(&pool->handles[i], NULL, worker, pool) == 0; i++) pool->started++;
  if (pool->started + 1 == threads && pool->handles) return pool;
  mk_pool_destroy(pool);
  return NULL;
}

void mk_pool_destroy(mk_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stop, 1);
  atomic_fetch_add(&pool->generation, 1);
  wake(&pool->generation);
  for (int i = 0; i < pool->started; i++) pthread_join(pool->handles[i], NULL);
  free(pool->handles);
  free(pool->scratch);
  free(pool);
}

int mk_pool_threads(const mk_pool *pool) { return pool ? pool->threads : 1; }

void mk_pool_run(mk_pool *pool, void (*work)(void *, int, int), void *context) {
  if (!pool || pool->threads == 1) {
    work(context, 0, 1);
    return;
  }
  uint32_t generation = atomic_load_explicit(&pool->generation, memory_order_relaxed) + 1;
  pool->work = work;
  pool->context = context;
  pool->level = mk_forced_level();
  atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
  atomic_store_explicit(&pool->ticket, (uint64_t)generation << 32, memory_order_release);
  atomic_store(&pool->generation, generation);
  if (atomic_load(&pool->sleepers)) wake(&pool->generation);
  make_calls(pool, generation);
  int spins = 0;
  uint32_t done;
  while ((done = atomic_load_explicit(&pool->done, memory_order_acquire)) < (uint32_t)pool->threads) {
    if (++spins < SPINS) {
      RELAX();
      continue;
    }
    atomic_store(&pool->caller_sleeps, 1);
    sleep_on(&pool->done, done);
    atomic_store(&pool->caller_sleeps, 0);
  }
}

static void *allocate(size_t bytes) {
  void *p = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
  if (!p) abort(); // as Swift does where memory is out
  return p;
}

void *mk_scratch_begin(mk_pool *pool, size_t bytes) {
  if (!pool) return allocate(bytes);
  if (pool->scratch_bytes < bytes) {
    free(pool->scratch);
    pool->scratch = allocate(bytes);
    pool->scratch_bytes = bytes;
  }
  return pool->scratch;
}

void mk_scratch_end(mk_pool *pool, void *scratch) {
  if (!pool) free(scratch);
}
