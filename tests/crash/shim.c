/* Watches what a process does to the files below one directory, for the crash tests.
 *
 * SHIM_DIR    the directory
 * SHIM_LOG    append every operation to this file
 * SHIM_KILL   "before N" or "after N": SIGKILL at the N-th operation (from 1)
 * SHIM_FAIL   "write N M" or "sync N M": the N-th to M-th of that kind fail with ENOSPC or EIO
 *
 * A log record is: kind (1 byte), path length (2), offset (8), data length (8), path, data;
 * numbers are little-endian.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);

static const char *directory;
static int log_fd = -1;
static long kill_at, operations, writes, syncs, fail_from, fail_to;
static int kill_after, fail_sync;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void) {
  char word[16] = "";
  const char *text;
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  directory = getenv("SHIM_DIR");
  if ((text = getenv("SHIM_LOG"))) log_fd = open(text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if ((text = getenv("SHIM_KILL"))) {
    sscanf(text, "%15s %ld", word, &kill_at);
    kill_after = !strcmp(word, "after");
  }
  if ((text = getenv("SHIM_FAIL"))) {
    sscanf(text, "%15s %ld %ld", word, &fail_from, &fail_to);
    fail_sync = !strcmp(word, "sync");
  }
}

/* Whether the path is watched: below the directory, and not shared memory, which a crash discards. */
static int watched(const char *path) {
  size_t length = strlen(path);
  if (!directory || strncmp(path, directory, strlen(directory))) return 0;
  return length < 4 || strcmp(path + length - 4, "-shm");
}

static int path_of(int fd, char path[PATH_MAX]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return watched(path);
}

static void record(char kind, const char *path, int64_t offset, const void *data, int64_t size) {
  if (log_fd < 0) return;
  uint16_t length = (uint16_t)strlen(path);
  char head[19];
  head[0] = kind;
  memcpy(head + 1, &length, 2);
  memcpy(head + 3, &offset, 8);
  memcpy(head + 11, &size, 8);
  if (real_write(log_fd, head, sizeof head) < 0 || real_write(log_fd, path, length) < 0) abort();
  if (size && real_write(log_fd, data, (size_t)size) < 0) abort();
}

/* Runs around every operation: begin counts and may kill, end may kill and lets the next one in. */
static void begin(void) {
  pthread_mutex_lock(&lock);
  if (++operations == kill_at && !kill_after) raise(SIGKILL);
}

static void end(void) {
  if (operations == kill_at && kill_after) raise(SIGKILL);
  pthread_mutex_unlock(&lock);
}

static int failing(int sync) {
  long count = sync ? ++syncs : ++writes;
  if (sync != fail_sync || !fail_from || count < fail_from || count > fail_to) return 0;
  errno = sync ? EIO : ENOSPC;
  return 1;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return real_pwrite(fd, data, size, offset);
  begin();
  ssize_t result = failing(0) ? -1 : real_pwrite(fd, data, size, offset);
  int saved = errno;
  if (result > 0) record('w', path, offset, data, result);
  end();
  errno = saved;
  return result;
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) { return pwrite(fd, data, size, offset); }

ssize_t write(int fd, const void *data, size_t size) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return real_write(fd, data, size);
  off_t offset = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
  begin();
  ssize_t result = failing(0) ? -1 : real_write(fd, data, size);
  int saved = errno;
  if (result > 0) record('w', path, offset, data, result);
  end();
  errno = saved;
  return result;
}

static int synced(int fd, int (*real)(int)) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return real(fd);
  begin();
  int result = failing(1) ? -1 : real(fd);
  int saved = errno;
  if (!result) record('s', path, 0, NULL, 0);
  end();
  errno = saved;
  return result;
}
int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }

int ftruncate(int fd, off_t size) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return real_ftruncate(fd, size);
  begin();
  int result = real_ftruncate(fd, size);
  if (!result) record('t', path, size, NULL, 0);
  end();
  return result;
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int rename(const char *from, const char *to) {
  if (!watched(to)) return real_rename(from, to);
  begin();
  int result = real_rename(from, to);
  if (!result) record('r', from, 0, to, (int64_t)strlen(to));
  end();
  return result;
}

int unlink(const char *path) {
  if (!watched(path)) return real_unlink(path);
  begin();
  int result = real_unlink(path);
  if (!result) record('u', path, 0, NULL, 0);
  end();
  return result;
}
