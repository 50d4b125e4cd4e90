#include "centram_sampling.h"
#include "centram_model_kernels.h"
#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

int mk_score_range(const float *x, size_t n, float *least, float *greatest) {
  enum { LANES = 16 };
  float lo[LANES], hi[LANES];
  uint32_t bad[LANES] = {0};
  for (int l = 0; l < LANES; l++) lo[l] = INFINITY, hi[l] = -INFINITY;
  size_t whole = n - n % LANES;
  for (size_t i = 0; i < whole; i += LANES)
    for (int l = 0; l < LANES; l++) {
      float v = x[i + l];
      bad[l] |= !(v < INFINITY);
      float finite = v > -INFINITY ? v : INFINITY;
      lo[l] = finite < lo[l] ? finite : lo[l];
      hi[l] = v > hi[l] ? v : hi[l];
    }
  for (size_t i = whole; i < n; i++) {
    float v = x[i];
    bad[0] |= !(v < INFINITY);
    if (v > -INFINITY && v < lo[0]) lo[0] = v;
    if (v > hi[0]) hi[0] = v;
  }
  for (int l = 1; l < LANES; l++) {
    if (lo[l] < lo[0]) lo[0] = lo[l];
    if (hi[l] > hi[0]) hi[0] = hi[l];
    bad[0] |= bad[l];
  }
  *least = lo[0], *greatest = hi[0];
  return !bad[0] && hi[0] > -INFINITY;
}

void mk_shift_scale(const float *x, float shift, float scale, float *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = (x[i] - shift) / scale;
}

void mk_keep_allowed(float *x, const uint64_t *allowed, size_t n) {
  for (size_t i = 0; i < n; i += 64) {
    uint64_t word = allowed[i / 64];
    size_t count = n - i < 64 ? n - i : 64;
    if (word == ~UINT64_C(0)) continue;
    for (size_t j = 0; j < count; j++)
      if (!(word >> j & 1)) x[i + j] = -INFINITY;
  }
}

// Whether any of a block is above a floor, in a form that vectorises.
static int any_above(const float *x, float floor) {
  uint32_t any = 0;
  for (int l = 0; l < 32; l++) any |= x[l] > floor;
  return any != 0;
}

void mk_largest(const float *x, size_t n, size_t k, uint32_t *places) {
  size_t held = 0;
  for (size_t i = 0; i < n; i++) {
    if (held == k) {
      float floor = x[places[k - 1]];
      while (i + 32 <= n && !any_above(x + i, floor)) i += 32;
      while (i < n && !(x[i] > floor)) i++;
      if (i == n) return;
    }
    // Equal ones keep their order, so the new one goes behind them.
    size_t low = 0, high = held;
    while (low < high) {
      size_t middle = (low + high) / 2;
      if (x[places[middle]] >= x[i]) low = middle + 1;
      else high = middle;
    }
    size_t moved = (held < k ? held : k - 1) - low;
    memmove(places + low + 1, places + low, moved * sizeof *places);
    places[low] = (uint32_t)i;
    if (held < k) held++;
  }
}

static inline size_t bucket_of(float x, float factor, float last) {
  float place = -x * factor;
  return (size_t)(uint32_t)(int32_t)(place < last ? place : last);
}

static inline uint64_t mass_of(float weight) { return (uint64_t)(int64_t)(weight * 1099511627776.0f); }

void mk_fill_buckets(const float *x, const float *weights, size_t n, float factor, size_t buckets, uint32_t *counts, uint64_t *masses) {
  float last = (float)(buckets - 1);
  for (size_t i = 0; i < n; i++) {
    size_t b = bucket_of(x[i], factor, last);
    counts[b]++;
    masses[b] += mass_of(weights[i]);
  }
}

size_t mk_list_bucket(const float *x, size_t n, float factor, size_t buckets, size_t bucket, uint32_t *places) {
  float last = (float)(buckets - 1);
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    places[count] = (uint32_t)i;
    count += bucket_of(x[i], factor, last) == bucket;
  }
  return count;
}

static inline uint64_t kept_mass(float x, float weight, size_t i, mk_kept kept) {
  int stays = (x > kept.cut || (x == kept.cut && i <= kept.place)) && weight >= kept.least;
  return stays ? mass_of(weight) : 0;
}

