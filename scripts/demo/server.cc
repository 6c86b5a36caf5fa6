// A WebSocket echo server: one thread accepts, five worker threads answer, a handler module builds the answers.
//
//     server [--fixed] [--ready-file FILE]
//
// It listens on a free port of 127.0.0.1 and prints it. With --ready-file it also writes "PORT PID" to FILE, once every
// worker is ready. SIGINT and SIGTERM end it in good order. --fixed runs the handler module without its bug.
//
// How a message travels: the main thread accepts a connection and adds it to the epoll set of a worker, the next in
// turn. From then on it belongs to that worker alone, which does the handshake, reads the frames, answers ping and
// close, and hands whole messages to the module, swoole_websocket.so, found beside the executable.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "handler_module.h"
#include "websocket.h"

using websocket::CloseCode;
using websocket::Frame;
using websocket::Opcode;
using websocket::ParseResult;

namespace {

constexpr int kWorkers = 5;
constexpr size_t kThreadStack = 128 * 1024;  // bytes; small, so that a core dump is small
constexpr int kSendTimeout = 5;              // seconds that a client which does not read can hold up its worker

[[noreturn]] void fail(const char *what, const char *why) {
    fprintf(stderr, "server: %s: %s\n", what, why);
    exit(1);
}

// Passes the result of a system call through, and ends the program if it is an error.
int check(int result, const char *what) {
    if (result < 0) {
        fail(what, strerror(errno));
    }
    return result;
}

void watch(int epoll, int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

// The hooks of the handler module, see handler_module.h. It is never closed: it stays until the process ends.
class Handler {
  public:
    explicit Handler(const std::string &path) : library_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
        if (library_ == nullptr) {
            fail("dlopen", dlerror());
        }
        find(startup, "module_startup");
        find(shutdown, "module_shutdown");
        find(worker_startup, "worker_startup");
        find(worker_message, "worker_message");
        find(worker_shutdown, "worker_shutdown");
    }

    decltype(&::module_startup) startup;
    decltype(&::module_shutdown) shutdown;
    decltype(&::worker_startup) worker_startup;
    decltype(&::worker_message) worker_message;
    decltype(&::worker_shutdown) worker_shutdown;

  private:
    template <typename Hook>
    void find(Hook &hook, const char *name) {
        hook = reinterpret_cast<Hook>(dlsym(library_, name));
        if (hook == nullptr) {
            fail("dlsym", dlerror());
        }
    }

    void *library_;
};

// One client. Owns its socket.
class Connection {
  public:
    Connection(int socket, const Handler &handler) : socket_(socket), handler_(handler) {}

    ~Connection() {
        close(socket_);
    }

    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    // Reads what has arrived and acts on it. False: the connection is over.
    bool on_readable() {
        char bytes[4096];
        const ssize_t count = recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        }
        if (count <= 0) {
            return false;
        }
        input_.append(bytes, static_cast<size_t>(count));
        return (upgraded_ || shake_hands()) && (!upgraded_ || read_frames());
    }

  private:
    bool send(const std::string &bytes) {
        return websocket::send_all(socket_, bytes.data(), bytes.size());
    }

    // Tells the client why, and ends the connection.
    bool refuse(CloseCode code) {
        send(websocket::make_close_frame(code));
        return false;
    }

    // Answers the HTTP request, once all of it is there.
    bool shake_hands() {
        const size_t end = input_.find("\r\n\r\n");
        if (end == std::string::npos) {
            return input_.size() < websocket::kMaxRequest;
        }
        const auto answer = websocket::answer_handshake(input_.substr(0, end + 4));
        input_.erase(0, end + 4);
        upgraded_ = answer.accepted;
        return send(answer.response) && answer.accepted;
    }

    bool read_frames() {
        Frame frame;
        size_t consumed = 0;
        for (;;) {
            switch (websocket::parse_frame(input_, frame, consumed)) {
                case ParseResult::Incomplete:
                    return true;
                case ParseResult::ProtocolError:
                    return refuse(CloseCode::ProtocolError);
                case ParseResult::TooBig:
                    return refuse(CloseCode::TooBig);
                case ParseResult::Complete:
                    input_.erase(0, consumed);
                    if (!(websocket::is_control(frame.opcode) ? on_control(frame) : on_fragment(frame))) {
                        return false;
                    }
            }
        }
    }

    bool on_control(const Frame &frame) {
        switch (frame.opcode) {
            case Opcode::Ping:
                return send(websocket::make_frame(Opcode::Pong, frame.payload));
            case Opcode::Close:
                send(websocket::make_frame(Opcode::Close, frame.payload.substr(0, 2)));  // back with the same code
                return false;
            default:
                return true;  // a pong that nobody asked for
        }
    }

    // Collects the fragments of a message and gives the whole to the module. Most messages have one fragment.
    bool on_fragment(const Frame &frame) {
        const bool continues = frame.opcode == Opcode::Continuation;
        if (continues != in_message_) {
            return refuse(CloseCode::ProtocolError);
        }
        if (message_.size() + frame.payload.size() > websocket::kMaxMessage) {
            return refuse(CloseCode::TooBig);
        }
        if (!continues) {
            message_opcode_ = frame.opcode;
        }
        message_ += frame.payload;
        in_message_ = !frame.final;
        if (in_message_) {
            return true;
        }
        const bool answered = handler_.worker_message(socket_, message_opcode_, message_.data(), message_.size());
        message_.clear();
        return answered;
    }

    const int socket_;
    const Handler &handler_;
    bool upgraded_ = false;  // the handshake is done
    std::string input_;      // received and not yet used
    bool in_message_ = false;
    Opcode message_opcode_ = Opcode::Text;
    std::string message_;  // the fragments so far
};

