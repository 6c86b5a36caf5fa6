/* A thread that stopped where calls into the process cannot end: `--stuck malloc`, within malloc with the
 * arena's lock held; `--stuck leaked`, outside of malloc, but with that lock held; or `--stuck loader`, within
 * dlopen with the loader's lock held.
 *
 * Within malloc: the heap's unused end is read-only for the moment in which the thread asks for memory, so
 * that malloc faults while it cuts a piece off, and the signal's handler never returns.
 * Outside of it: the handler jumps out, which leaves the lock behind.
 * Within the loader: a library's constructor calls stuck_here(), which never returns.
 */
#define _GNU_SOURCE
#include "truth.h"

#include <malloc.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static __thread struct buffer *stuck_buffer;

static struct buffer buffers[3];
static void *library;
static sem_t go, stuck;
static int in_malloc, leaks;
static sigjmp_buf before_malloc;
static char *heap_end;
static size_t heap_end_size;

void stuck_here(void);

void stuck_here(void) {
    sem_post(&stuck);
    for (;;)
        pause();
}

static void on_fault(int number) {
    (void)number;
    mprotect(heap_end, heap_end_size, PROT_READ | PROT_WRITE);
    if (leaks)
        siglongjmp(before_malloc, 1);
    stuck_here();
}

static void get_stuck_in_malloc(void) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    /* A piece of the heap's end tells where that is; a large one is cut off there and nowhere else. */
    const size_t size = 8 * page;
    char *volatile piece = malloc(size);
    truth_require(piece != NULL);
    heap_end = (char *)((uintptr_t)piece & ~(page - 1));
    free(piece);
    heap_end_size = (size_t)((char *)sbrk(0) - heap_end);
    signal(SIGSEGV, on_fault);
    if (sigsetjmp(before_malloc, 0))
        stuck_here();
    truth_require(mprotect(heap_end, heap_end_size, PROT_READ) == 0);
    piece = malloc(size);
    truth_failed("malloc came back", __FILE__, __LINE__);
}

static void describe(int number, int touches) {
    stuck_buffer = number ? &buffers[number] : NULL;
    truth_pointer((struct truth_name){"stuck_buffer", "stuck_buffer", "stuck"}, &stuck_buffer, "");
    if (touches) {
        struct slots slots = truth_touch(library)();
        *slots.buffer = &buffers[number];
        truth_slots("early", "libearly.so", &slots);
    } else {
        truth_require(truth_block(library) == NULL);
        truth_slots("early", "libearly.so", NULL);
    }
}

static void *gets_stuck(void *unused) {
    (void)unused;
    describe(1, 0);
    truth_step();
    sem_wait(&go);
    if (in_malloc)
        get_stuck_in_malloc();
    else
        truth_open("libblocker.so");
    truth_failed("dlopen came back", __FILE__, __LINE__);
}

static void *lives(void *unused) {
    (void)unused;
    describe(2, 0);
    truth_step();
    truth_park();
}

int main(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--stuck") == 0) {
            leaks = strcmp(argv[i + 1], "leaked") == 0;
            in_malloc = leaks || strcmp(argv[i + 1], "malloc") == 0;
        }
    truth_begin(argc, argv, 3);
    /* One arena for all: without that, another thread's calls would find another lock. */
    mallopt(M_ARENA_MAX, 1);
    sem_init(&go, 0, 0);
    sem_init(&stuck, 0, 0);
    library = truth_open("libearly.so");
    pthread_t stuck_thread = truth_spawn("is-stuck", gets_stuck, 0);
    truth_spawn("lives", lives, 0);
    describe(0, 1);
    truth_step();
    truth_sync(); /* nobody can allocate memory after the next line */
    sem_post(&go);
    sem_wait(&stuck);
    truth_say_ready();
    if (truth_aborts())
        pthread_kill(stuck_thread, SIGABRT);
    for (;;)
        pause();
}
