/* One way to crash for each kind of evidence that the code can give. */
#define _GNU_SOURCE
#include "causes.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

struct request {
    long id;
    struct buffer *buffer;
};
struct session {
    long id[3];
    struct request *request;
};
struct place {
    long id;
    unsigned core, slot;
};
struct row {
    long cells[8];
};
enum phase { NEW, RUNNING, DONE };
typedef void action(void);

static volatile long sink;
static const struct opened *opened;

#define VARIABLES(X)                                                                                                   \
    X(followed) X(argued1) X(argued3) X(argued8) X(tailed) X(got) X(got_address) X(asserted) X(copied_from)            \
    X(measured) X(default_handled) X(abort_handled) X(return_handled) X(kill_handled) X(raise_handled) X(signalled)    \
    X(moved) X(checked) X(idle) X(second) X(looped)

#define DEFINE(name) static __thread struct buffer *name;
VARIABLES(DEFINE)
static __thread struct request *request;
static __thread struct session *session;
static __thread unsigned lcore;
static __thread struct place place;
static __thread bool ready;
static __thread enum phase phase;
static __thread const char *role;
static __thread pthread_t owner;
static __thread action *called, *unmapped;
static __thread pthread_mutex_t *locked;

static struct row table[4];
static struct buffer *global;
static pthread_key_t key;
static struct {
    long id;
    pthread_key_t key;
} module;
static struct session sessions;

static void do_nothing(void) {
    sink++;
}

void prepare(void) {
#define SET(name) name = new_buffer();
    VARIABLES(SET)
    request = calloc(1, sizeof *request);
    request->buffer = new_buffer();
    session = calloc(1, sizeof *session);
    session->request = request;
    lcore = 1;
    place.slot = 1;
    ready = true;
    phase = RUNNING;
    role = "worker";
    owner = pthread_self();
    called = unmapped = do_nothing;
    locked = calloc(1, sizeof *locked);
    pthread_setspecific(key, new_buffer());
    pthread_setspecific(module.key, new_buffer());
    outside = new_buffer();
    keep(new_buffer());
    set_copied_linked(new_buffer());
    if (opened) {
        opened->set(new_buffer());
        opened->set_copied(new_buffer());
    }
}

#define SPOIL(name, variable, bad)                                                                                     \
    static APART void *spoil_##name(void) {                                                                            \
        variable = bad;                                                                                                \
        return (void *)&variable;                                                                                      \
    }
#define CRASH(name) static APART void crash_##name(void)

/* ------------------------------------------------------------------ pointers */

SPOIL(followed, followed, NULL)
CRASH(followed) {
    followed->length = 1;
}

SPOIL(looped, looped, NULL)
CRASH(looped) {
    for (long i = 0; i < sink + 3; i++)
        looped->text[i] = 1;
}

static APART void *spoil_member(void) {
    static struct request empty;
    request = &empty;
    return &request;
}
CRASH(member) {
    request->buffer->length = 1;
}

static APART void *spoil_deep_member(void) {
    static struct request empty;
    static struct session half = {{0}, &empty};
    session = &half;
    return &session;
}
CRASH(deep_member) {
    session->request->buffer->length++;
}

/* Of two that are null, the one that is used first. */
SPOIL(second, second, NULL)
CRASH(second) {
    if (checked)
        checked->length = 1;
    second->length = sink;
}

static APART void use(struct buffer *buffer, long length) {
    buffer->length = length;
    sink++;
}

SPOIL(argument1, argued1, NULL)
CRASH(argument1) {
    use(argued1, 1);
    sink++;
}

static APART void pass1(long length, struct buffer *buffer) {
    use(buffer, length);
    sink++;
}
static APART void pass2(struct buffer *buffer, long length) {
    pass1(length + 1, buffer);
    sink++;
}
SPOIL(argument3, argued3, NULL)
CRASH(argument3) {
    pass2(argued3, sink);
    sink++;
}

static APART void pass3(struct buffer *buffer) {
    pass2(buffer, sink);
    sink++;
}
static APART void pass4(long a, long b, struct buffer *buffer) {
    pass3(buffer);
    sink += a + b;
}
static APART void pass5(struct buffer *buffer) {
    pass4(sink, 2, buffer);
    sink++;
}
static APART void pass6(struct buffer *buffer, long length) {
    pass5(buffer);
    sink += length;
}
static APART void pass7(struct buffer *buffer) {
    pass6(buffer, sink);
    sink++;
}
SPOIL(argument8, argued8, NULL)
CRASH(argument8) {
    pass7(argued8);
    sink++;
}

