// boost::thread_specific_ptr.  FILE.boost has a line of JSON for each value: {"lwp", "name", "value"}, as get() gives it.
#include "truth.h"

#include <boost/thread/tss.hpp>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {
int said;
boost::thread_specific_ptr<long> numbers;
}  // namespace
static boost::thread_specific_ptr<long> other;
namespace ns {
boost::thread_specific_ptr<long> parts;
}
static boost::thread_specific_ptr<long> &inner() {
    static boost::thread_specific_ptr<long> made;
    return made;
}

static void say(const char *name, boost::thread_specific_ptr<long> &one) {
    dprintf(said, "{\"lwp\": %ld, \"name\": \"%s\", \"value\": \"0x%lx\"}\n", static_cast<long>(syscall(SYS_gettid)), name,
            reinterpret_cast<unsigned long>(one.get()));
}

static void say_all() {
    say("numbers", numbers);
    say("other", other);
    say("ns::parts", ns::parts);
    say("inner()::made", inner());
}

static void *worker_1(void *) {
    numbers.reset(new long(1));
    inner().reset(new long(11));
    ns::parts.reset(new long(1));
    delete ns::parts.release();
    say_all();
    truth_park();
}

static void *worker_2(void *) {
    other.reset(new long(2));
    ns::parts.reset(new long(2));
    say_all();
    truth_park();
}

static void *worker_3(void *) { truth_park(); }

int main(int argc, char **argv) {
    truth_begin(argc, argv, 4);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--truth") == 0) {
            char path[4096];
            snprintf(path, sizeof path, "%s.boost", argv[i + 1]);
            said = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
        }
    truth_require(said > 0);
    numbers.reset(new long(0));
    say_all();
    pthread_t first = truth_spawn("worker-1", worker_1, nullptr);
    truth_spawn("worker-2", worker_2, nullptr);
    truth_spawn("worker-3", worker_3, nullptr);
    truth_ready(3, first);
}
