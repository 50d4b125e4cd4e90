// A peer that finished its handshake and then sends frames of its own making. The victim may close the connection and nothing else.
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hostile_run(uint64_t count);
extern void (*cquic_test_frames)(cquic_connection *connection, uint8_t *frames, size_t count);

static bool connected, closed, accepts;
static cquic_stream *stream;
static cquic_connection *attacker;
static uint64_t changed;

static void handle(int side, cquic_event event) {
  static uint8_t filler[900];
  int error;
  cquic_stream *theirs;
  uint8_t sink[4096];
  if (event.kind == CQUIC_EVENT_CLOSED && side == 1) cquic_connection_release(event.connection);
  if (event.kind == CQUIC_EVENT_CLOSED && side == 0) closed = true;
  if (event.kind == CQUIC_EVENT_CONNECTED && side == 0) {
    connected = true;
    if ((stream = cquic_stream_open(event.connection, &error))) cquic_stream_write(stream, filler, sizeof filler);
  }
  if (side != 1 || !accepts) return;
  while (event.connection && event.kind == CQUIC_EVENT_STREAM_OPENED && (theirs = cquic_stream_accept(event.connection))) {
    while (cquic_stream_read(theirs, sink, sizeof sink, false) > 0) {}
    cquic_stream_release(theirs);
  }
  while (event.kind == CQUIC_EVENT_DATAGRAM_READABLE && cquic_datagram_receive(event.connection, sink, sizeof sink) >= 0) {}
}

static uint8_t *put(uint8_t *at, uint64_t value) {
  if (value < 64) *at++ = (uint8_t)value;
  else {
    *at++ = (uint8_t)(0x40 | ((value >> 8) & 0x3f));
    *at++ = (uint8_t)value;
  }
  return at;
}

// A frame with fields of small random numbers, so that it hits what exists.
static size_t invent(uint8_t *at) {
  uint8_t *start = at;
  uint8_t type = (uint8_t)(network_random() % 0x1f);
  *at++ = type;
  static const uint8_t fields[0x1f] = {[0x02] = 5, [0x03] = 8, [0x04] = 3, [0x05] = 2, [0x06] = 2, [0x07] = 1, [0x08] = 2, [0x0a] = 2, [0x0c] = 2, [0x0e] = 3, [0x0f] = 3,
                                       [0x10] = 1, [0x11] = 2, [0x12] = 1, [0x13] = 1, [0x14] = 1, [0x15] = 2, [0x16] = 1, [0x17] = 1, [0x18] = 2, [0x19] = 1, [0x1c] = 3, [0x1d] = 2};
  for (int i = 0; i < fields[type]; i++) at = put(at, network_random() % (network_random() % 8 ? 8 : 4000));
  if (type == 0x18) {
    *at++ = 16;
    for (int i = 0; i < 32; i++) *at++ = (uint8_t)network_random();
  }
  if (type == 0x1a || type == 0x1b) {
    for (int i = 0; i < 8; i++) *at++ = (uint8_t)network_random();
  }
  return (size_t)(at - start);
}

static void change(cquic_connection *connection, uint8_t *frames, size_t count) {
  if (connection != attacker || count < 100 || !connected || network_random() % 2) return;
  changed++;
  if (network_random() % 4 == 0) {
    for (uint64_t i = 1 + network_random() % 4; i > 0; i--) frames[network_random() % count] = (uint8_t)network_random();
    return;
  }
  // Invented frames up to the end, then padding.
  uint8_t invented[64];
  size_t at = 0;
  while (at < count) {
    size_t size = invent(invented);
    if (at + size > count || network_random() % 32 == 0) break;
    memcpy(frames + at, invented, size);
    at += size;
    // The same again: what was retired is retired twice.
    if (network_random() % 4 == 0 && at + size <= count) {
      memcpy(frames + at, invented, size);
      at += size;
    }
  }
  memset(frames + at, 0, count - at);
}

static bool is_over(void) { return closed; }

static void attack(uint64_t seed) {
  static uint8_t filler[1100];
  connected = closed = false;
  accepts = seed % 3 != 0;  // an application that takes no stream must not hold memory for ever
  stream = NULL;
  network_faults faults = {.delay = MILLISECOND, .jitter = MILLISECOND};
  network_start(seed, faults);
  network_event = handle;
  cquic_config config;
  for (int i = 0; i < 2; i++) {
    network_config(&config, (uint8_t)(i + 1));
    config.idle_timeout = 2 * SECOND;
    config.linger = 0;
    network_endpoints[i] = cquic_endpoint_new(&config, NULL);
  }
  // Either end may be the hostile one.
  cquic_endpoint_accept(network_endpoints[1], true);
  cquic_path path = network_path(0, 1);
  attacker = cquic_connect(network_endpoints[0], &path, NULL, network_now);
  network_run(network_now + 100 * MILLISECOND, is_over);
  for (int i = 0; i < 20 && !closed; i++) {
    if (stream) cquic_stream_write(stream, filler, sizeof filler);
    cquic_datagram_send(attacker, filler, 900);
    network_run(network_now + 20 * MILLISECOND, is_over);
  }
  if (stream) cquic_stream_release(stream);
  cquic_connection_release(attacker);
  attacker = NULL;
  network_run(network_now + 30 * SECOND, NULL);
  if (cquic_endpoint_counters(network_endpoints[1]).connections) {
    printf("seed %lu: the victim keeps a connection\n", seed);
    exit(1);
  }
  network_stop();
}

// The two frames that stop an unguarded ngtcp2 0.12: a connection id below one that retires it, twice.
static void change_retire_twice(cquic_connection *connection, uint8_t *frames, size_t count) {
  if (connection != attacker || count < 200 || !connected) return;
  changed++;
  uint8_t *at = frames;
  for (int i = 0; i < 3; i++) {
    *at++ = 0x18;
    *at++ = i == 0 ? 9 : 8;
    *at++ = i == 0 ? 9 : 0;
    *at++ = 16;
    memset(at, i == 0 ? 1 : 2, 32);
    at += 32;
  }
  memset(at, 0, count - (size_t)(at - frames));
}

void hostile_run(uint64_t count) {
  cquic_test_frames = change_retire_twice;
  attack(1);
  printf("a connection id that is retired twice: survived\n");
  cquic_test_frames = change;
  for (uint64_t seed = 1; seed <= count; seed++) attack(seed);
  printf("%lu hostile connections, %lu packets of invented frames: survived\n", count, changed);
}
