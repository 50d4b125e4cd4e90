#include "centram_model_kernels.h"
#include <stdlib.h>
#include <string.h>

static int best(void) {
#if defined(__x86_64__)
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
  if (!avx2) return MK_BASE;
  int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
    && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
  return avx512 ? MK_AVX512 : MK_AVX2;
#else
  return MK_BASE;
#endif
}

static int wanted(void) {
  int level = best();
  const char *isa = getenv("CENTRAM_ISA");
  if (!isa) return level;
  int asked = strcmp(isa, "base") == 0 ? MK_BASE : strcmp(isa, "avx2") == 0 ? MK_AVX2 : MK_AVX512;
  return asked < level ? asked : level;
}

static int known = -1; // a race writes the same value twice
static _Thread_local int forced = -1;

int mk_level(void) {
  if (forced >= 0) return forced;
  int now = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (now < 0) {
    now = wanted();
    __atomic_store_n(&known, now, __ATOMIC_RELAXED);
  }
  return now;
}

int mk_force_level(int level) {
  if (level > best() || (level >= 0 && level != MK_BASE && level != MK_AVX2 && level != MK_AVX512)) return 0;
  forced = level;
  return 1;
}

int mk_forced_level(void) { return forced; }
void mk_inherit_level(int level) { forced = level; }
