// Its own __cxa_thread_atexit, which keeps a list under a pthread key as that of libstdc++ does where the C library has none
// for it.  Needs nothing of the C++ library, so that musl-gcc can link it.  With IN_THREAD it is kept as that of libc++abi: the
// first record is in a thread-local variable, and the key's value is only the address of the key.
//
// FILE.exits has a line of JSON for each thread ({"who", "lwp"}), and one for each destructor that ran in a thread that has
// ended, in this order ({"ended", "ran"}): of worker-1's twin.
//
//   worker-1  has three objects, and a value for another key
//   worker-2  has none
#include "truth.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

int said;
thread_local const char *who = "";

struct Record {
    void (*destructor)(void *);
    void *object;
    Record *next;
};

pthread_key_t plain, list;
pthread_once_t once = PTHREAD_ONCE_INIT;

#ifdef IN_THREAD
thread_local Record *records;
thread_local bool is_asked;
#endif

void run(void *first) {
#ifdef IN_THREAD
    first = records;
#endif
    for (Record *one = static_cast<Record *>(first); one != nullptr;) {
        Record *done = one;
        one->destructor(one->object);
        one = one->next;
        free(done);
    }
}

void make_key() { pthread_key_create(&list, run); }

}  // namespace

extern "C" int __cxa_thread_atexit(void (*destructor)(void *), void *object, void *) noexcept {
    pthread_once(&once, make_key);
#ifdef IN_THREAD
    if (!is_asked) {
        if (pthread_setspecific(list, &list) != 0)
            return -1;
        is_asked = true;
    }
    Record *first = records;
#else
    Record *first = static_cast<Record *>(pthread_getspecific(list));
#endif
    Record *made = static_cast<Record *>(malloc(sizeof *made));
    if (made == nullptr)
        return -1;
    *made = {destructor, object, first};
#ifdef IN_THREAD
    records = made;
#else
    pthread_setspecific(list, made);
#endif
    return 0;
}

struct Noted {
    const char *name;
    explicit Noted(const char *name) : name(name) {}
    ~Noted() { dprintf(said, "{\"ended\": \"%s\", \"ran\": \"%s\"}\n", who, name); }
};

thread_local Noted early("early");
static thread_local Noted hidden("hidden");

extern "C" void end_plain(void *value) {
    dprintf(said, "{\"ended\": \"%s\", \"ran\": \"%s\"}\n", who, static_cast<const char *>(value));
}

static void say_thread(const char *name) {
    who = name;
    dprintf(said, "{\"who\": \"%s\", \"lwp\": %ld}\n", name, static_cast<long>(syscall(SYS_gettid)));
}

static char words[] = "plain";

static void use_all(const char *name) {
    say_thread(name);
    early.name = "early";
    hidden.name = "hidden";
    pthread_setspecific(plain, words);
}

// A second object of the type is registered by the compiler where it is made: inside of a function.
static void use_inside() {
    static thread_local Noted inside("inside");
    inside.name = "inside";
}

static void *twin(void *) {
    use_all("twin");
    use_inside();
    return nullptr;
}

static void *worker_1(void *) {
    use_all("worker-1");
    use_inside();
    truth_park();
}

static void *worker_2(void *) {
    say_thread("worker-2");
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 3);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--truth") == 0) {
            char path[4096];
            snprintf(path, sizeof path, "%s.exits", argv[i + 1]);
            said = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
        }
    truth_require(said > 0 && pthread_key_create(&plain, end_plain) == 0);
    say_thread("main");
    pthread_t ended;
    truth_require(pthread_create(&ended, nullptr, twin, nullptr) == 0 && pthread_join(ended, nullptr) == 0);
    pthread_t first = truth_spawn("worker-1", worker_1, nullptr);
    truth_spawn("worker-2", worker_2, nullptr);
    truth_ready(2, first);
}
