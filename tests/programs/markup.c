/* A variable whose name, threads whose names and values that are markup. The test gives the symbol its name with
   objcopy; no debug information describes it. */
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

__thread const char *plain_name;

static const char *const NAMES[] = {"<img src=x>", "</td></table>", "\033[2J\033[31mx", "&lt;b&gt;\"'", "[bold]x[/]"};
enum { THREADS = sizeof NAMES / sizeof *NAMES };
static pthread_barrier_t everybody;

static void *worker(void *name) {
    prctl(PR_SET_NAME, name);
    plain_name = "<script>alert(1)</script>\033]0;title\007";
    pthread_barrier_wait(&everybody);
    pause();
    return NULL;
}

int main(void) {
    pthread_t thread;
    pthread_barrier_init(&everybody, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread, NULL, worker, (void *)NAMES[i]);
    pthread_barrier_wait(&everybody);
    puts("ready");
    fflush(stdout);
    pause();
}