static APART void use_at_the_end(struct buffer *buffer) {
    buffer->length = sink;
}
static APART void jump_on(struct buffer *buffer) {
    sink++;
    use_at_the_end(buffer);
}
SPOIL(tail, tailed, NULL)
CRASH(tail) {
    jump_on(tailed);
}

/* ------------------------------------------------------------------ what functions return */

static APART struct buffer *get(void) {
    sink++;
    return got;
}
SPOIL(getter, got, NULL)
CRASH(getter) {
    get()->length = 1;
}

static APART struct buffer **get_address(void) {
    return &got_address;
}
SPOIL(getter_address, got_address, NULL)
CRASH(getter_address) {
    (*get_address())->length = 1;
}

CRASH(getter_library) {
    get_kept()->length = 1;
}
CRASH(getter_library_address) {
    (*get_kept_address())->length = 1;
}

/* ------------------------------------------------------------------ numbers */

SPOIL(index, lcore, -1u)
CRASH(index) {
    table[lcore].cells[2] = 1;
}

static APART void use_index(unsigned number) {
    table[number].cells[1]++;
}
SPOIL(argument_index, lcore, -1u)
CRASH(argument_index) {
    use_index(lcore);
    sink++;
}

static APART void *spoil_member_index(void) {
    place.slot = -1u;
    return &place;
}
CRASH(member_index) {
    table[place.slot].cells[2] = 1;
}

/* ------------------------------------------------------------------ giving up */

SPOIL(flag, ready, false)
CRASH(flag) {
    if (!ready)
        abort();
    sink++;
}

SPOIL(phase, phase, NEW)
CRASH(phase) {
    if (phase != RUNNING) {
        fputs("not running\n", stderr);
        abort();
    }
    sink++;
}

static APART void die(const char *why) {
    fputs(why, stderr);
    abort();
}
SPOIL(helper, phase, DONE)
CRASH(helper) {
    if (phase == DONE)
        die("done already\n");
    sink++;
}

SPOIL(assertion, asserted, NULL)
CRASH(assertion) {
    assert(asserted != NULL);
    asserted->length = 1;
}

/* The C library compares. */
SPOIL(compared, role, "guest")
CRASH(compared) {
    const char *volatile wanted = "worker";
    if (strcmp(role, wanted) != 0)
        abort();
    sink++;
}

SPOIL(equal, owner, 0)
CRASH(equal) {
    if (!pthread_equal(owner, pthread_self()))
        abort();
    sink++;
}

/* ------------------------------------------------------------------ calls */

SPOIL(call, called, NULL)
CRASH(call) {
    called();
    sink++;
}

SPOIL(call_unmapped, unmapped, (action *)0x123456789000)
CRASH(call_unmapped) {
    unmapped();
    sink++;
}

/* ------------------------------------------------------------------ in the C library */

static char here[64];
SPOIL(memcpy, copied_from, NULL)
CRASH(memcpy) {
    memcpy(here, copied_from, 48 + (size_t)sink);
    sink += here[sink];
}

static APART void *spoil_strlen(void) {
    static struct buffer empty;
    measured = &empty;
    return &measured;
}
CRASH(strlen) {
    sink += (long)strlen(measured->text);
}

SPOIL(mutex, locked, NULL)
CRASH(mutex) {
    pthread_mutex_lock(locked);
    sink++;
}

/* ------------------------------------------------------------------ signal handlers */

static void restore_and_raise(int number) {
    signal(number, SIG_DFL);
    raise(number);
}
static void just_abort(int number) {
    sink += number;
    abort();
}
static void just_return(int number) {
    signal(number, SIG_DFL);
}
static void restore_and_kill(int number) {
    signal(number, SIG_DFL);
    kill(getpid(), number);
}
static void unblock_and_raise(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}
#define HANDLED(name, variable, handler)                                                                               \
    SPOIL(name, variable, NULL)                                                                                        \
    CRASH(name) {                                                                                                      \
        signal(SIGSEGV, handler);                                                                                      \
        variable->length = 1;                                                                                          \
    }
HANDLED(handler_default, default_handled, restore_and_raise)
HANDLED(handler_abort, abort_handled, just_abort)
HANDLED(handler_return, return_handled, just_return)
HANDLED(handler_kill, kill_handled, restore_and_kill)
HANDLED(handler_raise, raise_handled, unblock_and_raise)

