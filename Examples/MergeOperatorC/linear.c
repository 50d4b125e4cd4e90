// SPDX-License-Identifier: Apache-2.0
// Weighted mean of the inputs in C, with the same bits as Centram's own merge.linear.
//
// Compile with -ffp-contract=off: a fused multiply-add rounds once where merge.linear rounds twice.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "centram_plugin.h"

CENTRAM_NOTE(CENTRAM_LANE_C, "", "");

static void *create(const char *configuration_json, char *error, size_t error_capacity) {
  (void)configuration_json;
  void *self = malloc(1);
  if (self == NULL) snprintf(error, error_capacity, "no memory");
  return self;
}

static void destroy(void *self) { free(self); }

// What merge hands to merge_block: a factor for each input, and what the sum is divided by (1: nothing).
typedef struct { float *factors, divisor; } combination_t;

static int32_t merge_block(void *user, const centram_merge_block_t *block) {
  const combination_t *combination = user;
  const float *factors = combination->factors;
  for (uint64_t i = 0; i < block->count; i++) block->output[i] = factors[0] * block->inputs[0][i];
  for (uint32_t input = 1; input < block->input_count; input++) {
    const float factor = factors[input], *values = block->inputs[input];
    for (uint64_t i = 0; i < block->count; i++) block->output[i] = block->output[i] + factor * values[i];
  }
  if (combination->divisor != 1)
    for (uint64_t i = 0; i < block->count; i++) block->output[i] = block->output[i] / combination->divisor;
  return CENTRAM_OK;
}

static int32_t merge(void *self, const centram_merge_request_t *request, char *error, size_t error_capacity) {
  (void)self;
  const centram_parameters_t *parameters = request->parameters;
  double *weights = malloc(request->input_count * sizeof(double));
  combination_t combination = {malloc(request->input_count * sizeof(float)), 1};
  int32_t status = CENTRAM_ERROR_INTERNAL, normalize = 1;
  double sum = 0;
  if (weights == NULL || combination.factors == NULL) { snprintf(error, error_capacity, "no memory"); goto end; }
  for (uint32_t input = 0; input < request->input_count; input++) {
    if (!parameters->number(parameters->context, "weight", (int32_t)input, &weights[input])) {
      snprintf(error, error_capacity, "parameter weight is missing for input %u", input);
      status = CENTRAM_ERROR_INVALID;
      goto end;
    }
    sum += weights[input];
  }
  parameters->boolean(parameters->context, "normalize", -1, &normalize);
  if (normalize && sum == 0) {
    snprintf(error, error_capacity, "%s: the weights sum to 0, so they cannot be normalized", request->tensor);
    status = CENTRAM_ERROR_INVALID;
    goto end;
  }
  // Shares that float32 holds exactly (1/4, 3/4) are used as they are; for others (1/3, 2/3) the sum is divided.
  int32_t shares_are_exact = normalize;
  for (uint32_t input = 0; input < request->input_count; input++) {
    double share = weights[input] / sum;
    if (fabs((double)(float)share - share) > 1e-15 * fabs(share)) shares_are_exact = 0;
  }
  for (uint32_t input = 0; input < request->input_count; input++)
    combination.factors[input] = (float)(shares_are_exact ? weights[input] / sum : weights[input]);
  if (normalize && !shares_are_exact) combination.divisor = (float)sum;
  status = request->for_each_block(request->context, CENTRAM_BLOCKS_ANY, NULL, 0, merge_block, &combination);
end:
  free(weights);
  free(combination.factors);
  return status;
}

static const centram_parameter_t parameters[] = {
    {.name = "weight", .summary = "share of this model", .type = CENTRAM_PARAMETER_NUMBER, .scope = CENTRAM_SCOPE_PER_INPUT, .required = 1},
    {.name = "normalize", .summary = "divide by the sum of the weights", .type = CENTRAM_PARAMETER_BOOLEAN, .default_value = "true"},
};

static const centram_merge_v1_t table = {
    .struct_size = sizeof(centram_merge_v1_t),
    .flags = CENTRAM_MERGE_BASE_IS_INPUT,
    .minimum_inputs = 1,
    .maximum_inputs = 0, // no limit
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .create = create,
    .destroy = destroy,
    .merge = merge,
};

static const void *get_interface(const char *interface_id) { return strcmp(interface_id, "centram.merge/1") == 0 ? &table : NULL; }

static const centram_descriptor_t descriptor = {
    .magic = CENTRAM_MAGIC,
    .struct_size = sizeof(centram_descriptor_t),
    .c_abi_major = CENTRAM_C_ABI_MAJOR,
    .c_abi_minor = CENTRAM_C_ABI_MINOR,
    .lanes = CENTRAM_LANE_C,
    .kind = CENTRAM_KIND_MERGE_OPERATOR,
    .id = "example.merge.linear-c",
    .version = "1.0.0",
    .summary = "Weighted mean of the inputs, in C",
    .toolchain = "",
    .api_fingerprint = "",
    .get_interface = get_interface,
};

CENTRAM_EXPORT const centram_descriptor_t *centram_plugin_descriptor(void);
const centram_descriptor_t *centram_plugin_descriptor(void) { return &descriptor; }
