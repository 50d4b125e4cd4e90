// Element-wise loops of training: the optimiser, norms, noise. Each operation is rounded once and in a fixed order, so the
// bits are those of any processor; vectors only change how many elements are done at once.
#ifndef CENTRAM_OPTIMIZER_KERNELS_H
#define CENTRAM_OPTIMIZER_KERNELS_H
#include <stddef.h>
#include <stdint.h>

// One step of AdamW in float32, as PyTorch rounds it:
//   w = w · decay;  m = m + (g − m) · mix1;  v = v · beta2 + g² · mix2;  w = w − rate · m / (√v / root + epsilon)
// mix1 = 1 − β1, mix2 = 1 − β2, rate = η / (1 − β1^t), root = √(1 − β2^t), decay = 1 − η·λ.
typedef struct {
  float decay, mix1, beta2, mix2, rate, root, epsilon;
} centram_adamw_t;
void centram_adamw(const centram_adamw_t *rule, float *w, const float *g, float *m, float *v, size_t n);

// Σ x² in double: eight partial sums over i mod 8, added as ((0+4)+(2+6)) + ((1+5)+(3+7)).
double centram_sum_of_squares(const float *x, size_t n);
void centram_scale(float *x, float factor, size_t n);

// Adds independent Gaussian numbers with deviation `sigma` (Box–Muller, with logarithm, sine and cosine of our own).
// random: 4 words for each pair of elements, the last pair possibly half.
void centram_add_gaussian(const uint32_t *random, double sigma, float *x, size_t n);

// A checksum of bytes against damage, not against malice.
uint64_t centram_checksum(const void *bytes, size_t n);
#endif
