// Linked into centram-plugin-runner, and with it into test bundles: it stands in the way of a function of the C library.
#ifndef CENTRAM_RUNNER_SHIM_H
#define CENTRAM_RUNNER_SHIM_H
#include <sys/types.h>

// From here on `open` is as the C library's, but for /proc/THREAD/stat, which libdispatch reads of its own threads, and ends the process where it
// cannot. No file is opened for that: the answer is always that the thread runs. In any other process that answer would be wrong: libdispatch would
// never know that its threads are blocked, and start no more.
void centram_runner_answer_for_threads(void);
#endif
