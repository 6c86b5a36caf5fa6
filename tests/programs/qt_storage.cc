// QThreadStorage of Qt 5 and Qt 6, with what their headers have of it written down here: it is the same in both (the
// exported class QThreadStorageData, qtbase/src/corelib/thread/qthreadstorage.h), so one program is linked with either library.
//
// FILE.qt has a line of JSON for each value: {"lwp", "name", "index", "value"}, as get() gives it.
#include "truth.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

class QThreadStorageData {
public:
    explicit QThreadStorageData(void (*destroy)(void *));
    ~QThreadStorageData();
    void **get() const;
    void **set(void *value);
    int id;
};

template <class T> class Storage {
    QThreadStorageData data{[](void *one) { delete static_cast<T *>(one); }};

public:
    int index() const { return data.id; }
    bool has() const { return data.get() != nullptr; }
    T *get() const {
        void **found = data.get();
        return found ? static_cast<T *>(*found) : nullptr;
    }
    void set(T *one) { data.set(one); }
};

namespace {
int said;
Storage<long> numbers;
struct Thing {
    int n;
};
}  // namespace
static Storage<Thing> things;
namespace ns {
Storage<double> parts;
}
static Storage<Thing> &inner() {
    static Storage<Thing> made;
    return made;
}

template <class T> static void say(const char *name, const Storage<T> &one) {
    dprintf(said, "{\"lwp\": %ld, \"name\": \"%s\", \"index\": %d, \"value\": \"0x%lx\"}\n", static_cast<long>(syscall(SYS_gettid)),
            name, one.index(), reinterpret_cast<unsigned long>(one.get()));
}

static void say_all() {
    say("numbers", numbers);
    say("things", things);
    say("ns::parts", ns::parts);
    say("inner()::made", inner());
}

static void *worker_1(void *) {
    numbers.set(new long(1));
    inner().set(new Thing{11});
    say_all();
    truth_park();
}

static void *worker_2(void *) {
    things.set(new Thing{2});
    ns::parts.set(new double(2));
    say_all();
    truth_park();
}

static void *worker_3(void *) { truth_park(); }

int main(int argc, char **argv) {
    truth_begin(argc, argv, 4);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--truth") == 0) {
            char path[4096];
            snprintf(path, sizeof path, "%s.qt", argv[i + 1]);
            said = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
        }
    truth_require(said > 0);
    numbers.set(new long(0));
    say_all();
    pthread_t first = truth_spawn("worker-1", worker_1, nullptr);
    truth_spawn("worker-2", worker_2, nullptr);
    truth_spawn("worker-3", worker_3, nullptr);
    truth_ready(3, first);
}
