#include "centram_optimizer_kernels.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define MK_BODY "optimizer.inc"
#include "each_level.h"

void centram_adamw(const centram_adamw_t *rule, float *w, const float *g, float *m, float *v, size_t n) { MK_CALL(adamw, rule, w, g, m, v, n); }

double centram_sum_of_squares(const float *x, size_t n) {
  double s[8] = {0};
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t j = 0; j < 8; j++) s[j] += (double)x[i + j] * (double)x[i + j];
  for (size_t j = 0; i < n; i++, j++) s[j] += (double)x[i] * (double)x[i];
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

void centram_scale(float *x, float factor, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] *= factor;
}

// Natural logarithm of x in (0, 1]: x = 2^e · f with f near 1, log f = 2 artanh((f − 1) / (f + 1)) by its series.
static double logarithm(double x) {
  uint64_t bits;
  memcpy(&bits, &x, 8);
  int exponent = (int)(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull;
  double f;
  memcpy(&f, &bits, 8);
  if (f > 1.4142135623730951) {
    f *= 0.5;
    exponent++;
  }
  const double s = (f - 1) / (f + 1), z = s * s;
  double p = 1.0 / 23;
  for (int k = 21; k >= 1; k -= 2) p = p * z + 1.0 / k;
  return exponent * 0.6931471805599453 + 2 * s * p;
}

// Sine and cosine of 2πu for u in [0, 1): Taylor's series within an eighth of a turn.
static void turn(double u, double *sine, double *cosine) {
  const double eighths = u * 8;
  const int octant = (int)eighths;
  const int odd = octant & 1;
  const double x = (odd ? octant + 1 - eighths : eighths - octant) * 0.7853981633974483, z = x * x;
  double s = 0, c = 0;
  for (int k = 19; k >= 3; k -= 2) s = (1 - s) * (z / (k * (k - 1.0)));
  for (int k = 18; k >= 2; k -= 2) c = (1 - c) * (z / (k * (k - 1.0)));
  s = x * (1 - s);
  c = 1 - c;
  // Octants 1, 2, 5 and 6 swap the two.
  const int swap = ((octant + 1) >> 1) & 1;
  const double first = swap ? c : s, second = swap ? s : c;
  *sine = octant < 4 ? first : -first;
  *cosine = octant >= 2 && octant < 6 ? -second : second;
}

void centram_add_gaussian(const uint32_t *random, double sigma, float *x, size_t n) {
  for (size_t i = 0; i < n; i += 2, random += 4) {
    const uint64_t a = (uint64_t)random[0] << 32 | random[1], b = (uint64_t)random[2] << 32 | random[3];
    // (0, 1] and [0, 1) with 53 bits.
    const double u = ((a >> 11) + 1) * 0x1p-53, t = (b >> 11) * 0x1p-53;
    const double radius = sigma * __builtin_sqrt(-2 * logarithm(u));
    double sine, cosine;
    turn(t, &sine, &cosine);
    x[i] = (float)(x[i] + radius * cosine);
    if (i + 1 < n) x[i + 1] = (float)(x[i + 1] + radius * sine);
  }
}

uint64_t centram_checksum(const void *bytes, size_t n) {
  const unsigned char *at = bytes;
  uint64_t h = 0x9e3779b97f4a7c15ull ^ n;
  for (; n >= 8; n -= 8, at += 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    h = (h ^ word) * 0xff51afd7ed558ccdull;
    h ^= h >> 32;
  }
  for (; n > 0; n--, at++) {
    h = (h ^ *at) * 0xff51afd7ed558ccdull;
    h ^= h >> 32;
  }
  return h;
}
