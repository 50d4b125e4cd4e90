#include "centram_curl.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct {
  __typeof__(&curl_global_init) global_init;
  __typeof__(&curl_easy_init) init;
  __typeof__(&curl_easy_setopt) set;
  __typeof__(&curl_easy_perform) perform;
  __typeof__(&curl_easy_getinfo) info;
  __typeof__(&curl_easy_strerror) text;
  __typeof__(&curl_easy_cleanup) cleanup;
  __typeof__(&curl_slist_append) append;
  __typeof__(&curl_slist_free_all) free_list;
} lib;
static int is_loaded = 0;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
  void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!handle) return;
  *(void **)&lib.global_init = dlsym(handle, "curl_global_init");
  *(void **)&lib.init = dlsym(handle, "curl_easy_init");
  *(void **)&lib.set = dlsym(handle, "curl_easy_setopt");
  *(void **)&lib.perform = dlsym(handle, "curl_easy_perform");
  *(void **)&lib.info = dlsym(handle, "curl_easy_getinfo");
  *(void **)&lib.text = dlsym(handle, "curl_easy_strerror");
  *(void **)&lib.cleanup = dlsym(handle, "curl_easy_cleanup");
  *(void **)&lib.append = dlsym(handle, "curl_slist_append");
  *(void **)&lib.free_list = dlsym(handle, "curl_slist_free_all");
  is_loaded = lib.global_init && lib.init && lib.set && lib.perform && lib.info && lib.text && lib.cleanup && lib.append && lib.free_list &&
              lib.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

typedef struct {
  const centram_get_t *request;
  CURL *curl;
} transfer;

static size_t on_header(char *line, size_t size, size_t count, void *context) {
  transfer *t = context;
  size_t bytes = size * count, end = bytes;
  while (end > 0 && (line[end - 1] == '\r' || line[end - 1] == '\n')) end--;
  t->request->header(t->request->context, line, end);
  return bytes;
}

static size_t on_body(char *data, size_t size, size_t count, void *context) {
  transfer *t = context;
  long status = 0;
  lib.info(t->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200 || status > 299) return size * count; // the page of an error
  return t->request->body(t->request->context, status, (const uint8_t *)data, size * count) ? size * count : 0;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
  (void)a, (void)b, (void)c, (void)d;
  transfer *t = context;
  return t->request->is_cancelled(t->request->context);
}

int centram_curl_get(const centram_get_t *request, long *status, char error[256]) {
  pthread_once(&once, load);
  error[0] = 0;
  if (!is_loaded) {
    snprintf(error, 256, "libcurl.so.4 cannot be loaded; Debian has it as libcurl4");
    return -1;
  }
  CURL *curl = lib.init();
  if (!curl) return CURLE_OUT_OF_MEMORY;
  transfer t = {request, curl};
  struct curl_slist *headers = NULL;
  char line[512];
  if (request->if_range && strlen(request->if_range) < 400) {
    snprintf(line, sizeof line, "If-Range: %s", request->if_range);
    headers = lib.append(headers, line);
  }
  if (request->offset) { // not CURLOPT_RESUME_FROM: that fails where a server sends the whole file instead
    snprintf(line, sizeof line, "Range: bytes=%llu-", (unsigned long long)request->offset);
    headers = lib.append(headers, line);
  }
  lib.set(curl, CURLOPT_URL, request->url);
  lib.set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  lib.set(curl, CURLOPT_REDIR_PROTOCOLS_STR, strncasecmp(request->url, "https:", 6) ? "http,https" : "https"); // never down from what was asked for
  lib.set(curl, CURLOPT_FOLLOWLOCATION, 1L);
  lib.set(curl, CURLOPT_MAXREDIRS, 8L);
  lib.set(curl, CURLOPT_NOSIGNAL, 1L);
  lib.set(curl, CURLOPT_USERAGENT, request->agent);
  lib.set(curl, CURLOPT_CONNECTTIMEOUT, (long)request->connect_seconds);
  lib.set(curl, CURLOPT_LOW_SPEED_LIMIT, 1000L);
  lib.set(curl, CURLOPT_LOW_SPEED_TIME, (long)request->stall_seconds);
  lib.set(curl, CURLOPT_ERRORBUFFER, error);
  lib.set(curl, CURLOPT_HEADERFUNCTION, on_header);
  lib.set(curl, CURLOPT_HEADERDATA, &t);
  lib.set(curl, CURLOPT_WRITEFUNCTION, on_body);
  lib.set(curl, CURLOPT_WRITEDATA, &t);
  lib.set(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  lib.set(curl, CURLOPT_XFERINFODATA, &t);
  lib.set(curl, CURLOPT_NOPROGRESS, 0L);
  lib.set(curl, CURLOPT_BUFFERSIZE, 262144L);
  if (request->bearer) {
    lib.set(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    lib.set(curl, CURLOPT_XOAUTH2_BEARER, request->bearer);
  }
  if (headers) lib.set(curl, CURLOPT_HTTPHEADER, headers);
  CURLcode code = lib.perform(curl);
  lib.info(curl, CURLINFO_RESPONSE_CODE, status);
  if (code != CURLE_OK && !error[0]) snprintf(error, 256, "%s", lib.text(code));
  if (headers) lib.free_list(headers);
  lib.cleanup(curl);
  return (int)code;
}
