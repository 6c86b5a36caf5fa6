// Crashes whose circumstances are known: what tls-audit is to say beside the variable's name.
//
//   circumstances MODE     crashes in that mode
//   circumstances modes    a line for each mode
//
// Before it crashes it prints a JSON line: what has to be said, one of its words after another, and with what numbers.
#include "circumstances.hh"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <pthread.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noipa))
#endif

static volatile long sink;

static void say(const std::string &sentence) {
    printf("{\"lwp\": %ld, \"says\": \"%s\"}\n", (long)syscall(SYS_gettid), sentence.c_str());
    fflush(stdout);
}

// A scope that has ended: what it set is put back to what it was, and code that runs later finds null.
struct Scope {
    Scope() : before(current) { current = this; }
    ~Scope() { current = before; }
    Scope *before;
    long uses = 0;
    static thread_local Scope *current;
};
thread_local Scope *Scope::current;

struct Late {
    APART ~Late() { Scope::current->uses++; }
};

APART static void scope() {
    std::function<void()> later;
    {
        Scope here;
        auto late = std::make_shared<Late>();
        later = [late] { sink = sink + 1; };
        sink = sink + here.uses;
    }
    say("had put back what it held earlier, on the way to the crash");
    later = nullptr;
}

// Set to null by the function that then calls another one, which uses it.
thread_local long *cleared; // a compiler may not know who else writes it
APART static void use_cleared() { sink = *cleared; }
APART static void clearing() {
    cleared = nullptr;
    use_cleared();
    sink = sink + 1;
}
static void clear() {
    cleared = new long(sink);
    sink = *cleared;
    say("had set it to null, on the way to the crash");
    clearing();
}

// Sized once, by the first call; a later one asks for more.
APART static long element(size_t size, size_t at) {
    static thread_local std::vector<long> numbers(size);
    if (at >= size)
        say("it has " + std::to_string(size) + " elements (" + std::to_string(size * sizeof(long)) +
            " bytes at 0x|bytes behind their end|It was constructed in thread");
    return numbers[at];
}
static void behind() {
    sink = element(24, 3);
    sink = element(24, 100000000);
}

// A member of what it points to: by its name.
struct request {
    long number;
    struct {
        long *buffer;
    } inner;
};
static thread_local request *request_of_thread;
APART static void use_member() { sink = *request_of_thread->inner.buffer; }
static void member() {
    request_of_thread = new request();
    say("the pointer is request_of_thread->inner.buffer, and request_of_thread was read");
    use_member();
}

// A member of the variable itself, whose first member is not 0.
struct ratio {
    long dividend;
    long divisor;
};
thread_local ratio ratio_of_thread{7, 0}; // a compiler may not know who else writes it
APART static void divide() {
    if (ratio_of_thread.divisor == 0)
        abort();
    sink = ratio_of_thread.dividend / ratio_of_thread.divisor;
}
static void part() {
    say("Its member divisor is 0 there.|Its member divisor is 0 in every thread that has it");
    divide();
}

static thread_local request *owned_request;
APART static void compare_member() {
    if (owned_request->number != sink + 7)
        abort();
    sink = sink + 1;
}
static void compared() {
    owned_request = new request();
    say("after comparing owned_request->number");
    compare_member();
}

// A value that a library keeps for an object, behind its own pthread key.
static int session;
APART static void use_session() { sink = *circumstances_find(&session); }
static void asked() {
    int other;
    circumstances_keep(&other, new long(1)); // so that the thread has a table
    say("use_session read it by calling circumstances_find with the address of session");
    use_session();
}

// Threads of the library's have it, this program's own have none.
static void *own(void *) {
    say("threads (|were not started by libcircumstances.so");
    circumstances_use();
    return nullptr;
}
static void began() {
    circumstances_start(3);
    pthread_t thread;
    pthread_create(&thread, nullptr, own, nullptr);
    pthread_t another;
    pthread_create(&another, nullptr, [](void *) -> void * { return nullptr; }, nullptr);
    pthread_join(another, nullptr);
    pthread_join(thread, nullptr);
}

// A buffer that is too small, and what lies behind it.
static thread_local struct {
    char name[24];
    long *behind;
} small;
APART static void use_behind() { sink = *small.behind; }
APART static void copy(char *to, const char *from) {
    while ((*to++ = *from++))
        ;
}
static void over() {
    say("no address: it was written over");
    copy(small.name, "a name that is longer than its buffer");
    use_behind();
}

static const struct {
    const char *name;
    void (*run)();
} modes[] = {{"scope", scope},       {"clear", clear}, {"behind", behind}, {"member", member}, {"part", part},
             {"compared", compared}, {"asked", asked}, {"began", began}, {"over", over}};

static void *start(void *run) {
    reinterpret_cast<void (*)()>(run)();
    return nullptr;
}

int main(int count, char **words) {
    for (auto &mode : modes) {
        if (count < 2 || !strcmp(words[1], "modes")) {
            puts(mode.name);
        } else if (!strcmp(words[1], mode.name)) {
            pthread_t thread;
            pthread_create(&thread, nullptr, start, reinterpret_cast<void *>(mode.run));
            pthread_join(thread, nullptr);
        }
    }
}
