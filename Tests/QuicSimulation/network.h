// Endpoints of the shim on a network of memory with a clock of its own. One seed, one run.
#ifndef NETWORK_H
#define NETWORK_H
#include "centram_quic.h"

#include <netinet/in.h>

enum { ENDPOINTS = 3 };
#define MILLISECOND UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

typedef struct {
  double loss, duplication, corruption;
  uint64_t delay, jitter;  // jitter reorders
} network_faults;

extern uint64_t network_now;
extern uint64_t network_trace;  // a hash of what was delivered when: the same seed gives the same
extern cquic_endpoint *network_endpoints[ENDPOINTS];
extern network_faults network_fault;

uint64_t network_random(void);
void network_start(uint64_t seed, network_faults faults);
void network_stop(void);
void network_config(cquic_config *config, uint8_t key);
cquic_path network_path(int from, int to);
// From now on `endpoint` sends from another port, as after a NAT has forgotten it.
void network_rebind(int endpoint);
// Runs until `done` says so or the time is over.
bool network_run(uint64_t until, bool (*done)(void));
// What to do with an event.
extern void (*network_event)(int endpoint, cquic_event event);
#endif
