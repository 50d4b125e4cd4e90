#define _GNU_SOURCE
#include "centram_sandbox.h"
#include <errno.h>
#include <sched.h>

// Where the calling thread might run before it followed another.
static _Thread_local cpu_set_t before;
static _Thread_local int followed = -1;

int centram_processor(void) { return sched_getcpu(); }

int centram_follow(int processor) {
  if (processor == followed) return 0;
  if (followed < 0 && sched_getaffinity(0, sizeof before, &before)) return -errno;
  if (processor >= CPU_SETSIZE || (processor >= 0 && !CPU_ISSET((size_t)processor, &before))) return -EINVAL;
  cpu_set_t wanted = before;
  if (processor >= 0) {
    CPU_ZERO(&wanted);
    CPU_SET((size_t)processor, &wanted);
  }
  if (sched_setaffinity(0, sizeof wanted, &wanted)) return -errno;
  followed = processor < 0 ? -1 : processor;
  return 0;
}
