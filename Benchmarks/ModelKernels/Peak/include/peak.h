// What the machine can: multiplications in registers, and reading memory. One share of `threads`.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { PEAK_MULTIPLICATIONS = 96 * 200000 };
void peak_multiply(void);
void peak_read(const void *bytes, size_t count, int thread, int threads);
