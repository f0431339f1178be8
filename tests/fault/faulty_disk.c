// Preloaded into the server: makes chosen writes and syncs of the files below one folder fail, fall short or take long.
//
// PARLEY_FAULT_FOLDER names the folder, PARLEY_FAULT_SUFFIX how the names of the files concerned end, and
// PARLEY_FAULT_CONTROL a file that holds a struct control; both sides map it, so that a test can arm a fault and count
// calls while the server runs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/uio.h>

enum { WRITE = 1, PWRITE = 2, WRITEV = 4, FSYNC = 8, FDATASYNC = 16, SYNC_FILE_RANGE = 32, FALLOCATE = 64 };
enum { FAIL = 1, FALL_SHORT = 2, TAKE_LONG = 3 };

// faulty_disk.py has the same fields in the same order.
struct control {
  _Atomic int32_t mask;    // the calls that count, of the first enum
  _Atomic int32_t action;  // what happens to those that are hit, of the second enum; 0: nothing
  _Atomic int32_t error;   // the errno of FAIL
  _Atomic int32_t first;   // the number of the first call that is hit, from 1
  _Atomic int32_t count;   // how many are hit; -1: all from the first on
  _Atomic int32_t delay;   // of TAKE_LONG, in milliseconds
  _Atomic int32_t calls;   // how many of the mask's calls there were since the test armed it
  _Atomic int32_t hits;    // how many were hit
  _Atomic int32_t inside;  // how many are in their delay now
};

static struct control* control;
static char folder[4096];
static const char* suffix = "";

__attribute__((constructor)) static void open_control(void) {
  const char* path = getenv("PARLEY_FAULT_CONTROL");
  const char* below = getenv("PARLEY_FAULT_FOLDER");
  if (getenv("PARLEY_FAULT_SUFFIX") != NULL) suffix = getenv("PARLEY_FAULT_SUFFIX");
  if (path == NULL || below == NULL || realpath(below, folder) == NULL) return;
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) control = mapped;
}

static int is_concerned(int fd) {
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = '\0';
  const size_t prefix = strlen(folder);
  const size_t ending = strlen(suffix);
  if ((size_t)length < ending || strcmp(path + length - ending, suffix) != 0) return 0;
  return strncmp(path, folder, prefix) == 0 && (path[prefix] == '/' || path[prefix] == '\0');
}

static void take_long(void) {
  const int32_t delay = control->delay;
  const struct timespec time = {delay / 1000, delay % 1000 * 1000000L};
  control->inside++;
  nanosleep(&time, NULL);
  control->inside--;
}

// What happens to this call: 0, FAIL (errno is set) or FALL_SHORT; a delay is over on return.
static int fate(int call, int fd) {
  if (control == NULL || (control->mask & call) == 0 || !is_concerned(fd)) return 0;
  const int32_t number = ++control->calls;
  const int32_t first = control->first;
  const int32_t count = control->count;
  if (control->action == 0 || number < first || (count >= 0 && number >= first + count)) return 0;
  control->hits++;
  if (control->action == TAKE_LONG) {
    take_long();
    return 0;
  }
  errno = control->error;
  return control->action;
}

#define NEXT(name, type) ((type)dlsym(RTLD_NEXT, name))

ssize_t write(int fd, const void* data, size_t size) {
  static ssize_t (*next)(int, const void*, size_t);
  if (next == NULL) next = NEXT("write", ssize_t(*)(int, const void*, size_t));
  const int what = fate(WRITE, fd);
  if (what == FAIL) return -1;
  return next(fd, data, what == FALL_SHORT && size > 1 ? size / 2 : size);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  static ssize_t (*next)(int, const void*, size_t, off_t);
  if (next == NULL) next = NEXT("pwrite", ssize_t(*)(int, const void*, size_t, off_t));
  const int what = fate(PWRITE, fd);
  if (what == FAIL) return -1;
  return next(fd, data, what == FALL_SHORT && size > 1 ? size / 2 : size, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) { return pwrite(fd, data, size, offset); }

ssize_t writev(int fd, const struct iovec* parts, int count) {
  static ssize_t (*next)(int, const struct iovec*, int);
  if (next == NULL) next = NEXT("writev", ssize_t(*)(int, const struct iovec*, int));
  const int what = fate(WRITEV, fd);
  if (what == FAIL) return -1;
  return next(fd, parts, what == FALL_SHORT && count > 1 ? count - 1 : count);
}

int fsync(int fd) {
  static int (*next)(int);
  if (next == NULL) next = NEXT("fsync", int (*)(int));
  return fate(FSYNC, fd) == FAIL ? -1 : next(fd);
}

int fdatasync(int fd) {
  static int (*next)(int);
  if (next == NULL) next = NEXT("fdatasync", int (*)(int));
  return fate(FDATASYNC, fd) == FAIL ? -1 : next(fd);
}

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags) {
  static int (*next)(int, off64_t, off64_t, unsigned);
  if (next == NULL) next = NEXT("sync_file_range", int (*)(int, off64_t, off64_t, unsigned));
  if (flags == 0) return next(fd, offset, size, flags);  // syncs nothing: a probe that a disk cannot fail
  return fate(SYNC_FILE_RANGE, fd) == FAIL ? -1 : next(fd, offset, size, flags);
}

int fallocate(int fd, int mode, off_t offset, off_t size) {
  static int (*next)(int, int, off_t, off_t);
  if (next == NULL) next = NEXT("fallocate", int (*)(int, int, off_t, off_t));
  return fate(FALLOCATE, fd) == FAIL ? -1 : next(fd, mode, offset, size);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t size) { return fallocate(fd, mode, offset, size); }