static void use_in_handler(int number) {
    signalled->length = number;
}
SPOIL(in_handler, signalled, NULL)
CRASH(in_handler) {
    signal(SIGUSR1, use_in_handler);
    raise(SIGUSR1);
    sink++;
}

/* ------------------------------------------------------------------ keys */

static APART void *spoil_key(void) {
    pthread_setspecific(key, NULL);
    guilty_key = (int)key;
    return NULL;
}
CRASH(key) {
    struct buffer *buffer = pthread_getspecific(key);
    buffer->length = 1;
}

static APART void *spoil_member_key(void) {
    pthread_setspecific(module.key, NULL);
    guilty_key = (int)module.key;
    return NULL;
}
static APART struct buffer *of_module(void) {
    return pthread_getspecific(module.key);
}
CRASH(member_key) {
    use(of_module(), 1);
    sink++;
}

/* ------------------------------------------------------------------ a fiber that moved */

static ucontext_t fiber, back;
static sem_t left_behind;

/* For others, too: otherwise the compiler puts the address of `moved` into it, as if that were a constant. */
void wait_and_use(struct buffer **mine);
APART void wait_and_use(struct buffer **mine) {
    swapcontext(&fiber, &back);
    (*mine)->length = 1;
}
static void run_fiber(void) {
    wait_and_use(&moved);
    sink++;
}
static void *start_fiber(void *argument) {
    static char stack[128 * 1024];
    moved = NULL;
    guilty_address = &moved;
    getcontext(&fiber);
    fiber.uc_stack.ss_sp = stack;
    fiber.uc_stack.ss_size = sizeof stack;
    makecontext(&fiber, run_fiber, 0);
    swapcontext(&back, &fiber);
    sem_post(&left_behind);
    for (;;)
        pause();
    return argument;
}
static APART void *spoil_fiber(void) {
    pthread_t other;
    sem_init(&left_behind, 0, 0);
    pthread_create(&other, NULL, start_fiber, NULL);
    sem_wait(&left_behind);
    moved = new_buffer();
    return &moved;
}
CRASH(fiber) {
    static ucontext_t own;
    swapcontext(&own, &fiber);
}

/* ------------------------------------------------------------------ libraries */

SPOIL(outside, outside, NULL)
CRASH(outside) {
    outside->length = 1;
}
static void *spoil_opened(void) {
    return opened->spoil();
}
CRASH(opened) {
    opened->crash();
}
static void *spoil_copied(void) {
    set_copied_linked(new_buffer());
    return opened->spoil_copied();
}
CRASH(copied) {
    use_copied_linked();
    opened->crash_copied();
}

/* ------------------------------------------------------------------ nothing thread-local is to blame */

static APART void use_carefully(void) {
    if (checked)
        checked->length++;
}

CRASH(global) {
    use_carefully();
    global->length = 1;
}

CRASH(argument) {
    /* From outside: nobody can say where it comes from. */
    struct buffer *from_a_file = NULL;
    FILE *zeros = fopen("/dev/zero", "r");
    if (!zeros || fread(&from_a_file, sizeof from_a_file, 1, zeros) != 1)
        return;
    use_carefully();
    use(from_a_file, 1);
    sink++;
}

CRASH(heap_member) {
    use_carefully();
    sessions.request->buffer->length = 1;
}
static void *spoil_heap_member(void) {
    sessions.request = calloc(1, sizeof *sessions.request);
    return NULL;
}

