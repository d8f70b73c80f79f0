/* Preloaded into postmultid: statvfs(2) below HANG_BELOW does not return while HANG_WHILE exists. It stands in for the server of a
 * network file system that is gone, which cannot be had in a test without one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void hang(const char *path) {
  const char *below = getenv("HANG_BELOW"), *condition = getenv("HANG_WHILE");
  while (below && condition && strncmp(path, below, strlen(below)) == 0 && access(condition, F_OK) == 0) usleep(50000);
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
