// SPDX-License-Identifier: Apache-2.0
// Element-wise median of the inputs: a merge operator in plain C99.
//
// The median of an even number of inputs is the mean of the two in the middle. One outlying model changes nothing.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "centram_plugin.h"

// The host reads this from the file, without loading it.
CENTRAM_NOTE(CENTRAM_LANE_C, "", "");

enum { MAXIMUM_INPUTS = 64 };

// An instance. This operator has no state; a real one keeps here what `create` read from the configuration.
static void *create(const char *configuration_json, char *error, size_t error_capacity) {
  (void)configuration_json;
  void *self = malloc(1);
  if (self == NULL) snprintf(error, error_capacity, "no memory");
  return self;
}

static void destroy(void *self) { free(self); }

// Insertion sort: the inputs are few, and most often nearly in order already.
static void sort(float *values, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    float value = values[i];
    uint32_t place = i;
    for (; place > 0 && values[place - 1] > value; place--) values[place] = values[place - 1];
    values[place] = value;
  }
}

// Called from several threads at once, each with a block of its own.
static int32_t merge_block(void *user, const centram_merge_block_t *block) {
  (void)user;
  uint32_t count = block->input_count;
  float values[MAXIMUM_INPUTS];
  for (uint64_t i = 0; i < block->count; i++) {
    for (uint32_t input = 0; input < count; input++) values[input] = block->inputs[input][i];
    sort(values, count);
    float upper = values[count / 2];
    block->output[i] = count % 2 == 1 ? upper : (values[count / 2 - 1] + upper) * 0.5f;
  }
  return CENTRAM_OK;
}

static int32_t merge(void *self, const centram_merge_request_t *request, char *error, size_t error_capacity) {
  (void)self;
  if (request->input_count < 1 || request->input_count > MAXIMUM_INPUTS) {
    snprintf(error, error_capacity, "%u inputs; the median takes 1 to %d", request->input_count, MAXIMUM_INPUTS);
    return CENTRAM_ERROR_INVALID;
  }
  return request->for_each_block(request->context, CENTRAM_BLOCKS_ANY, NULL, 0, merge_block, NULL);
}

static const centram_merge_v1_t table = {
    .struct_size = sizeof(centram_merge_v1_t),
    .flags = CENTRAM_MERGE_BASE_IS_INPUT,
    .minimum_inputs = 1,
    .maximum_inputs = MAXIMUM_INPUTS,
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
    .id = "example.merge.median",
    .version = "1.0.0",
    .summary = "Element-wise median of the inputs",
    .toolchain = "",
    .api_fingerprint = "",
    .get_interface = get_interface,
};

CENTRAM_EXPORT const centram_descriptor_t *centram_plugin_descriptor(void);
const centram_descriptor_t *centram_plugin_descriptor(void) { return &descriptor; }
