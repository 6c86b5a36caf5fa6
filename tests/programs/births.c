/* Threads at the ends of their lives: main makes a worker and leaves by pthread_exit; the worker stays. */
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

__thread int births_counter = 7;

static void *worker(void *unused) {
    char path[64], state = 0;
    births_counter = 8;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", getpid());
    while (state != 'Z') { /* until main has left */
        FILE *file = fopen(path, "r");
        if (!file || fscanf(file, "%*d %*s %c", &state) != 1)
            state = 'Z';
        if (file)
            fclose(file);
        usleep(1000);
    }
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
    return unused;
}

int main(void) {
    pthread_t made;
    prctl(PR_SET_PDEATHSIG, 9);
    births_counter = 9;
    pthread_create(&made, NULL, worker, NULL);
    pthread_exit(NULL);
}
