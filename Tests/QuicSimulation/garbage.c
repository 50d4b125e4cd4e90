// Datagrams from strangers. None may stop the process, hold memory, or keep an honest peer out.
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void garbage_run(uint64_t count);

static bool honest_connected;
static void notice(int side, cquic_event event) {
  if (side == 0 && event.kind == CQUIC_EVENT_CONNECTED) honest_connected = true;
}
static bool is_connected(void) { return honest_connected; }

// Random bytes behind a head that looks like a packet of some kind, or a real first packet with bytes changed.
static size_t make(uint8_t *bytes, const uint8_t *sample, size_t sample_size) {
  uint64_t choice = network_random() % 8;
  size_t size = network_random() % 1500;
  if (choice == 0) size = network_random() % 30;
  for (size_t i = 0; i < size; i += 8) {
    uint64_t word = network_random();
    memcpy(bytes + i, &word, 8);
  }
  if (choice >= 5 && sample_size) {
    size = network_random() % 4 ? sample_size : network_random() % sample_size;
    memcpy(bytes, sample, size);
    for (uint64_t changes = 1 + network_random() % 8; size && changes > 0; changes--) bytes[network_random() % (choice == 5 ? size : size < 60 ? size : 60)] = (uint8_t)network_random();
  } else if (choice >= 1 && choice <= 4 && size > 40) {
    bytes[0] = (uint8_t)(0xc0 | (network_random() & 0x3f));
    uint32_t version = choice == 4 ? 0x0a0a0a0a : choice == 3 ? 0 : 0x01000000;
    memcpy(bytes + 1, &version, 4);
    if (choice != 2) {
      bytes[5] = 8;
      bytes[14] = 8;
    }
  }
  return size;
}

void garbage_run(uint64_t count) {
  network_faults none = {.delay = MILLISECOND};
  network_start(count, none);
  network_event = notice;
  cquic_config config;
  for (int i = 0; i < 2; i++) {
    network_config(&config, (uint8_t)(i + 1));
    network_endpoints[i] = cquic_endpoint_new(&config, NULL);
  }
  cquic_endpoint *victim = network_endpoints[1];
  cquic_endpoint_accept(victim, true);
  static uint8_t bytes[2048], sample[CQUIC_MAX_BATCH], space[CQUIC_MAX_BATCH];
  cquic_path to = network_path(0, 1);
  cquic_batch batch;
  cquic_connection *probe = cquic_connect(network_endpoints[0], &to, NULL, network_now);
  size_t sample_size = cquic_send(network_endpoints[0], sample, sizeof sample, 1, &batch, network_now);
  cquic_connection_release(probe);
  for (uint64_t i = 0; i < count; i++) {
    cquic_path from = network_path(1, 0);
    uint64_t word = network_random();
    memcpy(&((struct sockaddr_in *)&from.remote)->sin_addr, &word, 4);
    size_t size = make(bytes, sample, sample_size);
    // Of its own, so that the sanitizer sees a read behind its end.
    uint8_t *datagram = malloc(size ? size : 1);
    if (!datagram) abort();
    memcpy(datagram, bytes, size);
    cquic_receive(victim, datagram, size, &from, NULL, (uint8_t)(word & 3), network_now);
    free(datagram);
    while (cquic_send(victim, space, sizeof space, CQUIC_MAX_SEGMENTS, &batch, network_now)) {}
    if (i % 64 == 0) {
      network_now += 20 * MILLISECOND;
      cquic_expire(victim, network_now);
    }
  }
  cquic_counters counters = cquic_endpoint_counters(victim);
  printf("%lu datagrams: %lu bytes in, %lu out; %lu handshakes started, %lu refused, %lu asked for proof; %lu connections at the end\n", count,
         counters.bytes_received, counters.bytes_sent, counters.handshakes_started, counters.refused_half_open + counters.refused_rate, counters.retries_sent,
         counters.connections);
  if (counters.connections > config.max_connections || counters.half_open > config.max_half_open || counters.bytes_sent > 3 * counters.bytes_received) exit(1);
  // An honest peer gets through although strangers hold half-open handshakes.
  cquic_connect(network_endpoints[0], &to, NULL, network_now);
  if (!network_run(network_now + 60 * SECOND, is_connected)) {
    printf("the honest peer was not served\n");
    exit(1);
  }
  network_run(network_now + 200 * SECOND, NULL);
  printf("the honest peer was served\n");
  network_stop();
}
