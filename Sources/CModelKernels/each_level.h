// Includes vector.inc and MK_BODY once an instruction set. MK_LEVEL is the level's number, for the few lines that need an instruction by name.
// No #pragma once: a file may include it again with another body.
#pragma STDC FP_CONTRACT OFF
#include "level.h"
#include "vector.h"

// Helpers take and return vectors wider than the level's registers; all are inlined, so no call passes one.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

#define LEVEL(name) name##_base
#define MK_LEVEL 0
#include "vector.inc"
#include MK_BODY
#undef LEVEL
#undef MK_LEVEL

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,popcnt"))), apply_to = function)
#define LEVEL(name) name##_avx2
#define MK_LEVEL 2
#include "vector.inc"
#include MK_BODY
#undef LEVEL
#undef MK_LEVEL
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c,bmi,bmi2,popcnt"))), apply_to = function)
#define LEVEL(name) name##_avx512
#define MK_LEVEL 3
#include "vector.inc"
#include MK_BODY
#undef LEVEL
#undef MK_LEVEL
#pragma clang attribute pop
#endif

#pragma clang diagnostic pop
#undef MK_BODY
