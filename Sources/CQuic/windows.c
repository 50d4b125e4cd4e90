// Flow-control windows that grow while the reader keeps up: where half a window is read within two round trips, it is the window that
// limits the peer. ngtcp2 0.12 can do this too, but where the announcement finds no room in its packet, it tells the peer a larger
// limit than it enforces, and then closes the connection for the peer's use of it.
#include "internal.h"

static uint64_t growth(cq_window *window, uint64_t count, uint64_t limit, const cquic_connection *connection) {
  window->read += count;
  if (window->read < window->size / 2) return 0;
  ngtcp2_conn_stat current;
  ngtcp2_conn_get_conn_stat(connection->quic, &current);
  bool limits = window->since != 0 && connection->now - window->since < 2 * current.smoothed_rtt;
  window->read = 0;
  window->since = connection->now;
  if (!limits || window->size >= limit) return 0;
  uint64_t more = window->size < limit - window->size ? window->size : limit - window->size;
  window->size += more;
  return more;
}

void cq_connection_credit(cquic_connection *connection, uint64_t count) {
  if (!count || connection->state != CQ_OPEN) return;
  uint64_t more = growth(&connection->window, count, connection->endpoint->config.max_connection_window, connection);
  ngtcp2_conn_extend_max_offset(connection->quic, count + more);
}

void cq_stream_credit(cquic_stream *stream, uint64_t count) {
  cquic_connection *connection = stream->connection;
  if (connection->state != CQ_OPEN) return;
  if (stream->library_open) {
    uint64_t more = growth(&stream->window, count, connection->endpoint->config.max_stream_window, connection);
    ngtcp2_conn_extend_max_stream_offset(connection->quic, stream->id, count + more);
  }
  cq_connection_credit(connection, count);
  cq_connection_mark(connection);
}
