/* Makes the disk under some files a bad one.
 *
 * BAD_PATH   syncs of files whose path contains this are bad as soon as
 * BAD_WHEN   this file exists:
 * BAD_HOW    "slow" makes them half a second longer, "fail" fails them with EIO
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
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

static int fails(int fd) {
  const struct timespec half_a_second = {0, 500000000};
  const char *bad = getenv("BAD_PATH"), *when = getenv("BAD_WHEN"), *how = getenv("BAD_HOW");
  char name[64], path[512];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(name, path, sizeof path - 1);
  if (length < 0 || !bad || !when || !how) return 0;
  path[length] = 0;
  if (!strstr(path, bad) || access(when, F_OK)) return 0;
  if (!strcmp(how, "slow")) nanosleep(&half_a_second, NULL);
  return !strcmp(how, "fail");
}

int fsync(int fd) {
  if (fails(fd)) return errno = EIO, -1;
  return real_fsync(fd);
}

int fdatasync(int fd) {
  if (fails(fd)) return errno = EIO, -1;
  return real_fdatasync(fd);
}
