// What can be asked of a connection.
#include "internal.h"

#include <string.h>

void cquic_connection_set_user(cquic_connection *connection, void *user) { connection->user = user; }
void *cquic_connection_user(const cquic_connection *connection) { return connection->user; }
bool cquic_connection_is_server(const cquic_connection *connection) { return connection->server; }
const uint8_t *cquic_connection_key(const cquic_connection *connection) { return connection->has_key ? connection->key : NULL; }
const uint8_t *cquic_connection_binding(const cquic_connection *connection) { return connection->binding; }
void cquic_connection_end(const cquic_connection *connection, cquic_end *end) { *end = connection->end; }

void cquic_connection_remote(const cquic_connection *connection, struct sockaddr_storage *address, socklen_t *length) {
  *length = 0;
  if (!connection->quic) return;
  const ngtcp2_path *path = ngtcp2_conn_get_path(connection->quic);
  memcpy(address, path->remote.addr, path->remote.addrlen);
  *length = path->remote.addrlen;
}

void cquic_connection_statistics(const cquic_connection *connection, cquic_statistics *statistics) {
  memset(statistics, 0, sizeof *statistics);
  statistics->packets_received = connection->packets_received;
  statistics->packets_sent = connection->packets_sent;
  if (!connection->quic) return;
  ngtcp2_conn_stat current;
  ngtcp2_conn_get_conn_stat(connection->quic, &current);
  statistics->smoothed_rtt = current.smoothed_rtt;
  statistics->minimum_rtt = current.min_rtt;
  statistics->congestion_window = current.cwnd;
  statistics->bytes_in_flight = current.bytes_in_flight;
  statistics->udp_payload = ngtcp2_conn_get_path_max_tx_udp_payload_size(connection->quic);
  const ngtcp2_transport_params *remote = connection->connected ? ngtcp2_conn_get_remote_transport_params(connection->quic) : NULL;
  statistics->can_send_datagrams = remote && remote->max_datagram_frame_size > 0;
}
