// A library that knows nothing of Centram, for the function-table lane.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

int32_t acme_blend(const float *const *inputs, uint32_t input_count, uint64_t count, const double *weights, double strength, float *out) {
  for (uint64_t i = 0; i < count; i++) {
    double sum = 0;
    for (uint32_t k = 0; k < input_count; k++) sum += weights[k] * inputs[k][i];
    out[i] = (float)(strength * sum);
  }
  return strength < 0 ? 7 : 0;
}

/* Callbacks without user data: only a closure can carry what they stand for. */
void acme_dropout(uint64_t count, double (*uniform)(uint64_t), float (*value)(uint32_t, uint64_t), double rate, float *out) {
  for (uint64_t i = 0; i < count; i++) out[i] = uniform(i) < rate ? 0 : value(0, i);
}

double acme_mean_byte(const uint8_t *bytes, uint64_t count, float bias, void (*say)(const char *, const char *), void (*log)(const char *)) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; i++) sum += bytes[i];
  char text[40];
  snprintf(text, sizeof text, "%llu", (unsigned long long)sum);
  say("sum", text);
  log("measured");
  return count ? (double)sum / (double)count + bias : 0;
}

int32_t acme_decide(int32_t direction, const uint8_t *hash, int64_t size) { return hash[0] == 1 ? 3 : direction == 2 ? 2 : size > 100 ? 9 : 0; }
