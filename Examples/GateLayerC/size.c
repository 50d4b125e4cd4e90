// SPDX-License-Identifier: Apache-2.0
// A gate layer in C: refuses genomes whose weights are larger than this node wants to keep.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "centram_plugin.h"

// The host reads this from the file, without loading it.
CENTRAM_NOTE(CENTRAM_LANE_C, "", "");

#define LIMIT_DEFAULT 1048576

// The whole number behind "limit_bytes" in a flat JSON object; the default where it is not there, 0 where it is none.
static uint64_t limit_of(const char *policy) {
  const char *place = strstr(policy, "\"limit_bytes\"");
  if (place == NULL) return LIMIT_DEFAULT;
  place = strchr(place, ':');
  return place == NULL ? 0 : strtoull(place + 1, NULL, 10);
}

static void *create(const char *configuration_json, char *error, size_t error_capacity) {
  (void)configuration_json, (void)error, (void)error_capacity;
  static int instance;
  return &instance;
}

static void destroy(void *self) { (void)self; }

static int32_t judge(void *self, const centram_candidate_t *candidate, const centram_verdict_sink_t *verdict, char *error, size_t error_capacity) {
  (void)self;
  uint64_t size = candidate->weights.count, limit = limit_of(candidate->policy_json);
  if (limit == 0) {
    snprintf(error, error_capacity, "limit_bytes in %.100s is not a whole number above 0", candidate->policy_json);
    return CENTRAM_ERROR_INVALID;
  }
  char text[160];
  snprintf(text, sizeof text, "%" PRIu64 " bytes of weights; %" PRIu64 " are allowed", size, limit);
  verdict->evidence(verdict->context, "size", text);
  verdict->decide(verdict->context, size <= limit ? CENTRAM_VERDICT_ACCEPT : CENTRAM_VERDICT_REJECT, 1, size <= limit ? "" : text);
  return CENTRAM_OK;
}

// Behind the ten layers that every gate has: its turn comes when all of them have let the genome pass.
static const centram_gate_v1_t table = {
    .struct_size = sizeof(centram_gate_v1_t),
    .position = 11,
    .directions = CENTRAM_DIRECTION_INBOUND,
    .create = create,
    .destroy = destroy,
    .judge = judge,
};

static const void *get_interface(const char *interface_id) { return strcmp(interface_id, "centram.gate/1") == 0 ? &table : NULL; }

static const centram_descriptor_t descriptor = {
    .magic = CENTRAM_MAGIC,
    .struct_size = sizeof(centram_descriptor_t),
    .c_abi_major = CENTRAM_C_ABI_MAJOR,
    .c_abi_minor = CENTRAM_C_ABI_MINOR,
    .lanes = CENTRAM_LANE_C,
    .kind = CENTRAM_KIND_GATE_LAYER,
    .id = "example.gate.size",
    .version = "1.0.0",
    .summary = "Refuses genomes that are too large for this node",
    .toolchain = "",
    .api_fingerprint = "",
    .get_interface = get_interface,
};

CENTRAM_EXPORT const centram_descriptor_t *centram_plugin_descriptor(void);
const centram_descriptor_t *centram_plugin_descriptor(void) { return &descriptor; }
