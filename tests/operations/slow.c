/* Makes each sync of the files whose path contains SLOW_PATH take half a second longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void start(void) {
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
}

static void wait_for(int fd) {
  const struct timespec half_a_second = {0, 500000000};
  char name[64], path[512];
  const char *slow = getenv("SLOW_PATH");
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(name, path, sizeof path - 1);
  if (length < 0 || !slow) return;
  path[length] = 0;
  if (strstr(path, slow)) nanosleep(&half_a_second, NULL);
}

int fsync(int fd) {
  wait_for(fd);
  return real_fsync(fd);
}

int fdatasync(int fd) {
  wait_for(fd);
  return real_fdatasync(fd);
}
