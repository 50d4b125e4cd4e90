// SPDX-License-Identifier: Apache-2.0
// A gate layer: refuses genomes whose weights file is larger than a limit, and says how large it is.
//
// A layer is a pure judgement. The same candidate has the same verdict, whatever was judged before or is judged beside it.
#include "plugin_support.h"

// The host reads this from the file, without loading it.
CENTRAM_NOTE(CENTRAM_LANE_C, "", "");

// An instance may be asked by several threads at once. This one keeps nothing: what a user sets comes with each candidate.
static void *create(const char *configuration_json, char *error, size_t error_capacity) {
  if (read_settings(configuration_json, NULL, 0, error, error_capacity) != CENTRAM_OK) return NULL;
  void *self = malloc(1);
  if (self == NULL) fail(error, error_capacity, CENTRAM_ERROR_INTERNAL, "no memory");
  return self;
}

static void destroy(void *self) { free(self); }

// Calls `decide` exactly once. A layer that returns an error, or never decides, counts as a refusal.
static int32_t judge(void *self, const centram_candidate_t *candidate, const centram_verdict_sink_t *verdict, char *error, size_t error_capacity) {
  (void)self;
  double limit = 268435456; // 256 MiB
  const setting_t settings[] = {{.name = "maximum_bytes", .value = &limit, .minimum = 1, .maximum = 1e12, .is_whole = 1}};
  int32_t status = read_settings(candidate->policy_json, settings, 1, error, error_capacity);
  if (status != CENTRAM_OK) return status;

  // Evidence is what a person reads to understand the verdict, so it is given with an acceptance too.
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)candidate->weights.count);
  verdict->evidence(verdict->context, "weights.bytes", text);
  snprintf(text, sizeof text, "%.0f", limit);
  verdict->evidence(verdict->context, "limit.bytes", text);

  if ((double)candidate->weights.count <= limit) {
    verdict->decide(verdict->context, CENTRAM_VERDICT_ACCEPT, 1, "");
  } else {
    char reason[120];
    snprintf(reason, sizeof reason, "the weights have %llu bytes; maximum_bytes is %.0f", (unsigned long long)candidate->weights.count, limit);
    verdict->decide(verdict->context, CENTRAM_VERDICT_REJECT, 0, reason);
  }
  return CENTRAM_OK;
}

static const centram_gate_v1_t table = {
    .struct_size = sizeof(centram_gate_v1_t),
    .position = 11, // 1 to 10 are the host's own layers
    .directions = CENTRAM_DIRECTION_INBOUND | CENTRAM_DIRECTION_OUTBOUND,
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
    .id = "@ID@",
    .version = "0.1.0",
    .summary = "Refuses genomes above a size",
    .toolchain = "",
    .api_fingerprint = "",
    .get_interface = get_interface,
};

CENTRAM_EXPORT const centram_descriptor_t *centram_plugin_descriptor(void);
const centram_descriptor_t *centram_plugin_descriptor(void) { return &descriptor; }
