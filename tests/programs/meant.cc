// Names of which several variables might be meant: namesakes in the C library, in a library called as the program,
// in files, in headers, in libraries that the loader has passed over.
#include "meant.h"

#include <cstdio>
#include <string>

#include "truth.h"

#undef errno
namespace db {
struct Pool {
    static thread_local int errno;
};
thread_local int Pool::errno = 10;
}  // namespace db

static thread_local int meant_level = 100;
static thread_local int twice_count = 20;

namespace api {
inline namespace v2 {
thread_local int nested = 30;
}
}  // namespace api

template <class T, int N> thread_local T pooled = T(N);

struct Op {
    [[gnu::noinline]] int *operator()(int add) const {
        thread_local int in_operator = 50;
        in_operator += add;
        return &in_operator;
    }
};

// The guard of `session::text` is no second variable of that name.
[[gnu::noinline]] static std::string *session(int number) {
    thread_local std::string text = std::to_string(number);
    return &text;
}

extern "C" {
long *meant_a(long add);
long *meant_b(long add);
void meant_other(int number);
}

static void say(const char *query, const char *linkage, int *address) {
    truth_number({query, linkage, PROGRAM}, address, "%d", *address);
}

static void describe(int number) {
    db::Pool::errno += number;
    meant_level += number;
    twice_count += number;
    api::nested += number;
    pooled<int, 7> += number;
    meant_in_header += number;
    if (number == 2) {
        meant_anonymous = new int(number);
    }
    meant_depth += number;
    long *by_a = meant_a(1000), *by_b = meant_b(2000);

    say("errno", "_ZN2db4Pool5errnoE", &db::Pool::errno);
    say("Pool::errno", "_ZN2db4Pool5errnoE", &db::Pool::errno);
    say("'meant.cc'::meant_level", "_ZL11meant_level", &meant_level);
    say(PROGRAM "::twice_count", "_ZL11twice_count", &twice_count);
    say("api::nested", "_ZN3api2v26nestedE", &api::nested);
    say("pooled<int,7>", "_Z6pooledIiLi7EE", &pooled<int, 7>);
    say("pooled<int, 7>", "_Z6pooledIiLi7EE", &pooled<int, 7>);
    int *in_operator = Op()(number);
    say("Op::operator()(int) const::in_operator", "_ZZNK2OpclEiE11in_operator", in_operator);
    say("in_operator", "_ZZNK2OpclEiE11in_operator", in_operator);
    truth_owner({"text", "_ZZL7sessioniE4text", PROGRAM}, session(number), session(number)->data(), "");
    truth_number({"meant_depth", "meant_depth", PROGRAM}, by_a, "%ld", meant_depth);
    truth_number({PROGRAM "::meant_depth", "meant_depth", PROGRAM}, by_b, "%ld", meant_depth);
    truth_pointer({"Holder<long>::held", "_ZN6HolderIlE4heldE", PROGRAM}, &Holder<long>::held, "");
    truth_number({PROGRAM "::meant_in_header", "_ZL15meant_in_header", PROGRAM}, &meant_in_header, "%ld",
                 meant_in_header);
    truth_pointer({PROGRAM "::meant_anonymous", "_ZN12_GLOBAL__N_115meant_anonymousE", PROGRAM}, &meant_anonymous, "");
    meant_other(number);
}

static void *worker(void *) {
    describe(2);
    truth_park();
}

int main(int argc, char **argv) {
    truth_begin(argc, argv, 2);
    pthread_t thread = truth_spawn("worker", worker, nullptr);
    describe(1);
    truth_ready(1, thread);
}
