// Threads without names of their own in pools, as C++ starts them: `pools COUNT` starts so many of each; with `named`
// those that pthread_create has started have names.
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

thread_local int *pool_buffer;

static std::mutex mutex;
static std::condition_variable changed;
static int waiting;
static int shared_number;

static void wait_for_work() {
    std::unique_lock<std::mutex> lock(mutex);
    waiting++;
    changed.notify_all();
    changed.wait(lock, [] { return false; });
}

namespace {
void resolver(int, int *) {
    wait_for_work();
}
}  // namespace

struct Flusher {
    void run() { wait_for_work(); }
};

struct Compactor {
    void operator()() { wait_for_work(); }
};

static bool named;

static void *plain(void *) {
    static std::atomic<int> number;
    if (named) pthread_setname_np(pthread_self(), ("plain-" + std::to_string(number++)).c_str());
    wait_for_work();
    return nullptr;
}

static void serve(int count, std::vector<std::thread> &threads, std::vector<std::future<void>> &futures) {
    static Flusher flusher;
    for (int index = 0; index < count; index++) {
        threads.emplace_back([] { wait_for_work(); });
        threads.emplace_back(resolver, index, &shared_number);
        threads.emplace_back(&Flusher::run, &flusher);
        threads.emplace_back(Compactor());
        futures.push_back(std::async(std::launch::async, [] { wait_for_work(); }));
        pthread_t thread;
        if (pthread_create(&thread, nullptr, plain, nullptr) != 0) exit(1);
    }
}

int main(int words, char **arguments) {
    named = words > 2;
    int count = atoi(arguments[1]);
    std::vector<std::thread> threads;
    std::vector<std::future<void>> futures;
    serve(count, threads, futures);
    {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [count] { return waiting == 6 * count; });
    }
    puts("ready");
    fflush(stdout);
    for (;;) pause();
}
