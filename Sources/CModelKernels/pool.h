// What kernels need of the pool beyond the public header.
#pragma once
#include "centram_model_kernels.h"

// `bytes` of scratch, 64-byte aligned, valid until the next call for the same pool; NULL pools get theirs from malloc. Give back with mk_scratch_end.
void *mk_scratch_begin(mk_pool *pool, size_t bytes);
void mk_scratch_end(mk_pool *pool, void *scratch);
