#include "formats.h"
#include "half.h"
#include "pool.h"
#include <stdatomic.h>
#include <stddef.h>

// Below this many multiplications two threads need longer to meet than one to finish.
#define MK_WORTH_SHARING 32768
// Weights that stay in the second-level cache from one token to the next.
#define MK_IN_CACHE ((size_t)786432)

#define MK_BODY "matmul.inc"
#include "each_level.h"

void mk_matmul(mk_pool *pool, mk_format format, const void *w, size_t n, size_t k, const float *x, size_t ldx, size_t m, const float *bias, float *y, size_t ldy) {
  if (!n || !m) return;
  MK_CALL(matmul, pool, format, w, n, k, x, ldx, m, bias, y, ldy);
}

void mk_matmul_group(mk_pool *pool, const mk_matrix *matrices, size_t count, size_t k, const float *x, size_t ldx, size_t m, size_t ldy) {
  if (m == 1 && count <= MK_GROUP) {
    MK_CALL(stream_group, pool, matrices, count, k, x);
    return;
  }
  for (size_t i = 0; i < count; i++) mk_matmul(pool, matrices[i].format, matrices[i].w, matrices[i].n, k, x, ldx, m, matrices[i].bias, matrices[i].y, ldy);
}
