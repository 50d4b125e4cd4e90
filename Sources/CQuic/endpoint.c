#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *config_check(const cquic_config *config) {
  const uint64_t limit = (uint64_t)1 << 40;
  if (!config->alpn || !config->alpn[0] || strlen(config->alpn) > 63) return "the ALPN name has not 1 to 63 bytes";
  if (!config->stream_window || !config->connection_window) return "a flow-control window is 0";
  if (config->stream_window > config->max_stream_window || config->connection_window > config->max_connection_window) {
    return "a flow-control window starts above its largest size";
  }
  if (config->max_stream_window > limit || config->max_connection_window > limit) return "a flow-control window is above 1 TiB";
  if (!config->stream_send_buffer || !config->connection_send_buffer) return "a send buffer is 0";
  if (config->max_streams > 1 << 16) return "more than 65536 streams";
  if (!config->idle_timeout || !config->handshake_timeout) return "a time-out is 0";
  if (config->idle_timeout > limit * 64 || config->handshake_timeout > limit * 64 || config->keep_alive > limit * 64 || config->linger > limit * 64) {
    return "a time is above 19 hours";
  }
  if (config->max_udp_payload < NGTCP2_MAX_UDP_PAYLOAD_SIZE || config->max_udp_payload > 65000) return "the largest UDP payload is not 1200 to 65000";
  return NULL;
}

cquic_endpoint *cquic_endpoint_new(const cquic_config *config, const char **reason) {
  const char *wrong = config_check(config);
  cquic_endpoint *endpoint = wrong ? NULL : calloc(1, sizeof *endpoint);
  if (!endpoint) {
    if (reason) *reason = wrong ? wrong : "out of memory";
    return NULL;
  }
  endpoint->config = *config;
  cq_memory_init(endpoint);
  snprintf(endpoint->alpn, sizeof endpoint->alpn, "%s", config->alpn);
  endpoint->config.alpn = endpoint->alpn;
  endpoint->bucket_count = 64;
  endpoint->buckets = calloc(endpoint->bucket_count, sizeof *endpoint->buckets);
  wrong = endpoint->buckets ? cq_identity_make(endpoint) : "out of memory";
  if (wrong) {
    if (reason) *reason = wrong;
    cquic_endpoint_free(endpoint);
    return NULL;
  }
  cq_random(endpoint, endpoint->secret, sizeof endpoint->secret);
  cq_random(endpoint, endpoint->hash_key, sizeof endpoint->hash_key);
  return endpoint;
}

void cquic_endpoint_free(cquic_endpoint *endpoint) {
  while (endpoint->connections) cq_connection_destroy(endpoint->connections);
  while (endpoint->controls) {
    cq_control *control = endpoint->controls;
    endpoint->controls = control->next;
    free(control);
  }
  while (endpoint->spare) {
    cq_block *block = endpoint->spare;
    endpoint->spare = block->next;
    free(block);
  }
  if (endpoint->credentials) gnutls_certificate_free_credentials(endpoint->credentials);
  if (endpoint->priorities) gnutls_priority_deinit(endpoint->priorities);
  if (endpoint->certificate) gnutls_x509_crt_deinit(endpoint->certificate);
  if (endpoint->key) gnutls_x509_privkey_deinit(endpoint->key);
  gnutls_memset(endpoint->secret, 0, sizeof endpoint->secret);
  cq_memory_free(endpoint);
  free(endpoint->stash);
  free(endpoint->rates);
  free(endpoint->heap);
  free(endpoint->buckets);
  free(endpoint);
}

void cquic_endpoint_key(const cquic_endpoint *endpoint, uint8_t key[CQUIC_KEY_SIZE]) { memcpy(key, endpoint->public_key, CQUIC_KEY_SIZE); }

cquic_counters cquic_endpoint_counters(const cquic_endpoint *endpoint) { return endpoint->counters; }

void cquic_endpoint_accept(cquic_endpoint *endpoint, bool accept) { endpoint->accepts = accept; }

const char *cquic_library_version(void) { return ngtcp2_version(0)->version_str; }
