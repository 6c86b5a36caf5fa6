/* Crashes on what a thread-local variable holds besides null: `PROGRAM MODE`; without a mode it lists them.
 *
 * It says first, as one line of JSON, which variable is to blame, what is wrong with it, and in which threads.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif

enum { WORKERS = 4, CRASHING = 2, TABLE = 8 };

struct settings {
    long version;
    long **table;
    char name[40];
};

struct node {
    long *first;
    long others[5];
};

static __thread int cached_id;
static __thread unsigned slot = 4000000000u;
/* Neither main nor the thread that crashes sets it. */
static __thread int chosen = -1;
static __thread bool ready;
/* In one piece, whatever is used of it. */
static __thread struct settings settings __attribute__((used));
static __thread struct node *freed;
static __thread struct node *freed_large;
static __thread long **dead;
static __thread long **foreign;

static const char *mode = "";
static long table[TABLE];
static long *shared_table[1] = {table};
/* Clang takes a variable to which one thing only is assigned for that, wherever it is followed. */
static long **volatile given_table = shared_table;
static long **of_main;
static long *volatile block[TABLE];
static pthread_barrier_t step;
static volatile long sink;

static bool is(const char *name) {
    return strcmp(mode, name) == 0;
}

static void say(const char *guilty, const char *rule) {
    printf("{\"guilty\": \"%s\", \"rule\": \"%s\", \"lwp\": %ld}\n", guilty, rule, syscall(SYS_gettid));
    fflush(stdout);
}

static APART int id(void) {
    if (!cached_id)
        cached_id = (int)syscall(SYS_gettid);
    return cached_id;
}

static APART void stale_id(void) {
    if (id() != syscall(SYS_gettid))
        abort();
}

static APART void by_slot(void) {
    table[slot]++;
}

static APART void by_choice(void) {
    sink = *block[chosen + 2];
}

static APART void if_ready(void) {
    if (!ready)
        abort();
}

static APART void by_settings(void) {
    sink = **settings.table;
}

static APART void by_freed(void) {
    sink = *freed->first;
}

static APART void by_freed_large(void) {
    freed_large->first[0x7000000000] = 1;
}

/* Far below the frames of those who use it. */
static APART void keep_local(int depth) {
    long *local = table, **place = &local;
    /* So that no compiler sees what it warns of. */
    __asm__ volatile("" : "+r"(place) : : "memory");
    if (depth > 0)
        keep_local(depth - 1);
    else
        dead = place;
    __asm__ volatile("" : : "r"(place) : "memory");
}

static APART void overwrite_stack(void) {
    long words[512];
    for (int i = 0; i < 512; i++)
        words[i] = 1;
    __asm__ volatile("" : : "r"(words) : "memory");
}

static APART void by_dead(void) {
    sink = **dead;
}

static APART void by_foreign(void) {
    sink = **foreign;
}

static APART void use(void) {
    if (is("starting"))
        by_slot();
    if (is("began"))
        by_choice();
    if (is("ready"))
        if_ready();
    if (is("zero"))
        by_settings();
    if (is("freed"))
        by_freed();
    if (is("freed_large"))
        by_freed_large();
    if (is("dead")) {
        overwrite_stack();
        by_dead();
    }
    if (is("foreign"))
        by_foreign();
}

static void *worker(void *argument) {
    long number = (long)argument;
    bool crashes = number == CRASHING;
    id();
    if (!crashes) {
        slot = (unsigned)number;
        chosen = (int)number;
        settings.version = 3;
        settings.table = given_table;
        strcpy(settings.name, "set");
    }
    freed = calloc(1, sizeof *freed);
    freed->first = table;
    freed_large = calloc(1, 5000);
    void *kept = malloc(64);
    foreign = crashes ? of_main : malloc(sizeof *foreign);
    dead = malloc(sizeof *dead);
    *dead = table;
    if (crashes) {
        free(freed);
        free(freed_large);
        keep_local(20);
    }
    pthread_barrier_wait(&step);
    if (crashes && !is("stale")) {
        if (is("starting"))
            say("slot", "starting-value");
        if (is("began"))
            say("chosen", "evidence");
        if (is("ready"))
            say("ready", "set-in-one");
        if (is("zero"))
            say("settings", "zero-where-it-crashed");
        if (is("freed"))
            say("freed", "freed");
        if (is("freed_large"))
            say("freed_large", "freed");
        if (is("dead"))
            say("dead", "dead-stack");
        if (is("foreign"))
            say("foreign", "other-stack");
        use();
    }
    pause();
    return kept;
}

static void run(void) {
    pthread_t thread;
    long *nothing = NULL;
    of_main = &nothing;
    slot = 0;
    ready = true;
    settings.version = 3;
    settings.table = given_table;
    pthread_barrier_init(&step, NULL, WORKERS + 1);
    for (long i = 1; i <= WORKERS; i++)
        pthread_create(&thread, NULL, worker, (void *)i);
    pthread_barrier_wait(&step);
    if (is("stale")) {
        say("cached_id", "stale-id");
        stale_id();
    }
    pause();
}

int main(int argc, char **argv) {
    if (argc < 2) {
        puts("stale starting began ready zero freed freed_large dead foreign");
        return 0;
    }
    mode = argv[1];
    /* What is freed is not given to printf. */
    static char output[1024];
    setvbuf(stdout, output, _IOFBF, sizeof output);
    id();
    if (!is("stale")) {
        run();
        return 1;
    }
    pid_t child = fork();
    if (child == 0) {
        run();
        return 1;
    }
    /* Ends as its child does, but leaves no core of its own. */
    int status = 0;
    waitpid(child, &status, 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    return 1;
}
