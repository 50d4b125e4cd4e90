// UDP sockets for finding peers on a link, without structures that differ between systems: an address is 16 bytes (IPv4: the first 4).
#ifndef CENTRAM_UDP_H
#define CENTRAM_UDP_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct centram_interface {
  char name[16];
  uint32_t index;
  // Bit 0: up, 1: multicast, 2: broadcast, 3: loopback, 4: point to point.
  uint32_t flags;
  // 4 or 6.
  int family;
  uint8_t address[16];
  // IPv4 with bit 2 of flags.
  uint8_t broadcast[4];
  int prefix_length;
};

// One entry an address. Returns how many there are, which may be more than `capacity`, or -1 (errno).
int centram_interfaces(struct centram_interface *list, int capacity);
// A socket on port `port` that hears the multicast group on one interface and sends to it with hop limit 255. `family` is 4 or 6. -1 (errno).
int centram_udp_multicast(int family, const char *interface, uint32_t index, const uint8_t *group, uint16_t port);
// A socket on port `port` (0: any) of all IPv4 addresses that sends and hears broadcasts; shared with others on this port. -1 (errno).
int centram_udp_broadcast(uint16_t port);
// The port that a socket has, or 0.
uint16_t centram_udp_port(int fd);
// Without waiting. -1 (errno).
ssize_t centram_udp_send(int fd, int family, const uint8_t *address, uint32_t scope, uint16_t port, const void *bytes, size_t count);
// Without waiting. Bytes of the datagram, which may be more than `capacity`, or -1 (errno).
ssize_t centram_udp_receive(int fd, void *bytes, size_t capacity, int *family, uint8_t *address, uint32_t *scope, uint16_t *port);
#endif
