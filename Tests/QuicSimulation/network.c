#include "network.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

typedef struct packet {
  struct packet *next;
  uint64_t at;
  int to;
  size_t size;
  uint16_t from_port;
  int from;
  uint8_t bytes[];
} packet;

uint64_t network_now, network_trace;
cquic_endpoint *network_endpoints[ENDPOINTS];
network_faults network_fault;
void (*network_event)(int endpoint, cquic_event event);

static uint64_t state, id_state;
static packet *queue;
static uint16_t ports[ENDPOINTS];

// SplitMix64.
static uint64_t step(uint64_t *value) {
  uint64_t z = *value += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t network_random(void) { return step(&state); }
static bool happens(double chance) { return (double)(network_random() >> 11) / 9007199254740992.0 < chance; }

static void fill(void *context, uint8_t *bytes, size_t count) {
  (void)context;
  for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)step(&id_state);
}

void network_start(uint64_t seed, network_faults faults) {
  state = seed * 2 + 1;
  id_state = ~seed;
  network_now = 1000 * SECOND;
  network_trace = seed;
  network_fault = faults;
  for (int i = 0; i < ENDPOINTS; i++) ports[i] = (uint16_t)(1000 + i);
}

void network_stop(void) {
  for (int i = 0; i < ENDPOINTS; i++) {
    if (network_endpoints[i]) cquic_endpoint_free(network_endpoints[i]);
    network_endpoints[i] = NULL;
  }
  while (queue) {
    packet *next = queue->next;
    free(queue);
    queue = next;
  }
}

void network_config(cquic_config *config, uint8_t key) {
  *config = (cquic_config){.alpn = "centram/1", .random = fill, .idle_timeout = 30 * SECOND, .handshake_timeout = 20 * SECOND, .keep_alive = SECOND, .linger = SECOND,
                           .stream_window = 1 << 17, .max_stream_window = 1 << 20, .connection_window = 1 << 18, .max_connection_window = 1 << 21,
                           .stream_send_buffer = 1 << 18, .connection_send_buffer = 1 << 20, .max_streams = 8, .max_connections = 64, .max_half_open = 32,
                           .retry_above_half_open = 16, .handshakes_per_minute = 1000, .datagram_queue = 16, .max_udp_payload = 1452,
                           .path_mtu_discovery = true, .pacing = true};
  memset(config->seed, key, sizeof config->seed);
}

static struct sockaddr_in address(uint16_t port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

cquic_path network_path(int from, int to) {
  cquic_path path = {.local_length = sizeof(struct sockaddr_in), .remote_length = sizeof(struct sockaddr_in)};
  struct sockaddr_in local = address((uint16_t)(1000 + from)), remote = address(ports[to]);
  memcpy(&path.local, &local, sizeof local);
  memcpy(&path.remote, &remote, sizeof remote);
  return path;
}

void network_rebind(int endpoint) { ports[endpoint] = (uint16_t)(ports[endpoint] + 100); }

static void deliver_later(int from, int to, const uint8_t *bytes, size_t size) {
  if (happens(network_fault.loss)) return;
  packet *new = malloc(sizeof *new + size);
  if (!new) abort();
  *new = (packet){.at = network_now + network_fault.delay + (network_fault.jitter ? network_random() % network_fault.jitter : 0), .to = to, .size = size,
                  .from = from, .from_port = ports[from]};
  memcpy(new->bytes, bytes, size);
  if (size && happens(network_fault.corruption)) new->bytes[network_random() % size] ^= (uint8_t)(1 + network_random() % 255);
  packet **link = &queue;
  while (*link && (*link)->at <= new->at) link = &(*link)->next;
  new->next = *link;
  *link = new;
}

static void transmit(int from) {
  static uint8_t space[CQUIC_MAX_BATCH];
  cquic_batch batch;
  for (size_t total; (total = cquic_send(network_endpoints[from], space, sizeof space, CQUIC_MAX_SEGMENTS, &batch, network_now));) {
    uint16_t port = ntohs(((struct sockaddr_in *)&batch.path.remote)->sin_port);
    int to = port % 100 < ENDPOINTS && ports[port % 100] == port ? port % 100 : -1;
    for (size_t at = 0; at < total; at += batch.segment) {
      size_t size = total - at < batch.segment ? total - at : batch.segment;
      if (to < 0) continue;  // nobody is there any more
      deliver_later(from, to, space + at, size);
      if (happens(network_fault.duplication)) deliver_later(from, to, space + at, size);
    }
  }
}

static void serve(void) {
  for (int i = 0; i < ENDPOINTS; i++) {
    cquic_endpoint *endpoint = network_endpoints[i];
    if (!endpoint) continue;
    cquic_expire(endpoint, network_now);
    // Events may lead to output, and output to events.
    for (bool more = true; more;) {
      transmit(i);
      more = false;
      for (cquic_event event; (event = cquic_next_event(endpoint)).kind != CQUIC_NO_EVENT; more = true) {
        if (network_event) network_event(i, event);
      }
    }
  }
}

static void deliver(packet *one) {
  cquic_path path = network_path(one->to, one->from);
  ((struct sockaddr_in *)&path.remote)->sin_port = htons(one->from_port);
  network_trace = network_trace * 0x100000001b3u ^ network_now ^ one->size << 8 ^ (uint64_t)one->to;
  cquic_receive(network_endpoints[one->to], one->bytes, one->size, &path, NULL, 0, network_now);
  free(one);
}

bool network_run(uint64_t until, bool (*done)(void)) {
  for (;;) {
    serve();
    if (done && done()) return true;
    uint64_t next = queue ? queue->at : UINT64_MAX;
    for (int i = 0; i < ENDPOINTS; i++) {
      uint64_t expiry = network_endpoints[i] ? cquic_next_expiry(network_endpoints[i]) : UINT64_MAX;
      if (expiry < next) next = expiry;
    }
    if (next > until) {
      network_now = until;
      return false;
    }
    if (next > network_now) network_now = next;
    while (queue && queue->at <= network_now) {
      packet *one = queue;
      queue = one->next;
      if (network_endpoints[one->to]) deliver(one);
      else free(one);
    }
  }
}
