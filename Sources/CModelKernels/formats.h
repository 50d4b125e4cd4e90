// The formats as steps of kernels: X(format, weights a block, bytes a block). Float formats go by blocks of 16, the last of a row may be cut.
#pragma once
#include "centram_model_kernels.h"

#define MK_FORMATS(X) \
  X(MK_F32, 16, 64) X(MK_F16, 16, 32) X(MK_BF16, 16, 32) \
  X(MK_Q8_0, 32, 34) X(MK_Q4_0, 32, 18) X(MK_Q4_1, 32, 20) X(MK_Q5_0, 32, 22) X(MK_Q5_1, 32, 24) \
  X(MK_Q4_K, 256, 144) X(MK_Q5_K, 256, 176) X(MK_Q6_K, 256, 210)
