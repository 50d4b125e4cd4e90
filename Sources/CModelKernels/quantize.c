// The rounding of ggml's reference quantiser, a block at a time.
#include "centram_model_kernels.h"
#include "half.h"
#include <math.h>

#pragma STDC FP_CONTRACT OFF

static void put_half(uint8_t *p, float x) {
  uint16_t h = mk_to_half(x);
  memcpy(p, &h, sizeof h);
}

// The first value of the largest magnitude.
static float extreme(const float *x) {
  float best = 0, magnitude = 0;
  for (int i = 0; i < 32; i++) {
    if (fabsf(x[i]) > magnitude) magnitude = fabsf(best = x[i]);
  }
  return best;
}

// A positive number cut to an integer from 0 to most; NaN is 0.
static uint8_t cut(float x, int most) { return x > 0 ? (uint8_t)(x < (float)most ? (int)x : most) : 0; }

static void quantize_q8_0(const float *x, uint8_t *b) {
  float d = fabsf(extreme(x)) / 127, inverse = d != 0 ? 1 / d : 0;
  put_half(b, d);
  for (int i = 0; i < 32; i++) {
    float q = roundf(x[i] * inverse);
    b[2 + i] = (uint8_t)(int8_t)(q > -128 ? q < 127 ? (int)q : 127 : -128);
  }
}

static void quantize_q4_0(const float *x, uint8_t *b) {
  float d = extreme(x) / -8, inverse = d != 0 ? 1 / d : 0;
  put_half(b, d);
  for (int i = 0; i < 16; i++) b[2 + i] = (uint8_t)(cut(x[i] * inverse + 8.5f, 15) | cut(x[i + 16] * inverse + 8.5f, 15) << 4);
}

static void quantize_q4_1(const float *x, uint8_t *b) {
  float low = x[0], high = x[0];
  for (int i = 1; i < 32; i++) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  float d = (high - low) / 15, inverse = d != 0 ? 1 / d : 0;
  put_half(b, d);
  put_half(b + 2, low);
  for (int i = 0; i < 16; i++) b[4 + i] = (uint8_t)(cut((x[i] - low) * inverse + 0.5f, 15) | cut((x[i + 16] - low) * inverse + 0.5f, 15) << 4);
}

static void quantize_q5_0(const float *x, uint8_t *b) {
  float d = extreme(x) / -16, inverse = d != 0 ? 1 / d : 0;
  uint32_t high = 0;
  put_half(b, d);
  for (int i = 0; i < 16; i++) {
    uint8_t first = cut(x[i] * inverse + 16.5f, 31), second = cut(x[i + 16] * inverse + 16.5f, 31);
    b[6 + i] = (uint8_t)((first & 15) | second << 4);
    high |= (uint32_t)(first >> 4) << i | (uint32_t)(second >> 4) << (i + 16);
  }
  memcpy(b + 2, &high, sizeof high);
}

static uint16_t to_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

int mk_quantize(mk_format format, const float *x, void *row, size_t k) {
  size_t length = mk_block_length(format);
  if (!length || k % length) return 0;
  uint8_t *b = row;
  void (*block)(const float *, uint8_t *) = 0;
  switch (format) {
  case MK_F32: memcpy(b, x, k * 4); return 1;
  case MK_F16: for (size_t i = 0; i < k; i++) put_half(b + i * 2, x[i]); return 1;
  case MK_BF16:
    for (size_t i = 0; i < k; i++) {
      uint16_t h = to_bf16(x[i]);
      memcpy(b + i * 2, &h, sizeof h);
    }
    return 1;
  case MK_Q8_0: block = quantize_q8_0; break;
  case MK_Q4_0: block = quantize_q4_0; break;
  case MK_Q4_1: block = quantize_q4_1; break;
  case MK_Q5_0: block = quantize_q5_0; break;
  default: return 0;
  }
  for (size_t i = 0; i < k; i += length, b += mk_block_bytes(format)) block(x + i, b);
  return 1;
}
