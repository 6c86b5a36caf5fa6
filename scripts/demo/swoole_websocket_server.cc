// The handler module, swoole_websocket.so: echoes every message. This is the file with the bug.
//
// It repeats, in a few lines, a defect of Swoole 6.0.0 in thread mode. Frames are built in a buffer that is kept for
// the next one. When the program had many processes and each had one thread, a start-up hook that ran once for the
// process was the right place to allocate it. Then the program learned to run workers as threads, the buffer became
// thread_local, and the hook stayed where it was: every thread now has a pointer of its own, and only the main thread,
// which never answers a message, has a buffer behind it.
#include "handler_module.h"
#include "swoole_string.h"

using websocket::Opcode;

namespace {

constexpr size_t kBufferSize = 64 * 1024;

// What a worker knows about itself. This one is right: each worker fills in its own, in worker_startup().
struct WorkerState {
    int number = 0;
    unsigned long messages = 0;
};

bool run_fixed = false;

}  // namespace

static thread_local WorkerState worker_state;

// The bug is about this variable: one pointer for each thread, and each of them starts null.
static thread_local swoole::String *swoole_websocket_buffer = nullptr;

void module_startup(bool fixed) {
    run_fixed = fixed;
    // Runs once, on the main thread, so it sets the main thread's pointer and no other.
    swoole_websocket_buffer = new swoole::String(kBufferSize);
}

void worker_startup(int number) {
    worker_state.number = number;
    // The bug is a line that is missing here.
}

// Sends one frame to the client.
static bool push(int socket, Opcode opcode, const char *data, size_t length) {
    if (run_fixed && swoole_websocket_buffer == nullptr) {
        swoole_websocket_buffer = new swoole::String(kBufferSize);  // the repair: each thread makes its own
    }
    swoole_websocket_buffer->clear();
    websocket::FrameHeader header(opcode, length);
    swoole_websocket_buffer->append(header.bytes, header.length);
    swoole_websocket_buffer->append(data, length);
    return websocket::send_all(socket, swoole_websocket_buffer->str, swoole_websocket_buffer->length);
}

bool worker_message(int socket, Opcode opcode, const char *data, size_t length) {
    ++worker_state.messages;
    return push(socket, opcode, data, length);
}

void worker_shutdown() {
    delete swoole_websocket_buffer;
    swoole_websocket_buffer = nullptr;
}

void module_shutdown() {
    delete swoole_websocket_buffer;
    swoole_websocket_buffer = nullptr;
}
