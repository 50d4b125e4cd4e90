// One HTTP GET through libcurl. Swift cannot call its variadic functions, and most commands never need it, so the library
// is loaded at the first request.
#ifndef CENTRAM_CURL_H
#define CENTRAM_CURL_H
#include <stddef.h>
#include <stdint.h>

typedef struct centram_get {
  const char *url;              // http or https; redirects are followed within these
  const char *bearer;           // a token for the first host only; NULL: none
  const char *if_range;         // the ETag that `offset` counts on; NULL: none
  const char *agent;
  uint64_t offset;              // bytes that are there already; 0: the whole file
  uint32_t connect_seconds;     // for a connection
  uint32_t stall_seconds;       // ends a transfer that moves less than 1 kB/s for so long
  void *context;
  // Each header line of the last response, without its end.
  void (*header)(void *context, const char *line, size_t count);
  // A piece of the body of a response with status 2xx. 0 ends the transfer.
  int (*body)(void *context, long status, const uint8_t *bytes, size_t count);
  // Asked about once a second and at each piece; 1 ends the transfer.
  int (*is_cancelled)(void *context);
} centram_get_t;

// Returns 0 and the status of the last response, or a code of libcurl's with a sentence; -1: libcurl cannot be loaded.
int centram_curl_get(const centram_get_t *request, long *status, char error[256]);
#endif
