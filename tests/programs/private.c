/* GPrivate of GLib: each is a structure that points to the pthread key's number, which is made at first use.
 *
 * Says first, as one line of JSON, what each thread has: {"who", "lwp", "has": [...]}; with "crash" worker-2 uses what it
 * has not.
 */
#define _GNU_SOURCE
#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct buffer {
    const char *text;
    long length;
};

struct context {
    long version;
    GPrivate inner;
};

enum { WORKERS = 3 };

static GPrivate private_buffer = G_PRIVATE_INIT(g_free);
GPrivate public_count;
struct context context;
static pthread_barrier_t step;
static int crashes;

static void say(const char *who, const char *has) {
    printf("{\"who\": \"%s\", \"lwp\": %ld, \"has\": [%s]}\n", who, syscall(SYS_gettid), has);
    fflush(stdout);
}

static __attribute__((noinline)) void use(void) {
    struct buffer *buffer = g_private_get(&private_buffer);
    buffer->length++;
}

static void set_all(void) {
    g_private_set(&private_buffer, g_new0(struct buffer, 1));
    g_private_set(&context.inner, &context);
}

static void *worker(void *argument) {
    long which = (long)argument;
    char who[32];
    snprintf(who, sizeof who, "worker-%ld", which);
    g_private_set(&public_count, argument);
    if (which != 2)
        set_all();
    say(who, which == 2 ? "\"public_count\"" : "\"public_count\", \"private_buffer\", \"context+0x8\"");
    pthread_barrier_wait(&step);
    if (which == 2 && crashes)
        use();
    pause();
    return NULL;
}

int main(int argc, char **argv) {
    crashes = argc > 1 && strcmp(argv[1], "crash") == 0;
    pthread_barrier_init(&step, NULL, WORKERS + 1);
    set_all();
    say("main", "\"private_buffer\", \"context+0x8\"");
    for (long which = 1; which <= WORKERS; which++) {
        pthread_t thread;
        pthread_create(&thread, NULL, worker, (void *)which);
    }
    pthread_barrier_wait(&step);
    printf("ready\n");
    fflush(stdout);
    for (;;)
        pause();
}
