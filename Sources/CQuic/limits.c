// Who may start a handshake. A source that has not proved its address can be forged, so what it does counts apart: a forger can make
// the source that it names prove its address, and nothing worse.
#include "internal.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static uint64_t source_key(const cquic_endpoint *endpoint, const cquic_path *path) {
  uint8_t bytes[9] = {0};
  if (path->remote.ss_family == AF_INET) {
    bytes[0] = 4;
    memcpy(bytes + 1, &((const struct sockaddr_in *)&path->remote)->sin_addr, 4);
  } else {
    bytes[0] = 6;
    memcpy(bytes + 1, &((const struct sockaddr_in6 *)&path->remote)->sin6_addr, 8);
  }
  return cq_hash(endpoint->hash_key, bytes, sizeof bytes) | 1;  // 0 is an empty slot
}

// Two places a source; the one that counted less makes room.
static cq_rate_slot *slot_of(cquic_endpoint *endpoint, uint64_t key, uint64_t window) {
  cq_rate_slot *first = &endpoint->rates[key % CQ_RATE_SLOTS], *second = &endpoint->rates[(key >> 32) % CQ_RATE_SLOTS];
  cq_rate_slot *slot = first->key == key ? first : second->key == key ? second : NULL;
  if (!slot) {
    bool first_is_old = first->window != window, second_is_old = second->window != window;
    slot = first_is_old ? first : second_is_old ? second : first->unproved + first->proved <= second->unproved + second->proved ? first : second;
    *slot = (cq_rate_slot){.key = key, .window = window};
  }
  if (slot->window != window) *slot = (cq_rate_slot){.key = key, .window = window};
  return slot;
}

cq_verdict cq_limits_judge(cquic_endpoint *endpoint, const cquic_path *path, bool proved, uint64_t now) {
  cquic_counters *counters = &endpoint->counters;
  const cquic_config *config = &endpoint->config;
  if (counters->connections >= config->max_connections) {
    counters->refused_connections++;
    return CQ_REFUSE;
  }
  if (!proved && counters->half_open >= config->retry_above_half_open) return CQ_PROVE;
  if (counters->half_open >= config->max_half_open) {
    counters->refused_half_open++;
    return CQ_DROP;  // the peer tries again by itself
  }
  if (!endpoint->rates && !(endpoint->rates = calloc(CQ_RATE_SLOTS, sizeof *endpoint->rates))) return CQ_DROP;
  cq_rate_slot *slot = slot_of(endpoint, source_key(endpoint, path), now / (60 * NGTCP2_SECONDS));
  uint32_t *count = proved ? &slot->proved : &slot->unproved;
  if (*count >= config->handshakes_per_minute) {
    if (!proved) return CQ_PROVE;
    counters->refused_rate++;
    return CQ_REFUSE;
  }
  ++*count;
  return CQ_TAKE;
}
