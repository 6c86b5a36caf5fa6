// Two runs of one program, which crash in threads made at other times: `runs FOLDER CRASHER a|b`.
// Each thread has a role, whichever number it has; between a and b some values of some roles differ.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <string>

enum Mood { calm, eager, upset };
struct Shape {
    int x;
    double y;
    const char *name;
};

thread_local char *role;                // the same text, elsewhere
thread_local const char *colour;        // another text in the thread that crashes
thread_local int *place;                // the same number on the heap and, in b, on main's stack
thread_local std::string label;         // the same text, elsewhere
thread_local std::string note;          // another text in other-2
thread_local Shape shape;               // the same, but for an address
thread_local Mood mood;                 // another one in other-0
thread_local unsigned long number = 7;  // another one in main

static pthread_barrier_t barrier;
static int crasher;
static bool is_b;

static void fill(const std::string &name) {
    role = strdup(("role " + name).c_str());
    colour = is_b && name == "crasher" ? "blue" : "red";
    place = new int(5);
    label = "a label that is too long for the object itself: " + name;
    note = is_b && name == "other-2" ? "note b" : "note a";
    shape = {1, 2.5, colour[0] == 'r' ? strdup("shape") : strdup("shape")};
    mood = is_b && name == "other-0" ? upset : eager;
}

static void *worker(void *argument) {
    int index = (int)(long)argument;
    int rank = index < crasher ? index : index - 1;
    fill(index == crasher ? "crasher" : "other-" + std::to_string(rank));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    if (index == crasher) {
        abort();
    }
    for (;;) {
        pause();
    }
}

int main(int argc, char **argv) {
    if (argc != 4 || chdir(argv[1]) != 0) {
        return 2;
    }
    crasher = atoi(argv[2]);
    is_b = argv[3][0] == 'b';
    int on_stack = 5;
    fill("main");
    if (is_b) {
        place = &on_stack;
        number = 8;
    }
    pthread_barrier_init(&barrier, nullptr, 5);
    for (long index = 0; index < 4; index++) {
        pthread_t thread;
        pthread_create(&thread, nullptr, worker, (void *)index);
    }
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (;;) {
        pause();
    }
}