uint64_t mk_kept_mass(const float *x, const float *weights, size_t n, mk_kept kept) {
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i++) sum += kept_mass(x[i], weights[i], i, kept);
  return sum;
}

size_t mk_pick(const float *x, const float *weights, size_t n, mk_kept kept, uint64_t target) {
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i++) {
    sum += kept_mass(x[i], weights[i], i, kept);
    if (sum > target) return i;
  }
  return n;
}

// log of a number from 1 to 2³², to about a unit in the last place: 2^e · m with m in [√½, √2), then the series of 2·atanh.
static inline float log_from_one(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint32_t shifted = bits - 0x3f3504f3;
  float e = (float)((int32_t)shifted >> 23);
  uint32_t mantissa = (shifted & 0x7fffff) + 0x3f3504f3;
  float m;
  memcpy(&m, &mantissa, sizeof m);
  float s = (m - 1) / (m + 1), q = s * s;
  float tail = q * (0.66666669f + q * (0.4f + q * (0.28571430f + q * 0.22222222f)));
  return e * 0.693359375f + (2 * s + (s * tail + e * -2.12194440e-4f));
}

void mk_mix_scores(const float *const *x, const float *shifts, size_t rows, float *y, size_t n) {
  enum { BLOCK = 512 };
  float greatest[BLOCK], term[BLOCK];
  for (size_t start = 0; start < n; start += BLOCK) {
    size_t count = n - start < BLOCK ? n - start : BLOCK;
    float *sum = y + start;
    for (size_t i = 0; i < count; i++) greatest[i] = -INFINITY, sum[i] = 0;
    for (size_t j = 0; j < rows; j++)
      if (shifts[j] < INFINITY)
        for (size_t i = 0; i < count; i++) {
          float v = x[j][start + i] - shifts[j];
          greatest[i] = v > greatest[i] ? v : greatest[i];
        }
    for (size_t j = 0; j < rows; j++)
      if (shifts[j] < INFINITY) {
        // Where all are −∞ the difference is NaN, and what comes of it is replaced below.
        for (size_t i = 0; i < count; i++) {
          float d = (x[j][start + i] - shifts[j]) - greatest[i];
          term[i] = d >= -104.0f ? d : -104.0f;
        }
        mk_exp(term, term, count);
        for (size_t i = 0; i < count; i++) sum[i] += term[i];
      }
    for (size_t i = 0; i < count; i++) sum[i] = greatest[i] == -INFINITY ? -INFINITY : greatest[i] + log_from_one(sum[i] < 1 ? 1 : sum[i]);
  }
}

double mk_entropy(const float *x, size_t n) {
  enum { BLOCK = 512 };
  float lse = mk_log_sum_exp(x, n), term[BLOCK];
  double sum = 0;
  for (size_t start = 0; start < n; start += BLOCK) {
    size_t count = n - start < BLOCK ? n - start : BLOCK;
    for (size_t i = 0; i < count; i++) {
      float d = x[start + i] - lse;
      term[i] = d >= -104.0f ? d : -104.0f;
    }
    float p[BLOCK];
    mk_exp(term, p, count);
    for (size_t i = 0; i < count; i++) sum -= (double)p[i] * (double)term[i];
  }
  return sum > 0 ? sum : 0;
}

double mk_divergence(const float *p, const float *q, size_t n) {
  enum { BLOCK = 512 };
  float from = mk_log_sum_exp(p, n), to = mk_log_sum_exp(q, n), term[BLOCK], weight[BLOCK];
  double sum = 0;
  for (size_t start = 0; start < n; start += BLOCK) {
    size_t count = n - start < BLOCK ? n - start : BLOCK;
    for (size_t i = 0; i < count; i++) {
      float d = p[start + i] - from;
      term[i] = d >= -104.0f ? d : -104.0f;
    }
    mk_exp(term, weight, count);
    for (size_t i = 0; i < count; i++) sum += (double)weight[i] * ((double)term[i] - ((double)q[start + i] - (double)to));
  }
  // Rounding can take what is 0 below it; NaN stays.
  return sum < 0 ? 0 : sum;
}
