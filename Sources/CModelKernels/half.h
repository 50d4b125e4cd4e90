// float16 as integers, for the formats' scales: the conversion is exact, so the level does not matter.
#pragma once
#include <stdint.h>
#include <string.h>

static inline float mk_half(const void *p) {
  uint16_t h;
  memcpy(&h, p, sizeof h);
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = h & 0x7fff, bits;
  float y;
  if (magnitude < 0x400) { // subnormal or zero: magnitude · 2^-24
    y = (float)magnitude * 0x1p-24f;
    memcpy(&bits, &y, sizeof bits);
  } else {
    bits = (magnitude << 13) + (112u << 23);
    if (magnitude >= 0x7c00) bits += 112u << 23;
    if (magnitude > 0x7c00) bits |= 0x400000;
  }
  bits |= sign;
  memcpy(&y, &bits, sizeof y);
  return y;
}

// To the nearest, ties to even; beyond 65519 infinity.
static inline uint16_t mk_to_half(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (bits >> 13 & 0x1ff));
  if (bits >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
  if (bits < 0x38800000) { // below 2^-14: adding 0.5 leaves the rounded multiple of 2^-24 in the low bits
    float shifted;
    memcpy(&shifted, &bits, sizeof shifted);
    shifted += 0.5f;
    memcpy(&bits, &shifted, sizeof bits);
    return (uint16_t)(sign | (bits - 0x3f000000));
  }
  return (uint16_t)(sign | ((bits - (112u << 23) + 0xfff + (bits >> 13 & 1)) >> 13));
}
