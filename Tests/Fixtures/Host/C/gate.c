// Decides what its policy says.
#include "door.h"

static int32_t judge(void *self, const centram_candidate_t *candidate, const centram_verdict_sink_t *verdict, char *error, size_t capacity) {
  (void)self;
  char text[200];
  snprintf(text, sizeof text, "%llu %llu %llu %d %u %u", (unsigned long long)candidate->weights.count, (unsigned long long)candidate->manifest.count,
           (unsigned long long)candidate->adapter_config.count, candidate->direction, candidate->content_hash[31], candidate->manifest_signature[63]);
  verdict->evidence(verdict->context, "sizes", text);
  const char *policy = candidate->policy_json;
  if (strstr(policy, "accept")) verdict->decide(verdict->context, CENTRAM_VERDICT_ACCEPT, 1, "");
  if (strstr(policy, "twice")) verdict->decide(verdict->context, CENTRAM_VERDICT_ACCEPT, 1, "");
  if (strstr(policy, "half")) verdict->decide(verdict->context, CENTRAM_VERDICT_SCALE, 0.5, "too loud");
  if (strstr(policy, "boost")) verdict->decide(verdict->context, CENTRAM_VERDICT_SCALE, 1.5, "too quiet");
  if (strstr(policy, "wait")) verdict->decide(verdict->context, CENTRAM_VERDICT_QUARANTINE, 0, "unknown parent");
  if (strstr(policy, "reject")) verdict->decide(verdict->context, CENTRAM_VERDICT_REJECT, 0, "bad");
  if (strstr(policy, "mute")) verdict->decide(verdict->context, CENTRAM_VERDICT_REJECT, 0, "");
  if (strstr(policy, "strange")) verdict->decide(verdict->context, 17, 0, "strange");
  if (strstr(policy, "error")) { fixture_say(error, capacity, "the file ends early"); return CENTRAM_ERROR_INVALID; }
  return CENTRAM_OK;
}
static const centram_gate_v1_t table = {sizeof table, 11, CENTRAM_DIRECTION_INBOUND | CENTRAM_DIRECTION_OUTBOUND, 0, fixture_create, fixture_destroy, judge};
FIXTURE_DOOR(CENTRAM_KIND_GATE_LAYER, "test.gate.policy", "centram.gate/1", table, NULL)
