// What only C++ has: causes.c's kinds of crashes through classes of its library, wrappers, and exceptions.
#include "causes.hh"

#include <cstring>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <vector>

namespace {

volatile long sink;

struct Task {
    virtual ~Task() = default;
    virtual void run() { sink = sink + 1; }
    APART void count(long by) { total += by; }
    long total = 0;
};

struct Other : Task {
    void run() override { sink = sink - 1; }
};

thread_local std::unique_ptr<buffer> owned;
thread_local std::shared_ptr<buffer> common;
thread_local std::vector<long> *numbers;
thread_local Task *task, *counted;
thread_local std::function<void()> callback;
thread_local bool ready, consistent;
thread_local buffer *caught, *current;
thread_local std::unique_ptr<buffer> scratch;
thread_local std::vector<buffer *> stack;
thread_local std::optional<buffer> session;
thread_local std::vector<long> degrees, row;
thread_local std::unordered_map<long, buffer *> storage;
std::map<long, long> global_table;

buffer *global;

template <typename T> void *place(T &variable) {
    return reinterpret_cast<void *>(&variable);
}

void *spoil_unique() {
    owned.reset();
    return place(owned);
}
APART void crash_unique() {
    owned->length = 1;
}

void *spoil_shared() {
    common.reset();
    return place(common);
}
APART void crash_shared() {
    common->length = 1;
}

void *spoil_vector() {
    numbers = nullptr;
    return place(numbers);
}
APART void crash_vector() {
    sink = numbers->at(1);
}

void *spoil_virtual() {
    task = nullptr;
    return place(task);
}
APART void crash_virtual() {
    task->run();
    sink = sink + 1;
}

void *spoil_method() {
    counted = nullptr;
    return place(counted);
}
APART void crash_method() {
    counted->count(sink);
    sink = sink + 1;
}

void *spoil_function() {
    callback = nullptr;
    return place(callback);
}
APART void crash_function() {
    callback();
    sink = sink + 1;
}

void *spoil_thrown() {
    ready = false;
    return place(ready);
}
APART void crash_thrown() {
    if (!ready)
        throw std::logic_error("not ready in this thread");
    sink = sink + 1;
}

void *spoil_terminated() {
    consistent = false;
    return place(consistent);
}
APART void crash_terminated() {
    if (!consistent)
        std::terminate();
    sink = sink + 1;
}

// An exception that was thrown and caught before the crash leaves nothing behind.
void *spoil_caught() {
    caught = nullptr;
    return place(caught);
}
APART void fail() {
    throw std::runtime_error("caught");
}
APART void crash_caught() {
    try {
        fail();
    } catch (const std::exception &) {
        caught->length = 1;
    }
}

void *spoil_wrapped() {
    wrapped = nullptr;
    return place(wrapped);
}
APART void crash_wrapped() {
    wrapped->length = 1;
}

void *spoil_inlined() {
    inlined = nullptr;
    return place(inlined);
}
APART void crash_inlined() {
    use_inlined();
}

// Through constructors that get where to write (not optimised), and members of the object itself.
void *spoil_moved() {
    scratch.reset();
    return place(scratch);
}
APART void crash_moved() {
    auto mine = std::move(scratch);
    mine->length = 1;
    scratch = std::move(mine);
}

void *spoil_last() {
    stack.clear();
    stack.shrink_to_fit();
    return place(stack);
}
APART void crash_last() {
    stack.back()->length = 1;
}

// Sized for less than what comes: the index is another vector's, which was null before it was filled.
void *spoil_counted() {
    degrees.resize(3);
    return place(degrees);
}
APART void count(const std::vector<int> &places) {
    for (int at : places)
        degrees[at]++;
}
APART void crash_counted() {
    std::vector<int> places{1, 2, 600000000 + static_cast<int>(sink)};
    count(places);
    sink = sink + 1;
}

// A loop over more than there is: at its beginning there is nothing.
void *spoil_row() {
    row.clear();
    row.shrink_to_fit();
    return place(row);
}
APART void fill_row(int from, int to) {
    for (int at = from; at < to; at++)
        row[at] = at;
}
APART void crash_row() {
    fill_row(static_cast<int>(sink) + 2, 16);
    sink = sink + 1;
}

// What is not found is at the end, and the end is null.
void *spoil_storage() {
    storage.clear();
    return place(storage);
}
APART long stored(long wanted) {
    return storage.find(wanted)->second->length;
}
APART void crash_storage() {
    sink = stored(sink + 1);
}

void *spoil_engaged() {
    session.reset();
    return place(session);
}
APART void crash_engaged() {
    sink = session.value().length;
}

APART void crash_at() {
    sink = global_table.at(sink + 7);
}

struct Request {
    explicit Request(long kind) : kind(kind), context(current) {}
    virtual ~Request() = default;
    virtual void run() { context->length = kind; }
    long kind;
    buffer *context;
};
void *spoil_constructed() {
    current = nullptr;
    return place(current);
}
APART void execute(Request &request) {
    request.run();
    sink = sink + 1;
}
APART void crash_constructed() {
    auto *request = new Request(sink);
    execute(*request);
    delete request;
}

APART void crash_global() {
    if (caught)
        caught->length++;
    global->length = 1;
}

APART void crash_throws() {
    if (caught)
        caught->length++;
    if (!global)
        throw std::logic_error("nothing thread-local");
}

} // namespace

void prepare() {
    owned.reset(new buffer());
    common = std::make_shared<buffer>();
    numbers = new std::vector<long>(4);
    task = new Task();
    counted = new Other();
    callback = [] { sink = sink + 1; };
    ready = consistent = true;
    caught = new_buffer();
    current = new_buffer();
    scratch.reset(new buffer());
    stack.assign(3, new_buffer());
    session = buffer();
    degrees.assign(16, 0);
    row.assign(16, 0);
    storage[1] = new_buffer();
    wrapped = new_buffer();
    inlined = new_buffer();
}

#define OWN(name, guilty) {#name, guilty, PROGRAM, spoil_##name, crash_##name}

extern const mode modes[];
const mode modes[] = {
    OWN(unique, "(anonymous namespace)::owned"),
    OWN(shared, "(anonymous namespace)::common"),
    OWN(vector, "(anonymous namespace)::numbers"),
    OWN(virtual, "(anonymous namespace)::task"),
    OWN(method, "(anonymous namespace)::counted"),
    OWN(function, "(anonymous namespace)::callback"),
    OWN(thrown, "(anonymous namespace)::ready"),
    OWN(terminated, "(anonymous namespace)::consistent"),
    OWN(caught, "(anonymous namespace)::caught"),
    {"wrapped", "wrapped", "libcauses_cc.so", spoil_wrapped, crash_wrapped},
    OWN(inlined, "inlined"),
    OWN(moved, "(anonymous namespace)::scratch"),
    OWN(last, "(anonymous namespace)::stack"),
    OWN(counted, "(anonymous namespace)::degrees"),
    OWN(row, "(anonymous namespace)::row"),
    OWN(storage, "(anonymous namespace)::storage"),
    OWN(engaged, "(anonymous namespace)::session"),
    OWN(constructed, "(anonymous namespace)::current"),
    {"innocent_at", nullptr, "", nullptr, crash_at},
    {"innocent_global", nullptr, "", nullptr, crash_global},
    {"innocent_throws", nullptr, "", nullptr, crash_throws},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

int main(int argc, char **argv) {
    return run_mode(argc, argv);
}
