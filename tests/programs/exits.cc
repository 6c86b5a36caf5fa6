// What runs when a thread ends, against what did run when its twin ended.
//
// FILE.exits has a line of JSON for each thread ({"who", "lwp"}), and one for each destructor that ran in a thread that
// has ended, in this order ({"ended", "ran"}): of worker-1's twin, and of main in a child process that called exit().
//
//   worker-1  has objects of its own, of a library and of a function, and values for keys
//   worker-2  has none of all this
//   worker-3  is ending: it is in the destructor of `slow`, and `early` is left
//   worker-4  has an object and a value for a key whose destructors were in a library that is gone
//
// All but the twin and worker-3 have an `unfreed` of their own; the key whose destructor would free it is set in main only.
#include "truth.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr unsigned WORKERS = 4;
int said;
thread_local const char *who = "";
pthread_key_t plain, numbers, without, never, once;

struct Gone {
    pthread_key_t key;
    void (*destructor)(void *);
};

void say_ran(const char *what) {
    dprintf(said, "{\"ended\": \"%s\", \"ran\": \"%s\"}\n", who, what);
}

void say_thread(const char *name) {
    who = name;
    dprintf(said, "{\"who\": \"%s\", \"lwp\": %ld}\n", name, syscall(SYS_gettid));
}

}  // namespace

struct Noted {
    const char *name;
    explicit Noted(const char *name) : name(name) {}
    ~Noted() { say_ran(name); }
};

struct Slow {
    bool used = false;
    Slow() {}
    ~Slow() {
        if (used)
            truth_park();
    }
};

// What the compiler uses for thread_local objects; the executable stays loaded for this one.
extern "C" int __cxa_thread_atexit_impl(void (*function)(void *), void *object, void *of);
extern "C" void *__dso_handle;

thread_local Noted early("early");
static thread_local long orphan;
thread_local char *unfreed;
static thread_local Noted hidden("hidden");
thread_local Slow slow;

extern "C" void end_plain(void *value) {
    say_ran(static_cast<const char *>(value));
}

extern "C" void end_numbers(void *value) {
    say_ran(static_cast<const char *>(value));
}


extern "C" void end_once(void *value) {
    free(value);
}

static void (*library)(void (*)(const char *));

static void use_all(const char *name) {
    say_thread(name);
    early.name = "early";
    thread_local Noted inside("inside");
    inside.name = "inside";
    library(say_ran);
    // The other way round than they will run.
    pthread_setspecific(numbers, "numbers");
    pthread_setspecific(without, "without");
    pthread_setspecific(plain, "plain");
}

static void *twin(void *) {
    use_all("twin");
    return nullptr;
}

static void *worker_1(void *) {
    use_all("worker-1");
    unfreed = strdup("worker-1's");
    truth_park();
}

static void *worker_2(void *) {
    say_thread("worker-2");
    unfreed = strdup("worker-2's");
    truth_park();
}

static void *worker_3(void *) {
    say_thread("worker-3");
    early.name = "early";
    slow.used = true;
    return nullptr;
}

static void *worker_4(void *argument) {
    const Gone *gone = static_cast<const Gone *>(argument);
    say_thread("worker-4");
    unfreed = strdup("worker-4's");
    pthread_setspecific(gone->key, "gone");
    truth_require(__cxa_thread_atexit_impl(gone->destructor, &orphan, &__dso_handle) == 0);
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, WORKERS + 1);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--truth") == 0)
            said = open((std::string(argv[i + 1]) + ".exits").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    truth_require(said > 0);
    truth_require(pthread_key_create(&plain, end_plain) == 0 && pthread_key_create(&numbers, end_numbers) == 0);
    truth_require(pthread_key_create(&without, nullptr) == 0 && pthread_key_create(&never, end_plain) == 0);
    truth_require(pthread_key_create(&once, end_once) == 0);
    library = reinterpret_cast<void (*)(void (*)(const char *))>(dlsym(truth_open("libexits.so"), "use"));
    truth_require(library != nullptr);

    pthread_t ended;
    truth_require(pthread_create(&ended, nullptr, twin, nullptr) == 0 && pthread_join(ended, nullptr) == 0);
    use_all("main");
    pid_t child = fork();
    if (child == 0)
        exit(0);
    truth_require(waitpid(child, nullptr, 0) == child);

    unfreed = strdup("main's");
    pthread_setspecific(once, unfreed);

    void *leaving = truth_open("libexits_gone.so");
    auto make = reinterpret_cast<pthread_key_t *(*)(pthread_key_t *)>(dlsym(leaving, "make_key"));
    auto give = reinterpret_cast<void (*(*)())(void *)>(dlsym(leaving, "give_destructor"));
    static Gone gone;
    truth_require(make != nullptr && give != nullptr && make(&gone.key));
    gone.destructor = give();
    truth_require(dlclose(leaving) == 0);
    // What lies there next, as a thread's stack may: no code either.
    uintptr_t page = reinterpret_cast<uintptr_t>(gone.destructor) & -4096UL;
    void *data = mmap(reinterpret_cast<void *>(page), 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    truth_require(data == reinterpret_cast<void *>(page));
    pthread_t first = truth_spawn("worker-1", worker_1, nullptr);
    truth_spawn("worker-2", worker_2, nullptr);
    truth_spawn("worker-3", worker_3, nullptr);
    truth_spawn("worker-4", worker_4, &gone);
    truth_ready(WORKERS, first);
}
