// Vector types of clang. A dot product is sixteen lanes wide on every machine; the compiler makes four, two or one register of them.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef float mk_f16v __attribute__((ext_vector_type(16)));
typedef float mk_f8v __attribute__((ext_vector_type(8)));
typedef float mk_f4v __attribute__((ext_vector_type(4)));
typedef float mk_f2v __attribute__((ext_vector_type(2)));
typedef int32_t mk_i16v __attribute__((ext_vector_type(16)));
typedef uint32_t mk_u16v __attribute__((ext_vector_type(16)));
typedef uint16_t mk_h16v __attribute__((ext_vector_type(16)));
typedef uint8_t mk_b16v __attribute__((ext_vector_type(16)));
typedef int8_t mk_c16v __attribute__((ext_vector_type(16)));

#define MK_INLINE __attribute__((always_inline)) static inline
#define MK_UNROLL _Pragma("clang loop unroll(full)")
// Rounded once on every machine: the instruction, or the C library's fmaf where the level has none.
#define MK_FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#define MK_MIN(a, b) ((a) < (b) ? (a) : (b))
#define MK_MAX(a, b) ((a) > (b) ? (a) : (b))

// The share of a thread of `count` things, in multiples of `grain`.
static inline void mk_share(size_t count, size_t grain, int thread, int threads, size_t *from, size_t *to) {
  size_t grains = (count + grain - 1) / grain;
  size_t low = grains * (size_t)thread / (size_t)threads * grain, high = grains * ((size_t)thread + 1) / (size_t)threads * grain;
  *from = MK_MIN(low, count);
  *to = MK_MIN(high, count);
}
