/* The common part of causes.c and causes.cc: the threads, and the line that says what is true. */
#define _GNU_SOURCE
#include "causes.h"

#include <link.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HEALTHY = 2, STACK_SIZE = 256 * 1024 };

int guilty_key = -1;
void *guilty_address;
static const struct mode *chosen;
static int others_are_right;
static sem_t ready;

struct buffer *new_buffer(void) {
    struct buffer *made = calloc(1, sizeof *made);
    made->text = calloc(1, 64);
    return made;
}

/* So that a handler which sends the signal to the process sends it to the thread that crashed. */
static void block_signals(void) {
    sigset_t every;
    sigfillset(&every);
    pthread_sigmask(SIG_BLOCK, &every, NULL);
}

static void *stay_healthy(void *argument) {
    block_signals();
    prepare();
    sem_post(&ready);
    for (;;)
        pause();
    return argument;
}

struct place {
    uintptr_t address;
    long offset;
};

static int find_block(struct dl_phdr_info *info, size_t size, void *argument) {
    struct place *place = argument;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = (uintptr_t)info->dlpi_tls_data;
        if (info->dlpi_phdr[i].p_type == PT_TLS && start && place->address - start < info->dlpi_phdr[i].p_memsz)
            place->offset = (long)(place->address - start);
    }
    (void)size;
    return 0;
}

/* Where in its module's block a thread-local address is; -1 for another address. */
static long offset_of(const void *address) {
    struct place place = {(uintptr_t)address, -1};
    dl_iterate_phdr(find_block, &place);
    return place.offset;
}

static void *come_to_grief(void *argument) {
    if (others_are_right)
        prepare();
    void *address = chosen->spoil ? chosen->spoil() : NULL;
    long offset = offset_of(address);
    address = guilty_address ? guilty_address : address;
    printf("{\"guilty\": ");
    printf(chosen->guilty ? "\"%s\", " : "null, ", chosen->guilty);
    printf("\"module\": \"%s\", \"address\": \"0x%jx\", \"offset\": %ld, \"key\": %d, \"lwp\": %ld}\n",
           chosen->module, (uintmax_t)(uintptr_t)address, offset, guilty_key, syscall(SYS_gettid));
    fflush(stdout);
    chosen->crash();
    puts("survived");
    fflush(stdout);
    _exit(99);
    return argument;
}

static pthread_t start(void *(*body)(void *)) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    if (pthread_create(&thread, &attributes, body, NULL) != 0)
        _exit(98);
    return thread;
}

int run_mode(int argc, char **argv) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const struct mode *mode = modes;
    if (argc < 2) {
        for (; mode->name; mode++)
            puts(mode->name);
        return 0;
    }
    while (mode->name && strcmp(mode->name, argv[1]) != 0)
        mode++;
    if (!mode->name)
        return 97;
    chosen = mode;
    others_are_right = argc > 2;
    sem_init(&ready, 0, 0);
    prepare();
    for (int i = 0; i < HEALTHY; i++)
        start(stay_healthy);
    for (int i = 0; i < HEALTHY; i++)
        sem_wait(&ready);
    start(come_to_grief);
    block_signals();
    for (;;)
        pause();
}
