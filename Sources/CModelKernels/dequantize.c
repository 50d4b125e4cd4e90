#include "formats.h"
#include "half.h"
#define MK_BODY "dequantize.inc"
#include "each_level.h"

void mk_dequantize(mk_format format, const void *row, float *y, size_t k) { MK_CALL(dequantize, format, row, y, k); }
