#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H
// Leaves this thread, and all that it starts, the reading of libraries. 1; 0 where the kernel has no Landlock; -errno.
int centram_landlock(int network);
#endif
