#define _GNU_SOURCE
#include "centram_sandbox.h"
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static int set(__rlimit_resource_t what, rlim_t value) {
  struct rlimit both = {value, value}, now;
  if (getrlimit(what, &now) == 0 && now.rlim_max < value) both.rlim_cur = both.rlim_max = now.rlim_max;
  return setrlimit(what, &both) ? -errno : 0;
}

int centram_sandbox_prepare(void) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -errno;
  signal(SIGPIPE, SIG_IGN);
  return 0;
}

int centram_sandbox_limits(uint64_t memory, uint64_t cpu_seconds, uint64_t descriptors) {
  int failure = set(RLIMIT_CORE, 0);
  if (!failure) failure = set(RLIMIT_FSIZE, 0);
  if (!failure) failure = set(RLIMIT_NOFILE, descriptors);
  // Private writable memory: the heap, stacks, anonymous mappings. Memory that the host shares does not count.
  if (!failure && memory) failure = set(RLIMIT_DATA, memory);
  if (!failure && cpu_seconds) failure = set(RLIMIT_CPU, cpu_seconds);
  return failure;
}
