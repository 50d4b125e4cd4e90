// The shim on a network with faults: `simulation FIRST COUNT` runs that many seeds, each twice, and compares the two traces.
// `simulation garbage COUNT` sends datagrams without sense, `simulation hostile COUNT` sends changed frames in packets that decrypt.
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void garbage_run(uint64_t count);
void hostile_run(uint64_t count);
void late_run(void);

enum { STREAMS = 3 };

typedef struct {
  cquic_stream *stream;
  uint64_t sent, received, sum;
  bool finished, ended;
} half;

static cquic_connection *connections[2];
static half halves[2][STREAMS];
static int opened[2], datagrams;
static bool connected[2], closed[2], failed;
static uint64_t total, given_up;
static cquic_end end;

// Byte number `at` of a stream in a direction.
static uint8_t byte_at(int direction, int stream, uint64_t at) { return (uint8_t)(at * 31 + at / 251 + (uint64_t)direction * 7 + (uint64_t)stream * 13); }

static void pump(int side, int index) {
  half *half = &halves[side][index];
  uint8_t part[4096];
  while (half->stream && half->sent < total) {
    size_t size = total - half->sent < sizeof part ? (size_t)(total - half->sent) : sizeof part;
    for (size_t i = 0; i < size; i++) part[i] = byte_at(side, index, half->sent + i);
    int64_t taken = cquic_stream_write(half->stream, part, size);
    if (taken < 0) return;
    half->sent += (uint64_t)taken;
    if ((size_t)taken < size) return;
  }
  if (half->stream && !half->finished) half->finished = cquic_stream_finish(half->stream) == 0;
}

// One place a stream: bytes may come there before the next call.
static uint8_t places[2][STREAMS][3000];

static void drain(int side, int index) {
  half *half = &halves[side][index];
  for (;;) {
    uint8_t *place = places[side][index];
    int64_t count = cquic_stream_read(half->stream, place, sizeof places[side][index], true);
    if (count == 0) half->ended = true;
    if (count <= 0) return;
    for (int64_t i = 0; i < count; i++) failed |= place[i] != byte_at(1 - side, index, half->received + (uint64_t)i);
    half->received += (uint64_t)count;
  }
}

static void adopt(int side, cquic_stream *stream, int index) {
  halves[side][index].stream = stream;
  cquic_stream_set_user(stream, (void *)(intptr_t)(index + 1));
  pump(side, index);
  drain(side, index);
}

// The connection's window may be used up by the first streams: the others are opened when an event says so.
static void open_streams(cquic_connection *connection) {
  cquic_stream *stream;
  int error;
  while (opened[0] < STREAMS && (stream = cquic_stream_open(connection, &error))) adopt(0, stream, opened[0]++);
}

static void handle(int side, cquic_event event) {
  int index = event.stream ? (int)(intptr_t)cquic_stream_user(event.stream) - 1 : 0;
  cquic_stream *stream;
  switch (event.kind) {
  case CQUIC_EVENT_CONNECTED:
    connected[side] = true;
    connections[side] = event.connection;
    if (side == 0) open_streams(event.connection);
    for (int i = 0; i < 4; i++) cquic_datagram_send(event.connection, "unreliable", 10);
    break;
  case CQUIC_EVENT_STREAM_OPENED:
    // Streams may come in any order: their number tells which it is.
    while ((stream = cquic_stream_accept(event.connection))) {
      adopt(side, stream, (int)(cquic_stream_id(stream) / 4));
      opened[side]++;
    }
    break;
  case CQUIC_EVENT_STREAMS: open_streams(event.connection); break;
  case CQUIC_EVENT_STREAM_READABLE: drain(side, index); break;
  case CQUIC_EVENT_STREAM_WRITABLE: pump(side, index); break;
  case CQUIC_EVENT_DATAGRAM_READABLE: {
    char datagram[64];
    for (int64_t size; (size = cquic_datagram_receive(event.connection, datagram, sizeof datagram)) >= 0; datagrams++) failed |= size != 10;
    break;
  }
  case CQUIC_EVENT_CLOSED:
    closed[side] = true;
    if (side == 0) cquic_connection_end(event.connection, &end);
    break;
  default: break;
  }
}

static bool all_received(void) {
  for (int side = 0; side < 2; side++) {
    for (int i = 0; i < STREAMS; i++) {
      if (!halves[side][i].ended) return false;
    }
  }
  return true;
}
static bool both_closed(void) { return closed[0] && closed[1]; }
static bool any_closed(void) { return closed[0] || closed[1] || all_received(); }

