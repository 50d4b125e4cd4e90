#include "pool.h"
#define MK_BODY "matmul.inc"
#include "each_level.h"

void mk_matmul(mk_pool *pool, mk_format format, const void *w, size_t n, size_t k, const float *x, size_t ldx, size_t m, const float *bias, float *y, size_t ldy) {
  MK_CALL(matmul, pool, format, w, n, k, x, ldx, m, bias, y, ldy);
}
