#define _GNU_SOURCE
#include "truth.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_SIZE = 256 * 1024, NAME_SIZE = 16 };

static FILE *truth_file;
static int aborts;
static pthread_barrier_t step;
static sem_t started, parked;
static pthread_t ending;

void truth_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    _exit(99);
}

void truth_begin(int argc, char **argv, unsigned threads) {
    const char *path = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--truth") == 0)
            path = argv[i + 1];
        else if (strcmp(argv[i], "--mode") == 0)
            aborts = strcmp(argv[i + 1], "abort") == 0;
    }
    truth_file = fopen(path ? path : "/dev/null", "w");
    truth_require(truth_file != NULL);
    /* Whatever becomes of the tests, no process of theirs stays behind; it lives as long as they need it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pthread_barrier_init(&step, NULL, threads);
    sem_init(&started, 0, 0);
    sem_init(&parked, 0, 0);
}

struct start {
    const char *name;
    void *(*body)(void *);
    void *argument;
};

static void *run(void *argument) {
    struct start start = *(struct start *)argument;
    prctl(PR_SET_NAME, start.name);
    sem_post(&started);
    return start.body(start.argument);
}

pthread_t truth_spawn(const char *name, void *(*body)(void *), void *argument) {
    struct start start = {name, body, argument};
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    truth_require(pthread_create(&thread, &attributes, run, &start) == 0);
    sem_wait(&started);
    return thread;
}

void truth_step(void) {
    pthread_barrier_wait(&step);
}

void truth_will_end(void) {
    ending = pthread_self();
}

void truth_park(void) {
    sem_post(&parked);
    for (;;)
        pause();
}

void truth_sync(void) {
    truth_require(fflush(truth_file) == 0);
    fsync(fileno(truth_file));
}

void truth_say_ready(void) {
    truth_require(write(STDOUT_FILENO, "ready\n", 6) == 6);
}

int truth_aborts(void) {
    return aborts;
}

/* Whether a task of this process waits in the kernel. One that has ended does not count. */
static int is_asleep(const char *task) {
    char path[64], stat[256];
    snprintf(path, sizeof path, "/proc/self/task/%s/stat", task);
    int file = open(path, O_RDONLY);
    ssize_t size = file < 0 ? 0 : read(file, stat, sizeof stat - 1);
    if (file >= 0)
        close(file);
    stat[size > 0 ? size : 0] = '\0';
    const char *name_end = strrchr(stat, ')');
    return !name_end || name_end[2] == 'S';
}

/* How many tasks of this process do not wait, this one included. Allocates nothing: the heap is as it was. */
static int count_awake(void) {
    struct entry {
        uint64_t inode, offset;
        unsigned short size;
        unsigned char type;
        char name[];
    } __attribute__((aligned(8)));
    char entries[4096] __attribute__((aligned(8)));
    int folder = open("/proc/self/task", O_RDONLY | O_DIRECTORY), awake = 0;
    truth_require(folder >= 0);
    for (long size; (size = syscall(SYS_getdents64, folder, entries, sizeof entries)) > 0;)
        for (long at = 0; at < size;) {
            const struct entry *entry = (const struct entry *)(entries + at);
            awake += entry->name[0] != '.' && !is_asleep(entry->name);
            at += entry->size;
        }
    close(folder);
    return awake;
}

void truth_ready(unsigned threads, pthread_t aborting) {
    while (threads-- > 0)
        sem_wait(&parked);
    /* A thread that has said everything may still be on its way to pause(), on a busy machine for long. */
    while (count_awake() > 1)
        usleep(1000);
    truth_sync();
    truth_say_ready();
    if (aborts)
        pthread_kill(aborting, SIGABRT);
    for (;;)
        pause();
}

/* A JSON string: thread names hold any byte, which Latin-1 takes one to one. */
static void string_to_json(char *out, const char *text) {
    *out++ = '"';
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            out += sprintf(out, "\\u%04x", c);
        else
            *out++ = (char)c;
    }
    *out++ = '"';
    *out = '\0';
}

static void flags_to_json(char *out, const char *flags) {
    const char *separator = "";
    out += sprintf(out, "[");
    while (*flags) {
        int length = (int)strcspn(flags, " ");
        out += sprintf(out, "%s\"%.*s\"", separator, length, flags);
        flags += length + (flags[length] == ' ');
        separator = ", ";
    }
    sprintf(out, "]");
}

/* What a thread's TLS is addressed from; on x86 and s390x it is also the address of its control block. */
unsigned long truth_thread_pointer(void) {
#if defined __x86_64__ || defined __i386__ || defined __s390__
    return (unsigned long)pthread_self();
#elif defined __powerpc64__
    unsigned long value;
    __asm__("mr %0, 13" : "=r"(value));
    return value;
#elif defined __riscv
    unsigned long value;
    __asm__("mv %0, tp" : "=r"(value));
    return value;
#else
    return (unsigned long)__builtin_thread_pointer();
#endif
}