static void *send_signal(void *argument) {
    usleep(50000);
    (void)argument;
    if (fork() == 0) {
        kill(getppid(), SIGSEGV);
        _exit(0);
    }
    for (;;)
        pause();
    return NULL;
}
CRASH(killed) {
    pthread_t sender;
    sigset_t set, old;
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    pthread_create(&sender, NULL, send_signal, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    for (;;) {
        if (idle)
            idle->length++;
        pause();
    }
}

CRASH(heap) {
    char *volatile block = malloc(100);
    use_carefully();
    for (int i = -16; i < 8; i++)
        ((volatile char *)block)[i] = 0x42;
    free(block);
}

static APART long sum(long *numbers) {
    long more[64];
    if (checked)
        checked->length++;
    memcpy(more, numbers, sizeof more);
    more[0]++;
    return sink < 0 ? 0 : sum(more) + more[1];
}
CRASH(overflow) {
    long numbers[64] = {0};
    sink += sum(numbers);
}

/* A handler with a stack of its own can still run. */
static APART void overflow_with(void (*handler)(int)) {
    static char other_stack[1 << 16];
    sigaltstack(&(stack_t){.ss_sp = other_stack, .ss_size = sizeof other_stack}, NULL);
    sigaction(SIGSEGV, &(struct sigaction){.sa_handler = handler, .sa_flags = SA_ONSTACK}, NULL);
    long numbers[64] = {0};
    sink += sum(numbers);
}
CRASH(overflow_handled) { overflow_with(restore_and_raise); }
CRASH(overflow_aborts) { overflow_with(just_abort); }

CRASH(aborts) {
    use_carefully();
    if (!global)
        abort();
    sink++;
}

CRASH(aborts_always) {
    use_carefully();
    abort();
}

#ifdef __x86_64__
static const unsigned char generated[] = {0x31, 0xc0, 0x48, 0x8b, 0x00, 0xc3}; /* xor eax, eax; mov rax, [rax]; ret */

CRASH(division) {
    /* On AArch64 it gives 0. */
    use_carefully();
    sink = 7 / (sink - sink);
}
#else
static const unsigned generated[] = {0xd2800000, 0xf9400000, 0xd65f03c0}; /* mov x0, #0; ldr x0, [x0]; ret */
#endif

CRASH(generated) {
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(code, generated, sizeof generated);
    __builtin___clear_cache(code, (char *)code + 4096);
    use_carefully();
    ((action *)(uintptr_t)code)();
    sink++;
}

#define OWN(name, guilty) {#name, guilty, PROGRAM, spoil_##name, crash_##name}
#define INNOCENT(name) {"innocent_" #name, NULL, "", NULL, crash_##name}

const struct mode modes[] = {
    OWN(followed, "followed"),
    OWN(looped, "looped"),
    OWN(member, "request"),
    OWN(deep_member, "session"),
    OWN(second, "second"),
    OWN(argument1, "argued1"),
    OWN(argument3, "argued3"),
    OWN(argument8, "argued8"),
    OWN(tail, "tailed"),
    OWN(getter, "got"),
    OWN(getter_address, "got_address"),
    {"getter_library", "kept", "libcauses.so", spoil_kept, crash_getter_library},
    {"getter_library_address", "kept", "libcauses.so", spoil_kept, crash_getter_library_address},
    OWN(index, "lcore"),
    OWN(argument_index, "lcore"),
    OWN(member_index, "place"),
    OWN(flag, "ready"),
    OWN(phase, "phase"),
    OWN(helper, "phase"),
    OWN(assertion, "asserted"),
    OWN(compared, "role"),
    OWN(equal, "owner"),
    OWN(call, "called"),
    OWN(call_unmapped, "unmapped"),
    OWN(memcpy, "copied_from"),
    OWN(strlen, "measured"),
    OWN(mutex, "locked"),
    OWN(handler_default, "default_handled"),
    OWN(handler_abort, "abort_handled"),
    OWN(handler_return, "return_handled"),
    OWN(handler_kill, "kill_handled"),
    OWN(handler_raise, "raise_handled"),
    OWN(in_handler, "signalled"),
    OWN(key, "key"),
    OWN(member_key, "key"),
    OWN(fiber, "moved"),
    {"outside", "outside", "libcauses.so", spoil_outside, crash_outside},
    {"opened", "opened", "libcauses_opened.so", spoil_opened, crash_opened},
    {"copied", "copied", "libcauses_opened.so", spoil_copied, crash_copied},
    INNOCENT(global),
    {"innocent_global_of_library", NULL, "", NULL, use_of_all},
    INNOCENT(argument),
    {"innocent_heap_member", NULL, "", spoil_heap_member, crash_heap_member},
    INNOCENT(killed),
    INNOCENT(heap),
    INNOCENT(overflow),
    INNOCENT(overflow_handled),
    INNOCENT(overflow_aborts),
    INNOCENT(aborts),
    INNOCENT(aborts_always),
#ifdef __x86_64__
    INNOCENT(division),
#endif
    INNOCENT(generated),
    {NULL, NULL, NULL, NULL, NULL},
};

int main(int argc, char **argv) {
    pthread_key_create(&key, NULL);
    pthread_key_create(&module.key, NULL);
#ifndef ALONE
    void *library = dlopen("libcauses_opened.so", RTLD_NOW);
    opened = library ? dlsym(library, "causes_opened") : NULL;
    if (!opened)
        return 96;
#endif
    return run_mode(argc, argv);
}
