// SPDX-License-Identifier: Apache-2.0
// A merge operator: the weighted average of the inputs, w₁x₁ + w₂x₂ + … divided by w₁ + w₂ + …
//
// The host reads the models, converts number formats, cuts tensors into blocks and schedules cores; an operator is the mathematics.
#include "plugin_support.h"

// The host reads this from the file, without loading it.
CENTRAM_NOTE(CENTRAM_LANE_C, "", "");

// ---- an instance ----------------------------------------------------------------------------------------------------

// An instance is one job's. This operator keeps nothing in it; yours may keep what `create` read from the settings.
static void *create(const char *configuration_json, char *error, size_t error_capacity) {
  if (read_settings(configuration_json, NULL, 0, error, error_capacity) != CENTRAM_OK) return NULL;
  void *self = malloc(1);
  if (self == NULL) fail(error, error_capacity, CENTRAM_ERROR_INTERNAL, "no memory");
  return self;
}

static void destroy(void *self) { free(self); }

// ---- the mathematics ------------------------------------------------------------------------------------------------

// Each block comes from one of several threads, so this function reads `user` and writes nothing but its block. The result must not
// depend on where a tensor is cut; work on one element at a time never does.
static int32_t merge_block(void *user, const centram_merge_block_t *block) {
  const float *shares = user;
  for (uint64_t i = 0; i < block->count; i++) {
    float sum = shares[0] * block->inputs[0][i];
    for (uint32_t input = 1; input < block->input_count; input++) sum += shares[input] * block->inputs[input][i];
    block->output[i] = sum;
  }
  return CENTRAM_OK;
}

// One tensor. Everything in `request` is lent until this returns.
static int32_t merge(void *self, const centram_merge_request_t *request, char *error, size_t error_capacity) {
  (void)self;
  const centram_parameters_t *parameters = request->parameters;
  if (request->input_count == 0) return fail(error, error_capacity, CENTRAM_ERROR_INVALID, "%s: there are no inputs", request->tensor);
  float *shares = malloc(request->input_count * sizeof *shares);
  if (shares == NULL) return fail(error, error_capacity, CENTRAM_ERROR_INTERNAL, "no memory for %u weights", request->input_count);
  double sum = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t input = 0; input < request->input_count; input++) {
      double weight = 1;
      parameters->number(parameters->context, "weight", (int32_t)input, &weight);
      if (pass == 0) sum += weight;
      else shares[input] = (float)(weight / sum);
    }
    if (!(fabs(sum) > 0 && isfinite(sum))) {
      free(shares);
      return fail(error, error_capacity, CENTRAM_ERROR_INVALID, "%s: the weights sum to %g, and a share of that is no number", request->tensor, sum);
    }
  }
  // An error of the host, such as a merge that was given up, comes back from here and goes on to the caller.
  int32_t status = request->for_each_block(request->context, CENTRAM_BLOCKS_ANY, NULL, 0, merge_block, shares);
  free(shares);
  return status;
}

// ---- what the host asks for -----------------------------------------------------------------------------------------

// What a user may set, for each model: the host fills in the default and refuses what is beyond the limits.
static const centram_parameter_t parameters[] = {
    {.name = "weight", .summary = "this model's share", .type = CENTRAM_PARAMETER_NUMBER, .scope = CENTRAM_SCOPE_PER_INPUT,
     .default_value = "1", .has_limits = 1, .minimum = 0, .maximum = 1000},
};

static const centram_merge_v1_t table = {
    .struct_size = sizeof(centram_merge_v1_t),
    .flags = CENTRAM_MERGE_BASE_IS_INPUT, // no special base: it is averaged as the others are
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
    .id = "@ID@",
    .version = "0.1.0",
    .summary = "Weighted average of the inputs",
    .toolchain = "",
    .api_fingerprint = "",
    .get_interface = get_interface,
};

CENTRAM_EXPORT const centram_descriptor_t *centram_plugin_descriptor(void);
const centram_descriptor_t *centram_plugin_descriptor(void) { return &descriptor; }
