/* Preloaded into postmultid: statvfs(2) below HANG_BELOW does not return as long as there is a FIFO at HANG_AT that nobody has
 * opened for writing. It stands in for the server of a network file system that is gone, which cannot be had in a test. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void hang(const char *path) {
  const char *below = getenv("HANG_BELOW"), *at = getenv("HANG_AT");
  if (!below || !at || strncmp(path, below, strlen(below)) != 0) return;
  int fifo = open(at, O_RDONLY | O_CLOEXEC);
  if (fifo >= 0) close(fifo);
}

int statvfs(const char *path, struct statvfs *facts) {
  int (*real)(const char *, struct statvfs *) = dlsym(RTLD_NEXT, "statvfs");
  hang(path);
  return real(path, facts);
}

/* What a program calls that is compiled for large files. */
int statvfs64(const char *path, struct statvfs64 *facts) {
  int (*real)(const char *, struct statvfs64 *) = dlsym(RTLD_NEXT, "statvfs64");
  hang(path);
  return real(path, facts);
}
