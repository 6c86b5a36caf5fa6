// Many threads, as a server has them: all wait for work on a condition variable, a few calls deep.
//
// Usage: threads LIBRARY COUNT FILE wait|abort
// Each thread sets the variables of slots.c in the library, and every second one, by lot, `own_buffer`: what is said of
// some threads is said of no range of numbers, as in a server, whose threads a core has in no order. FILE gets the address of every
// thread's `bench_own`, one word a thread: the truth, and what reads.c reads.

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

struct Buffer {
    char *data;
    size_t length;
};

thread_local Buffer *own_buffer;
thread_local Buffer *main_buffer;

static void **(*touch)(int);
static std::vector<void **> addresses;
static std::vector<bool> drawn;
static std::mutex mutex;
static std::condition_variable changed;
static size_t waiting;

static void wait_for_work(int depth) {
    if (depth > 0) {
        wait_for_work(depth - 1);
        asm volatile("");  // keeps the frames apart
        return;
    }
    std::unique_lock<std::mutex> lock(mutex);
    waiting++;
    changed.notify_all();
    changed.wait(lock, [] { return false; });
}

static void *work(void *argument) {
    size_t index = reinterpret_cast<size_t>(argument);
    if (drawn[index]) own_buffer = new Buffer();
    addresses[index] = touch(static_cast<int>(index));
    wait_for_work(8);
    return nullptr;
}

int main(int count_of_arguments, char **arguments) {
    if (count_of_arguments != 5) return 2;
    size_t count = strtoul(arguments[2], nullptr, 10);
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    *reinterpret_cast<void **>(&touch) = dlsym(library, "bench_touch");
    addresses.resize(count);
    srandom(count);
    for (size_t index = 0; index < count; index++) drawn.push_back(random() % 2 == 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 32 * 1024);
    own_buffer = main_buffer = new Buffer();
    addresses[0] = touch(0);
    for (size_t index = 1; index < count; index++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, work, reinterpret_cast<void *>(index)) != 0) {
            perror("pthread_create");
            return 1;
        }
    }
    {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [count] { return waiting == count - 1; });
    }
    FILE *file = fopen(arguments[3], "wb");
    if (!file || fwrite(addresses.data(), sizeof(void *), count, file) != count || fclose(file) != 0) return 1;
    puts("ready");
    fflush(stdout);
    if (strcmp(arguments[4], "abort") == 0) abort();
    for (;;) pause();
}
