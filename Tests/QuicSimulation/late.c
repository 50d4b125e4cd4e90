// TLS messages after the handshake, when the shim has let go of TLS: a server's session tickets are passed over, whole or in pieces, and anything
// else closes the connection with TLS's unexpected_message.
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void late_run(void);
extern void (*cquic_test_frames)(cquic_connection *connection, uint8_t *frames, size_t count);

enum { CLIENT, SERVER, UNEXPECTED_MESSAGE = 0x100 + 10 };

static cquic_connection *ends[2];
static bool connected[2], closed[2];
static cquic_end end_of[2];
static int attacker;
static const uint8_t *message;
static size_t message_size, piece, sent;

static void handle(int side, cquic_event event) {
  if (event.kind == CQUIC_EVENT_CONNECTED) {
    ends[side] = event.connection;
    connected[side] = true;
  }
  if (event.kind == CQUIC_EVENT_CLOSED) {
    closed[side] = true;
    cquic_connection_end(event.connection, &end_of[side]);
  }
}

// The next piece of the message as a CRYPTO frame, then padding.
static void change(cquic_connection *connection, uint8_t *frames, size_t count) {
  if (connection != ends[attacker] || !connected[0] || !connected[1] || count < 80 || sent == message_size) return;
  size_t size = message_size - sent < piece ? message_size - sent : piece;
  frames[0] = 0x06;
  frames[1] = (uint8_t)sent;
  frames[2] = (uint8_t)size;
  memcpy(frames + 3, message + sent, size);
  memset(frames + 3 + size, 0, count - 3 - size);
  sent += size;
}

static bool is_over(void) { return closed[0] || closed[1]; }

static void run(const char *name, int from, const uint8_t *bytes, size_t size, size_t of_pieces, bool is_taken) {
  static uint8_t filler[700];
  memset(ends, 0, sizeof ends);
  memset(connected, 0, sizeof connected);
  memset(closed, 0, sizeof closed);
  memset(end_of, 0, sizeof end_of);
  (attacker = from, message = bytes, message_size = size, piece = of_pieces, sent = 0);
  network_start(1, (network_faults){.delay = MILLISECOND});
  network_event = handle;
  cquic_test_frames = change;
  for (int i = 0; i < 2; i++) {
    cquic_config config;
    network_config(&config, (uint8_t)(i + 1));
    network_endpoints[i] = cquic_endpoint_new(&config, NULL);
  }
  cquic_endpoint_accept(network_endpoints[SERVER], true);
  cquic_path path = network_path(CLIENT, SERVER);
  cquic_connect(network_endpoints[CLIENT], &path, NULL, network_now);
  network_run(network_now + 100 * MILLISECOND, is_over);
  for (int i = 0; i < 100 && !is_over(); i++) {
    cquic_datagram_send(ends[from], filler, sizeof filler);
    network_run(network_now + 20 * MILLISECOND, is_over);
  }
  int victim = 1 - from;
  bool refused = closed[victim] && end_of[victim].kind == CQUIC_END_ERROR && end_of[victim].code == UNEXPECTED_MESSAGE;
  bool good = connected[0] && connected[1] && (is_taken ? sent == size && !closed[0] && !closed[1] : refused);
  cquic_test_frames = NULL;
  network_stop();
  if (good) return;
  printf("%s: sent %zu of %zu bytes, closed %d %d, end %d code %lu\n", name, sent, size, closed[0], closed[1], (int)end_of[victim].kind, end_of[victim].code);
  exit(1);
}

void late_run(void) {
  uint8_t tickets[60] = {4, 0, 0, 20}, update[5] = {24, 0, 0, 1, 0};
  memcpy(tickets + 24, (uint8_t[]){4, 0, 0, 32}, 4);
  for (size_t size = 1; size <= sizeof tickets; size++) run("tickets of a server", SERVER, tickets, sizeof tickets, size, true);
  run("a key update of a server", SERVER, update, sizeof update, sizeof update, false);
  run("a key update of a client", CLIENT, update, sizeof update, sizeof update, false);
  run("tickets of a client", CLIENT, tickets, sizeof tickets, sizeof tickets, false);
  tickets[24] = 24;
  run("something behind a ticket", SERVER, tickets, sizeof tickets, 7, false);
  printf("TLS messages after the handshake: tickets passed over, others refused\n");
}