static void write_line(struct truth_name name, size_t module_id, const char *kind, const char *state,
                       const char *flags, const void *address, const char *value) {
    char thread[NAME_SIZE] = "", thread_json[NAME_SIZE * 6 + 3], flags_json[128], address_json[32] = "null",
         variable_json[512], id_json[32] = "null";
    prctl(PR_GET_NAME, thread);
    string_to_json(thread_json, thread);
    string_to_json(variable_json, name.variable);
    flags_to_json(flags_json, pthread_equal(ending, pthread_self()) ? "exited" : flags);
    if (address)
        sprintf(address_json, "\"%p\"", address);
    if (module_id)
        sprintf(id_json, "%zu", module_id);
    fprintf(truth_file,
            "{\"variable\": %s, \"linkage\": \"%s\", \"module\": \"%s\", \"module_id\": %s, \"lwp\": %ld, "
            "\"thread\": %s, \"thread_pointer\": \"0x%lx\", \"kind\": \"%s\", \"state\": \"%s\", "
            "\"flags\": %s, \"address\": %s, \"value\": %s}\n",
            variable_json, name.linkage, name.module, id_json, syscall(SYS_gettid), thread_json,
            truth_thread_pointer(), kind, state, flags_json, address_json, value);
}

static void write_pointer(struct truth_name name, size_t module_id, const char *kind, const void *address,
                          const void *value, const char *flags) {
    char text[32];
    sprintf(text, "\"0x%lx\"", (unsigned long)value);
    write_line(name, module_id, kind, value ? "set" : "null", flags, address, text);
}

void truth_pointer(struct truth_name name, const void *address, const char *flags) {
    write_pointer(name, 0, "pointer", address, *(const void *const *)address, flags);
}

void truth_owner(struct truth_name name, const void *address, const void *owned, const char *flags) {
    write_pointer(name, 0, "owner", address, owned, flags);
}

void truth_number(struct truth_name name, const void *address, const char *format, ...) {
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    write_line(name, 0, "number", "set", "", address, text);
}

void truth_object(struct truth_name name, const void *address) {
    write_line(name, 0, "object", "set", "", address, "null");
}

void truth_unmade(struct truth_name name, const void *address) {
    write_line(name, 0, "object", "not-constructed", "", address, "null");
}

void truth_untouched(struct truth_name name) {
    write_line(name, 0, "untouched", "unallocated", "", NULL, "null");
}

void truth_null_path(struct truth_name name) {
    write_line(name, 0, "null-path", "null", "", NULL, "null");
}

void truth_slots_in(size_t module_id, const char *prefix, const char *module, const struct slots *slots) {
    char buffer[64], count[64], value[16];
    snprintf(buffer, sizeof buffer, "%s_buffer", prefix);
    snprintf(count, sizeof count, "%s_count", prefix);
    struct truth_name buffer_name = {buffer, buffer, module}, count_name = {count, count, module};
    if (!slots) {
        write_line(buffer_name, module_id, "untouched", "unallocated", "", NULL, "null");
        write_line(count_name, module_id, "untouched", "unallocated", "", NULL, "null");
        return;
    }
    write_pointer(buffer_name, module_id, "pointer", slots->buffer, *slots->buffer, "");
    if (slots->count) {
        sprintf(value, "%d", *slots->count);
        write_line(count_name, module_id, "number", "set", "", slots->count, value);
    }
}

void truth_slots(const char *prefix, const char *module, const struct slots *slots) {
    truth_slots_in(0, prefix, module, slots);
}

const char *truth_beside(const char *file) {
    static char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 256);
    truth_require(length > 0);
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, file);
    return path;
}

static void *open_library(const char *library, int scope) {
    void *handle = dlopen(truth_beside(library), RTLD_NOW | scope);
    if (!handle)
        fprintf(stderr, "%s\n", dlerror());
    truth_require(handle != NULL);
    return handle;
}

void *truth_open(const char *library) {
    return open_library(library, RTLD_LOCAL);
}

void *truth_open_global(const char *library) {
    return open_library(library, RTLD_GLOBAL);
}

touch_function *truth_touch(void *library) {
    touch_function *touch;
    *(void **)&touch = dlsym(library, "touch");
    truth_require(touch != NULL);
    return touch;
}

#ifdef __GLIBC__ /* musl tells nobody */
size_t truth_module_id(void *library) {
    size_t id = 0;
    truth_require(dlinfo(library, RTLD_DI_TLS_MODID, &id) == 0 && id != 0);
    return id;
}

void *truth_block(void *library) {
    void *block = NULL;
    truth_require(dlinfo(library, RTLD_DI_TLS_DATA, &block) == 0);
    return block;
}
#endif