// Streams both ways under the seed's faults; one address change and one key update on the way. Returns the trace.
static uint64_t run(uint64_t seed, bool print) {
  memset(connections, 0, sizeof connections);
  memset(halves, 0, sizeof halves);
  memset(opened, 0, sizeof opened);
  memset(connected, 0, sizeof connected);
  memset(closed, 0, sizeof closed);
  memset(&end, 0, sizeof end);
  datagrams = 0;
  failed = false;
  network_faults faults = {.loss = (double)(seed % 11) / 100, .duplication = (double)(seed % 5) / 50, .corruption = (double)(seed % 3) / 100,
                           .delay = (1 + seed % 40) * MILLISECOND, .jitter = (seed % 7) * 4 * MILLISECOND + 1};
  network_start(seed, faults);
  network_event = handle;
  total = 100000 + network_random() % 200000;
  cquic_config config;
  for (int i = 0; i < 2; i++) {
    network_config(&config, (uint8_t)(i + 1));
    if (seed % 4 == 3) config.retry_above_half_open = 0;
    config.pacing = seed % 2;
    network_endpoints[i] = cquic_endpoint_new(&config, NULL);
  }
  cquic_endpoint_accept(network_endpoints[1], true);
  uint8_t key[CQUIC_KEY_SIZE];
  cquic_endpoint_key(network_endpoints[1], key);
  cquic_path path = network_path(0, 1);
  connections[0] = cquic_connect(network_endpoints[0], &path, key, network_now);
  uint64_t start = network_now;
  network_run(start + 500 * MILLISECOND, any_closed);
  if (seed % 2 && connected[0] && connected[1]) network_rebind(0);
  if (seed % 3 == 0 && connected[0] && !closed[0]) cquic_connection_update_keys(connections[0], network_now);
  network_run(start + 300 * SECOND, any_closed);
  bool whole = all_received() && !failed;
  for (int side = 0; side < 2; side++) {
    for (int i = 0; i < STREAMS; i++) whole &= halves[side][i].received == total;
  }
  if (!closed[0]) cquic_connection_close(connections[0], 7, "done", network_now);
  network_run(network_now + 100 * SECOND, both_closed);
  // With heavy loss a handshake may take longer than it is given, and where all probes of a new path are lost the library closes with
  // NO_VIABLE_PATH, 16. Everything else must arrive whole.
  bool gave_up = !connected[0] && (end.kind == CQUIC_END_HANDSHAKE || end.kind == CQUIC_END_IDLE);
  gave_up |= seed % 2 && faults.loss > 0 && !end.application && end.code == 16;
  given_up += gave_up;
  bool good = (whole || gave_up) && !failed && closed[0];
  if (print || !good) {
    cquic_counters counters = cquic_endpoint_counters(network_endpoints[1]);
    printf("seed %lu loss %.0f%% duplication %.0f%% corruption %.0f%%: %s, %lu bytes each way a stream, %d datagrams, %lu path changes, %.1f s virtual%s\n", seed,
           faults.loss * 100, faults.duplication * 100, faults.corruption * 100, good ? "whole" : "BROKEN", total, datagrams, counters.path_changes,
           (double)(network_now - start) / 1e9, gave_up ? ", given up" : "");
    if (!good) printf("  connected %d %d closed %d %d end %d code %lu %s\n", connected[0], connected[1], closed[0], closed[1], end.kind, end.code, end.reason);
  }
  for (int side = 0; side < 2; side++) {
    for (int i = 0; i < STREAMS; i++) {
      if (halves[side][i].stream) cquic_stream_release(halves[side][i].stream);
    }
    if (connections[side]) cquic_connection_release(connections[side]);
  }
  network_run(network_now + 100 * SECOND, NULL);
  cquic_counters counters = cquic_endpoint_counters(network_endpoints[1]);
  if (counters.connections || counters.half_open) {
    printf("seed %lu: %lu connections and %lu half open are left\n", seed, counters.connections, counters.half_open);
    good = false;
  }
  uint64_t trace = network_trace;
  network_stop();
  if (!good) exit(1);
  return trace;
}

int main(int count, char **arguments) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (count == 3 && strcmp(arguments[1], "garbage") == 0) return garbage_run(strtoull(arguments[2], NULL, 10)), 0;
  if (count == 3 && strcmp(arguments[1], "hostile") == 0) return late_run(), hostile_run(strtoull(arguments[2], NULL, 10)), 0;
  uint64_t first = count > 1 ? strtoull(arguments[1], NULL, 10) : 1, seeds = count > 2 ? strtoull(arguments[2], NULL, 10) : 10;
  for (uint64_t seed = first; seed < first + seeds; seed++) {
    uint64_t trace = run(seed, seeds <= 20);
    if (run(seed, false) != trace) {
      printf("seed %lu: two runs differ\n", seed);
      return 1;
    }
  }
  printf("%lu seeds from %lu, each twice with the same trace; %lu given up for loss\n", seeds, first, given_up / 2);
  return 0;
}
