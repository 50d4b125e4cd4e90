// How a kernel is compiled once an instruction set and called at the level in use. A kernel lives in NAME.inc, its functions are
// named LEVEL(name) and are static; NAME.c says
//   #define MK_BODY "NAME.inc"
//   #include "each_level.h"
// and calls them with MK_CALL(name, arguments…).
#pragma once
#include "centram_model_kernels.h"

// What mk_force_level said in this thread, -1 where nothing; a pool's threads take it over from the thread that they work for.
int mk_forced_level(void);
void mk_inherit_level(int level);

#if defined(__x86_64__)
#include <immintrin.h>
#define MK_CALL(name, ...) \
  (mk_level() == MK_AVX2 ? name##_avx2(__VA_ARGS__) : mk_level() == MK_AVX512 ? name##_avx512(__VA_ARGS__) : name##_base(__VA_ARGS__))
#else
#define MK_CALL(name, ...) name##_base(__VA_ARGS__)
#endif
