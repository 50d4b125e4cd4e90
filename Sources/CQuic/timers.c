// A binary heap of the times at which connections want to be looked at.
#include "internal.h"

#include <stdlib.h>

// The granularity that RFC 9002 recommends. ngtcp2 0.12 delays acknowledgements by an eighth of the round trip, 7 µs on a loopback;
// without this floor each message costs a packet with nothing but an acknowledgement.
static const uint64_t granularity = NGTCP2_MILLISECONDS;

static void place(cquic_endpoint *endpoint, cquic_connection *connection, size_t index) {
  endpoint->heap[index] = connection;
  connection->heap_index = index;
}

static void rise(cquic_endpoint *endpoint, size_t index) {
  cquic_connection *connection = endpoint->heap[index];
  while (index > 0) {
    size_t parent = (index - 1) / 2;
    if (endpoint->heap[parent]->timer <= connection->timer) break;
    place(endpoint, endpoint->heap[parent], index);
    index = parent;
  }
  place(endpoint, connection, index);
}

static void sink(cquic_endpoint *endpoint, size_t index) {
  cquic_connection *connection = endpoint->heap[index];
  for (;;) {
    size_t child = 2 * index + 1;
    if (child >= endpoint->heap_count) break;
    if (child + 1 < endpoint->heap_count && endpoint->heap[child + 1]->timer < endpoint->heap[child]->timer) child++;
    if (endpoint->heap[child]->timer >= connection->timer) break;
    place(endpoint, endpoint->heap[child], index);
    index = child;
  }
  place(endpoint, connection, index);
}

bool cq_timer_reserve(cquic_endpoint *endpoint) {
  if (endpoint->heap_count < endpoint->heap_capacity) return true;
  size_t capacity = endpoint->heap_capacity ? endpoint->heap_capacity * 2 : 16;
  cquic_connection **heap = realloc(endpoint->heap, capacity * sizeof *heap);
  if (!heap) return false;
  endpoint->heap = heap;
  endpoint->heap_capacity = capacity;
  return true;
}

void cq_timer_set(cquic_connection *connection, uint64_t time) {
  cquic_endpoint *endpoint = connection->endpoint;
  if (!connection->in_heap) {
    // Each connection has a place reserved since it was made.
    connection->in_heap = true;
    connection->timer = time;
    place(endpoint, connection, endpoint->heap_count++);
    rise(endpoint, connection->heap_index);
    return;
  }
  uint64_t old = connection->timer;
  connection->timer = time;
  if (time < old) rise(endpoint, connection->heap_index);
  else if (time > old) sink(endpoint, connection->heap_index);
}

void cq_timer_remove(cquic_connection *connection) {
  if (!connection->in_heap) return;
  cquic_endpoint *endpoint = connection->endpoint;
  size_t index = connection->heap_index;
  connection->in_heap = false;
  endpoint->heap_count--;
  if (index == endpoint->heap_count) return;
  place(endpoint, endpoint->heap[endpoint->heap_count], index);
  rise(endpoint, index);
  sink(endpoint, endpoint->heap[index]->heap_index);
}

void cq_timer_update(cquic_connection *connection, uint64_t now) {
  if (connection->state != CQ_OPEN) {
    cq_timer_set(connection, connection->deadline);
    return;
  }
  uint64_t expiry = ngtcp2_conn_get_expiry(connection->quic);
  // A paced connection waits for its turn exactly; everything else can wait for the granularity, but a timer that is due soon is
  // not pushed back by each packet.
  uint64_t earliest = connection->paced || expiry == UINT64_MAX || expiry > now + granularity ? expiry : now + granularity;
  if (connection->in_heap && earliest > connection->timer && expiry <= connection->timer) earliest = connection->timer;
  if (connection->close_wanted && connection->deadline < earliest) earliest = connection->deadline;
  cq_timer_set(connection, earliest);
}

uint64_t cquic_next_expiry(const cquic_endpoint *endpoint) { return endpoint->heap_count ? endpoint->heap[0]->timer : UINT64_MAX; }

void cquic_expire(cquic_endpoint *endpoint, uint64_t now) {
  while (endpoint->heap_count && endpoint->heap[0]->timer <= now) {
    cquic_connection *connection = endpoint->heap[0];
    connection->now = now;
    if (connection->state != CQ_OPEN) {
      if (connection->deadline <= now) cq_connection_bury(connection);
      else cq_timer_set(connection, connection->deadline);
      continue;
    }
    if (connection->close_wanted && connection->deadline <= now) {
      cq_connection_mark(connection);
      cq_timer_set(connection, now + granularity);  // closed when it is written
      continue;
    }
    int result = ngtcp2_conn_get_expiry(connection->quic) <= now ? ngtcp2_conn_handle_expiry(connection->quic, now) : 0;
    if (result == NGTCP2_ERR_IDLE_CLOSE || result == NGTCP2_ERR_HANDSHAKE_TIMEOUT) {
      cq_connection_ended(connection, result == NGTCP2_ERR_IDLE_CLOSE ? CQUIC_END_IDLE : CQUIC_END_HANDSHAKE, 0, false, "", 0);
      cq_connection_bury(connection);
      continue;
    }
    if (result != 0) cq_connection_failed(connection, result, now);
    else cq_connection_mark(connection);
    // Until it is written, so that this loop ends.
    if (connection->state == CQ_OPEN) cq_timer_set(connection, now + granularity);
    else cq_timer_set(connection, connection->deadline);
  }
}
