// The WebSocket protocol (RFC 6455), the server's side: the opening handshake and the frames. No sockets are read here.
//
// Left out: extensions, subprotocols, and the check that text is UTF-8 (an echo gives back what it was given).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace websocket {

constexpr size_t kMaxRequest = 8 * 1024;    // bytes of HTTP request before the client is sent away
constexpr size_t kMaxMessage = 256 * 1024;  // bytes of payload, over all fragments of a message
constexpr size_t kMaxControl = 125;         // bytes of payload in ping, pong and close (RFC 6455, 5.5)

enum class Opcode : uint8_t { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };

// RFC 6455, 7.4.1
enum class CloseCode : uint16_t { ProtocolError = 1002, TooBig = 1009 };

// A close, ping or pong: never fragmented, and allowed between the fragments of a message.
inline bool is_control(Opcode opcode) {
    return static_cast<uint8_t>(opcode) >= static_cast<uint8_t>(Opcode::Close);
}

// The answer to an HTTP request that asks for a WebSocket.
struct HandshakeAnswer {
    bool accepted;
    std::string response;  // to be sent in either case
};

// Answers a complete request, that is, everything up to and with the empty line.
HandshakeAnswer answer_handshake(std::string_view request);

// One frame from a client, unmasked.
struct Frame {
    bool final;  // the last fragment of its message, or the only one
    Opcode opcode;
    std::string payload;
};

enum class ParseResult { Complete, Incomplete, ProtocolError, TooBig };

// Reads the frame at the start of `input`. Only when Complete, `frame` is filled and `consumed` is its size in bytes.
// A frame that breaks a rule or a limit is refused on its header alone: its payload is never waited for.
ParseResult parse_frame(std::string_view input, Frame &frame, size_t &consumed);

// The header of an unfragmented frame from the server. A server never masks.
struct FrameHeader {
    FrameHeader(Opcode opcode, size_t payload_length);

    uint8_t bytes[10];
    size_t length;
};

// A whole frame.
std::string make_frame(Opcode opcode, std::string_view payload);

// A close frame that says why.
std::string make_close_frame(CloseCode code);

// Sends everything, or returns false.
bool send_all(int socket, const void *data, size_t length);

}  // namespace websocket
