// Which objects each thread has constructed and destroyed.
//
// FILE.lives has a line of JSON for each of the threads, which all stay: {"who", "lwp", "made": [...], "gone": [...]}, in the
// order in which it happened.  Whose destructor runs is not among those that are gone.
//
//   main      has used one object of a function
//   worker-1  has used all objects
//   worker-2  has used those of the other file, and those of one library
//   worker-3  has used none
//   worker-4  is ending: it is in the destructor of `slow`, after some others' and before some
//   worker-5  has used the objects of both libraries
//   worker-6  is in the constructor of `waiting`
#include "lives.h"
#include "truth.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr unsigned WORKERS = 6, MOST = 32;
int said;
thread_local const char *who;
thread_local const char *made[MOST], *gone[MOST];
thread_local unsigned makings, goings;

struct Library {
    long (*use)(), (*use_counted)(), (*use_local)();
} libraries[2];

std::string listed(const char **names, unsigned number) {
    std::string found;
    for (unsigned i = 0; i < number; i++)
        found += (i ? ", \"" : "\"") + std::string(names[i]) + '"';
    return found;
}

void say() {
    dprintf(said, "{\"who\": \"%s\", \"lwp\": %ld, \"made\": [%s], \"gone\": [%s]}\n", who, syscall(SYS_gettid),
            listed(made, makings).c_str(), listed(gone, goings).c_str());
}

}  // namespace

void lives_made(const char *name) { made[makings++] = name; }
void lives_gone(const char *name) { gone[goings++] = name; }

struct Slow {
    bool waits = false;
    Slow() { lives_made("slow"); }
    ~Slow() {
        if (waits) {
            say();
            truth_park();
        }
    }
};

thread_local Noted outer("outer");
static thread_local Noted hidden("hidden");
thread_local std::string text = lives_text("text");
static thread_local Plain plain("plain");
static thread_local long number = lives_number("number", 41);
thread_local int *pointer = new int(static_cast<int>(lives_number("pointer", 3)));
static thread_local long calls;  // not initialised dynamically

static void use_own() {
    calls++;
    outer.used++;
    hidden.used += number;
    text += "!";
    plain.two += *pointer;
}

static void count_calls() { calls++; }

static void use_inline() {
    everywhere.used++;
    Holder<Noted>::held.used++;
}

static Noted &inside() {
    static thread_local Noted inside("inside");
    return inside;
}

static Slow &slow() {
    static thread_local Slow slow;
    return slow;
}

static void *worker_1(void *) {
    who = "worker-1";
    use_own();
    use_other();
    use_inline();
    inside().used++;
    slow();
    use_waiting();
    for (const Library &one : libraries)
        one.use(), one.use_local();
    say();
    truth_park();
}

static void *worker_2(void *) {
    who = "worker-2";
    use_other();
    libraries[0].use_counted();
    libraries[1].use();
    say();
    truth_park();
}

static void *worker_3(void *) {
    who = "worker-3";
    count_calls();
    libraries[0].use_counted();
    libraries[1].use_counted();
    say();
    truth_park();
}

static void *worker_4(void *) {
    who = "worker-4";
    inside().used++;
    slow().waits = true;
    use_other();
    use_inline();
    libraries[1].use_local();
    return nullptr;
}

extern "C" void wait_in_constructor() {
    if (strcmp(who, "worker-6") == 0) {
        say();
        truth_park();
    }
}

static void *worker_6(void *) {
    who = "worker-6";
    use_waiting();
    return nullptr;
}

static void *worker_5(void *) {
    who = "worker-5";
    for (const Library &one : libraries)
        one.use();
    say();
    truth_park();
}

static Library load(const char *file) {
    void *handle = truth_open(file);
    auto begin = reinterpret_cast<void (*)(void (*)(const char *), void (*)(const char *))>(dlsym(handle, "begin"));
    truth_require(begin != nullptr);
    begin(lives_made, lives_gone);
    auto find = [handle](const char *name) { return reinterpret_cast<long (*)()>(dlsym(handle, name)); };
    return {find("use"), find("use_counted"), find("use_local")};
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, WORKERS + 1);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--truth") == 0)
            said = open((std::string(argv[i + 1]) + ".lives").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    truth_require(said > 0);
    libraries[0] = load("liblives.so");
    libraries[1] = load("liblives_stripped.so");
    who = "main";
    inside().used++;
    say();
    pthread_t first = truth_spawn("worker-1", worker_1, nullptr);
    truth_spawn("worker-2", worker_2, nullptr);
    truth_spawn("worker-3", worker_3, nullptr);
    truth_spawn("worker-4", worker_4, nullptr);
    truth_spawn("worker-5", worker_5, nullptr);
    truth_spawn("worker-6", worker_6, nullptr);
    truth_ready(WORKERS, first);
}
