/* Stands between the bus and the kernel's fsync and fdatasync, by LD_PRELOAD. Only files below $SYNC_SHIM_WATCH are looked at.
 *
 * Everything is asked for by files in $SYNC_SHIM_OUT, so that a test can change it while the bus runs:
 *   hold     a sync waits before it begins; "held" says that one does
 *   fail     a sync fails with EIO, and nothing is synced
 *   lie      a sync succeeds, and nothing is synced
 * After each sync that succeeded the file is copied to "<number>.<name>", and a line "<number> <name> <nanoseconds>" is
 * appended to "points": the time, since 1970, is from before the sync began. What a sync makes durable is what was copied.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static long points = -1; /* unknown yet: an earlier process may have left some */

static int asked(const char *out, const char *what) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", out, what);
    return access(path, F_OK) == 0;
}

static void die(const char *what) {
    perror(what);
    abort();
}

/* How many points the list has. */
static long count(const char *list_name) {
    FILE *list = fopen(list_name, "r");
    long lines = 0;
    for (int c; list && (c = getc(list)) != EOF;) lines += c == '\n';
    if (list) fclose(list);
    return lines;
}

static void copy(int fd, const char *to) {
    static char block[1 << 16];
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0) die(to);
    off_t at = 0;
    ssize_t got;
    while ((got = pread(fd, block, sizeof block, at)) > 0) {
        if (write(out, block, (size_t)got) != got) die(to);
        at += got;
    }
    if (got < 0) die(to);
    close(out);
}

static int sync_point(int fd, const char *real_name) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, real_name);
    const char *watch = getenv("SYNC_SHIM_WATCH"), *out = getenv("SYNC_SHIM_OUT");
    char link[64], path[PATH_MAX], to[PATH_MAX + 512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!watch || !out || length < 0) return real(fd);
    path[length] = 0;
    size_t prefix = strlen(watch);
    /* Folders are synced as they are: their entries are the file system's to keep. */
    if (strncmp(path, watch, prefix) != 0 || path[prefix] != '/') return real(fd);
    const char *name = path + prefix + 1;

    if (asked(out, "lie")) return 0;
    pthread_mutex_lock(&one_at_a_time);
    if (asked(out, "hold")) {
        snprintf(to, sizeof to, "%s/held", out);
        close(open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        while (asked(out, "hold")) usleep(1000);
    }
    if (asked(out, "fail")) {
        pthread_mutex_unlock(&one_at_a_time);
        errno = EIO;
        return -1;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int result = real(fd);
    if (result == 0) {
        char list_name[PATH_MAX];
        snprintf(list_name, sizeof list_name, "%s/points", out);
        points = (points < 0 ? count(list_name) : points) + 1;
        snprintf(to, sizeof to, "%s/%ld.%s", out, points, name);
        copy(fd, to);
        FILE *list = fopen(list_name, "a");
        if (!list) die(list_name);
        fprintf(list, "%ld %s %lld\n", points, name, (long long)now.tv_sec * 1000000000LL + now.tv_nsec);
        fclose(list);
    }
    pthread_mutex_unlock(&one_at_a_time);
    return result;
}

int fsync(int fd) { return sync_point(fd, "fsync"); }
int fdatasync(int fd) { return sync_point(fd, "fdatasync"); }
