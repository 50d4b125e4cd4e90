// The formats as kernels take them: X(format, bytes a weight), and X(format, weights a block, bytes a block).
#pragma once
#include "centram_model_kernels.h"

#define MK_PLAIN_FORMATS(X) X(MK_F32, 4) X(MK_F16, 2) X(MK_BF16, 2)
#define MK_BLOCK_FORMATS(X) \
  X(MK_Q8_0, 32, 34) X(MK_Q4_0, 32, 18) X(MK_Q4_1, 32, 20) X(MK_Q5_0, 32, 22) X(MK_Q5_1, 32, 24) \
  X(MK_Q4_K, 256, 144) X(MK_Q5_K, 256, 176) X(MK_Q6_K, 256, 210)
