// Raw TCP with blocking calls: `raw_tcp serve` prints its port, `raw_tcp bulk PORT BYTES`, `raw_tcp ping PORT COUNT SIZE`.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char space[1 << 18];

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void all(ssize_t (*step)(int, void *, size_t), int fd, size_t count) {
  for (size_t at = 0; at < count;) {
    ssize_t part = step(fd, space + at % sizeof space, count - at < sizeof space - at % sizeof space ? count - at : sizeof space - at % sizeof space);
    if (part <= 0) exit(part < 0);
    at += (size_t)part;
  }
}
static ssize_t put(int fd, void *bytes, size_t count) { return write(fd, bytes, count); }

static int by_value(const void *a, const void *b) { return *(uint64_t *)a < *(uint64_t *)b ? -1 : *(uint64_t *)a > *(uint64_t *)b; }

int main(int count, char **arguments) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (count < 2) return 64;
  if (strcmp(arguments[1], "serve") == 0) {
    if (bind(fd, (void *)&address, sizeof address) || listen(fd, 8) || getsockname(fd, (void *)&address, &length)) return 1;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (int peer; (peer = accept(fd, NULL, NULL)) >= 0; close(peer)) {
      setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      char mode;
      ssize_t part = read(peer, &mode, 1);
      while ((part = read(peer, space, sizeof space)) > 0) {
        if (mode == 'P' && write(peer, space, (size_t)part) < 0) break;
      }
      if (mode == 'B') (void)!write(peer, space, 1);
    }
    return 0;
  }
  address.sin_port = htons((uint16_t)atoi(arguments[2]));
  if (connect(fd, (void *)&address, sizeof address)) return 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  size_t amount = strtoull(arguments[3], NULL, 10);
  if (strcmp(arguments[1], "bulk") == 0) {
    uint64_t start = now();
    space[0] = 'B';
    all(put, fd, 1);
    all(put, fd, amount);
    shutdown(fd, SHUT_WR);
    all(read, fd, 1);
    printf("{\"mb_per_second\": %f}\n", (double)amount / 1e6 / ((double)(now() - start) / 1e9));
    return 0;
  }
  size_t size = strtoull(arguments[4], NULL, 10);
  uint64_t *samples = calloc(amount, sizeof *samples);
  space[0] = 'P';
  all(put, fd, 1);
  for (size_t i = 0; i < amount; i++) {
    uint64_t start = now();
    all(put, fd, size);
    all(read, fd, size);
    samples[i] = now() - start;
  }
  qsort(samples, amount, sizeof *samples, by_value);
  printf("{\"p50_us\": %f, \"p99_us\": %f}\n", (double)samples[amount / 2] / 1e3, (double)samples[amount * 99 / 100] / 1e3);
  return 0;
}
