// What the server and a handler module say to each other: the hooks that a module exports.
//
// The server opens the module with dlopen(), before it starts its threads, and calls the hooks in this order:
//
//     main thread       module_startup
//     each worker           worker_startup, worker_message (any number of times), worker_shutdown
//     main thread       module_shutdown
#pragma once

#include "websocket.h"

extern "C" {

// Called once for the process, on the main thread. `fixed`: run without the bug that the demo is about.
void module_startup(bool fixed);

// Called once on each worker thread, before its first message. Workers are numbered from 1.
void worker_startup(int number);

// Called on the worker thread that owns the connection, with one whole message. False: close the connection.
bool worker_message(int socket, websocket::Opcode opcode, const char *data, size_t length);

// Called once on each worker thread, after its last message.
void worker_shutdown();

// Called once for the process, on the main thread, when all workers have ended.
void module_shutdown();
}