// One worker thread and the connections that it serves.
class Worker {
  public:
    // `all_ready` is passed once every worker has run the module's hook.
    Worker(int number, const Handler &handler, pthread_barrier_t &all_ready)
        : number_(number),
          handler_(handler),
          all_ready_(all_ready),
          epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
          stop_(check(eventfd(0, EFD_CLOEXEC), "eventfd")) {
        watch(epoll_, stop_);
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, kThreadStack);
        const int error = pthread_create(&thread_, &attributes, thread_main, this);
        pthread_attr_destroy(&attributes);
        if (error != 0) {
            fail("pthread_create", strerror(error));
        }
    }

    Worker(const Worker &) = delete;
    Worker &operator=(const Worker &) = delete;

    // Ends the thread and waits for it.
    ~Worker() {
        check(eventfd_write(stop_, 1), "eventfd_write");
        pthread_join(thread_, nullptr);
        close(stop_);
        close(epoll_);
    }

    // Hands over a connection that was just accepted. Called on the main thread.
    void adopt(int socket) {
        watch(epoll_, socket);
    }

  private:
    static void *thread_main(void *worker) {
        static_cast<Worker *>(worker)->run();
        return nullptr;
    }

    void run() {
        pthread_setname_np(pthread_self(), ("php-worker-" + std::to_string(number_)).c_str());
        handler_.worker_startup(number_);
        pthread_barrier_wait(&all_ready_);
        for (;;) {
            epoll_event event;
            if (epoll_wait(epoll_, &event, 1, -1) != 1) {
                continue;  // interrupted
            }
            if (event.data.fd == stop_) {
                break;
            }
            serve(event.data.fd);
        }
        connections_.clear();
        handler_.worker_shutdown();
    }

    void serve(int socket) {
        Connection &connection = connections_.try_emplace(socket, socket, handler_).first->second;
        if (!connection.on_readable()) {
            connections_.erase(socket);  // closes the socket, which takes it out of the epoll set
        }
    }

    const int number_;
    const Handler &handler_;
    pthread_barrier_t &all_ready_;
    const int epoll_;
    const int stop_;
    pthread_t thread_;
    std::unordered_map<int, Connection> connections_;  // by socket; used by the worker's thread only
};

// A socket that listens on a free port of 127.0.0.1.
int listen_locally(int &port) {
    const int listener = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    check(bind(listener, reinterpret_cast<sockaddr *>(&address), length), "bind");
    check(listen(listener, 128), "listen");
    check(getsockname(listener, reinterpret_cast<sockaddr *>(&address), &length), "getsockname");
    port = ntohs(address.sin_port);
    return listener;
}

// A descriptor that becomes readable at SIGINT or SIGTERM. Called before the threads start: they inherit the mask.
int watch_for_the_end() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return check(signalfd(-1, &signals, SFD_CLOEXEC), "signalfd");
}

// Gives each new connection to the next worker, until `the_end` is readable.
void accept_connections(int listener, int the_end, std::vector<std::unique_ptr<Worker>> &workers) {
    const int epoll = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    watch(epoll, listener);
    watch(epoll, the_end);
    for (size_t next = 0;;) {
        epoll_event event;
        if (epoll_wait(epoll, &event, 1, -1) != 1) {
            continue;  // interrupted
        }
        if (event.data.fd == the_end) {
            break;
        }
        const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) {
            continue;  // the client has gone already
        }
        const timeval timeout{kSendTimeout, 0};
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
        workers[next]->adopt(connection);
        next = (next + 1) % workers.size();
    }
    close(epoll);
}

// Written under another name first: whoever waits for the file finds all of it or nothing.
void write_ready_file(const std::string &path, int port) {
    const std::string unfinished = path + ".new";
    FILE *file = fopen(unfinished.c_str(), "w");
    if (file == nullptr || fprintf(file, "%d %d\n", port, static_cast<int>(getpid())) < 0 || fclose(file) != 0) {
        fail(unfinished.c_str(), strerror(errno));
    }
    check(rename(unfinished.c_str(), path.c_str()), path.c_str());
}

// The folder of the executable.
std::string own_folder() {
    char path[4096];
    const int length = check(static_cast<int>(readlink("/proc/self/exe", path, sizeof path)), "/proc/self/exe");
    const std::string executable(path, static_cast<size_t>(length));
    return executable.substr(0, executable.rfind('/'));
}

}  // namespace

int main(int argc, char **argv) {
    bool fixed = false;
    std::string ready_file;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--fixed") {
            fixed = true;
        } else if (argument == "--ready-file" && i + 1 < argc) {
            ready_file = argv[++i];
        } else {
            fprintf(stderr, "usage: server [--fixed] [--ready-file FILE]\n");
            return 2;
        }
    }

    const int the_end = watch_for_the_end();
    int port = 0;
    const int listener = listen_locally(port);

    const Handler handler(own_folder() + "/swoole_websocket.so");
    handler.startup(fixed);

    pthread_barrier_t all_ready;
    pthread_barrier_init(&all_ready, nullptr, kWorkers + 1);
    std::vector<std::unique_ptr<Worker>> workers;
    for (int number = 1; number <= kWorkers; ++number) {
        workers.push_back(std::make_unique<Worker>(number, handler, all_ready));
    }
    pthread_barrier_wait(&all_ready);

    printf("listening on 127.0.0.1:%d with %d worker threads\n", port, kWorkers);
    fflush(stdout);
    if (!ready_file.empty()) {
        write_ready_file(ready_file, port);
    }

    accept_connections(listener, the_end, workers);
    workers.clear();
    handler.shutdown();
    close(listener);
    return 0;
}
