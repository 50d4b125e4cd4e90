// Linked into centram-plugin-runner and nothing else: it stands in the way of a function of the C library.
#ifndef CENTRAM_RUNNER_SHIM_H
#define CENTRAM_RUNNER_SHIM_H
#include <sys/types.h>

// As the C library's, but for /proc/THREAD/stat, which libdispatch reads of its own threads, and ends the process where it cannot. No file
// is opened for that: the answer is always that the thread runs.
int open(const char *path, int flags, ...);
#endif
