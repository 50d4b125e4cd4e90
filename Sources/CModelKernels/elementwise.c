#include <math.h>
#define MK_BODY "elementwise.inc"
#include "each_level.h"

#define WORTH_SHARING 8192
#define GRAIN 64

typedef struct {
  const float *gate, *up;
  float *out;
  size_t count;
} activation_job;

static void swiglu_share(void *context, int thread, int threads) {
  const activation_job *job = context;
  size_t from, to;
  mk_share(job->count, GRAIN, thread, threads, &from, &to);
  MK_CALL(swiglu, job->gate + from, job->up + from, job->out + from, to - from);
}

static void gelu_share(void *context, int thread, int threads) {
  const activation_job *job = context;
  size_t from, to;
  mk_share(job->count, GRAIN, thread, threads, &from, &to);
  MK_CALL(gelu, job->out + from, to - from);
}

void mk_swiglu(mk_pool *pool, const float *gate, const float *up, float *out, size_t count) {
  activation_job job = {gate, up, out, count};
  mk_pool_run(count < WORTH_SHARING ? NULL : pool, swiglu_share, &job);
}

void mk_gelu(mk_pool *pool, float *x, size_t count) {
  activation_job job = {NULL, NULL, x, count};
  mk_pool_run(count < WORTH_SHARING ? NULL : pool, gelu_share, &job);
}

void mk_rope(float *x, const float *cosines, const float *sines, size_t heads, size_t head) { MK_CALL(rope, x, cosines, sines, heads, head); }
void mk_add(float *y, const float *x, size_t count) { MK_CALL(add, y, x, count); }
void mk_add_scaled(float *y, float a, const float *x, size_t count) { MK_CALL(add_scaled, y, a, x, count); }
void mk_exp(const float *x, float *y, size_t count) { MK_CALL(exp_each, x, y, count); }

// ln x of a normal number: x = 2^e · m with m around 1, and the series of ln((1 + s) / (1 - s)). In double, so that the sum's rounding to float32 is the same everywhere.
static double natural_logarithm(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int64_t exponent = (int64_t)(bits - 0x3fe6a09e667f3bcd) >> 52; // m from sqrt(1/2) to sqrt(2)
  bits -= (uint64_t)exponent << 52;
  double m, sum = 0;
  memcpy(&m, &bits, sizeof m);
  double s = (m - 1) / (m + 1), square = s * s;
  for (int i = 23; i >= 1; i -= 2) sum = sum * square + 1.0 / i;
  return 2 * s * sum + (double)exponent * 0.6931471805599453;
}

float mk_log_sum_exp(const float *x, size_t count) {
  if (!count) return -INFINITY;
  float largest = x[mk_arg_max(x, count)];
  if (isinf(largest)) return largest;
  float sum = MK_CALL(sum_exp, x, count, largest);
  return sum == sum ? (float)(natural_logarithm((double)sum) + (double)largest) : sum;
}

// NaN is never the largest; all NaN: 0.
size_t mk_arg_max(const float *x, size_t count) {
  size_t best = 0;
  for (size_t i = 1; i < count; i++) {
    if (x[i] > x[best] || (x[best] != x[best] && x[i] == x[i])) best = i;
  }
  return best;
}
