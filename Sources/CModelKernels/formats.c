#include "centram_model_kernels.h"

size_t mk_block_length(mk_format format) {
  switch (format) {
  case MK_F32: case MK_F16: case MK_BF16: return 1;
  case MK_Q4_0: case MK_Q4_1: case MK_Q5_0: case MK_Q5_1: case MK_Q8_0: return 32;
  case MK_Q4_K: case MK_Q5_K: case MK_Q6_K: return 256;
  }
  return 0;
}

size_t mk_block_bytes(mk_format format) {
  switch (format) {
  case MK_F32: return 4;
  case MK_F16: case MK_BF16: return 2;
  case MK_Q4_0: return 18;
  case MK_Q4_1: return 20;
  case MK_Q5_0: return 22;
  case MK_Q5_1: return 24;
  case MK_Q8_0: return 34;
  case MK_Q4_K: return 144;
  case MK_Q5_K: return 176;
  case MK_Q6_K: return 210;
  }
  return 0;
}

size_t mk_row_bytes(mk_format format, size_t k) {
  size_t length = mk_block_length(format);
  return length && k % length == 0 ? k / length * mk_block_bytes(format) : 0;
}
