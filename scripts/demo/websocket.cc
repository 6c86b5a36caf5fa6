#include "websocket.h"

#include <strings.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace websocket {

namespace {

uint32_t rotate_left(uint32_t word, int bits) {
    return (word << bits) | (word >> (32 - bits));
}

using Digest = std::array<uint8_t, 20>;

// SHA-1 (RFC 3174). The handshake wants it as a proof that the server speaks the protocol; no secret depends on it.
Digest sha1(std::string message) {
    const uint64_t bit_count = uint64_t{message.size()} * 8;
    message.push_back('\x80');
    message.append((120 - message.size() % 64) % 64, '\0');
    for (int shift = 56; shift >= 0; shift -= 8) {
        message.push_back(static_cast<char>(bit_count >> shift));
    }

    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    for (size_t block = 0; block < message.size(); block += 64) {
        uint32_t words[80];
        for (int i = 0; i < 16; ++i) {
            words[i] = 0;
            for (int byte = 0; byte < 4; ++byte) {
                words[i] = words[i] << 8 | static_cast<uint8_t>(message[block + i * 4 + byte]);
            }
        }
        for (int i = 16; i < 80; ++i) {
            words[i] = rotate_left(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
        }
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
        for (int i = 0; i < 80; ++i) {
            uint32_t mix, constant;
            if (i < 20) {
                mix = (b & c) | (~b & d);
                constant = 0x5a827999;
            } else if (i < 40) {
                mix = b ^ c ^ d;
                constant = 0x6ed9eba1;
            } else if (i < 60) {
                mix = (b & c) | (b & d) | (c & d);
                constant = 0x8f1bbcdc;
            } else {
                mix = b ^ c ^ d;
                constant = 0xca62c1d6;
            }
            const uint32_t next = rotate_left(a, 5) + mix + e + constant + words[i];
            e = d;
            d = c;
            c = rotate_left(b, 30);
            b = a;
            a = next;
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
    }

    Digest digest;
    for (size_t i = 0; i < digest.size(); ++i) {
        digest[i] = static_cast<uint8_t>(state[i / 4] >> (24 - i % 4 * 8));
    }
    return digest;
}

std::string base64(const Digest &bytes) {
    static const char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
        uint32_t group = 0;
        for (size_t byte = 0; byte < 3; ++byte) {
            group = group << 8 | (byte < count ? bytes[i + byte] : 0u);
        }
        for (size_t digit = 0; digit < 4; ++digit) {
            text.push_back(digit <= count ? kAlphabet[group >> (18 - 6 * digit) & 63] : '=');
        }
    }
    return text;
}

bool same_text(std::string_view one, std::string_view other) {
    return one.size() == other.size() && strncasecmp(one.data(), other.data(), one.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Cuts `text` at the first separator, returns the part before it and leaves the rest.
std::string_view take_until(std::string_view &text, std::string_view separator) {
    const size_t end = text.find(separator);
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + separator.size());
    return part;
}

// The value of an HTTP header, empty if it is not there. `headers` starts after the request line.
std::string_view header_value(std::string_view headers, std::string_view name) {
    while (!headers.empty()) {
        std::string_view line = take_until(headers, "\r\n");
        if (same_text(take_until(line, ":"), name)) {
            return trimmed(line);
        }
    }
    return {};
}

// Whether a comma-separated header, such as "Connection: keep-alive, Upgrade", has this word.
bool has_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        if (same_text(trimmed(take_until(list, ",")), word)) {
            return true;
        }
    }
    return false;
}

bool is_known(Opcode opcode) {
    switch (opcode) {
        case Opcode::Continuation:
        case Opcode::Text:
        case Opcode::Binary:
        case Opcode::Close:
        case Opcode::Ping:
        case Opcode::Pong:
            return true;
    }
    return false;
}

uint64_t big_endian(std::string_view bytes) {
    uint64_t number = 0;
    for (const char byte : bytes) {
        number = number << 8 | static_cast<uint8_t>(byte);
    }
    return number;
}

}  // namespace

HandshakeAnswer answer_handshake(std::string_view request) {
    std::string_view headers = request;
    const std::string_view request_line = take_until(headers, "\r\n");
    const std::string_view key = header_value(headers, "Sec-WebSocket-Key");
    const bool asks = request_line.substr(0, 4) == "GET " && has_word(header_value(headers, "Upgrade"), "websocket") &&
                      has_word(header_value(headers, "Connection"), "Upgrade") && key.size() == 24;
    if (!asks) {
        return {false, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"};
    }
    if (header_value(headers, "Sec-WebSocket-Version") != "13") {
        return {false,
                "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\n"
                "Connection: close\r\nContent-Length: 0\r\n\r\n"};
    }
    const std::string proof = base64(sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    return {true,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: " + proof + "\r\n\r\n"};
}

ParseResult parse_frame(std::string_view input, Frame &frame, size_t &consumed) {
    if (input.size() < 2) {
        return ParseResult::Incomplete;
    }
    const uint8_t first = static_cast<uint8_t>(input[0]);
    const uint8_t second = static_cast<uint8_t>(input[1]);
    const bool final = first & 0x80;
    const bool reserved = first & 0x70;
    const bool masked = second & 0x80;
    const Opcode opcode{static_cast<uint8_t>(first & 0x0f)};
    const uint8_t short_length = second & 0x7f;
    if (reserved || !masked || !is_known(opcode)) {
        return ParseResult::ProtocolError;
    }
    if (is_control(opcode) && (!final || short_length > kMaxControl)) {
        return ParseResult::ProtocolError;
    }

    const size_t extra = short_length == 127 ? 8 : short_length == 126 ? 2 : 0;
    if (input.size() < 2 + extra) {
        return ParseResult::Incomplete;
    }
    const uint64_t length = extra == 0 ? short_length : big_endian(input.substr(2, extra));
    if (length > kMaxMessage) {
        return ParseResult::TooBig;
    }
    const size_t payload_at = 2 + extra + 4;
    if (input.size() < payload_at + length) {
        return ParseResult::Incomplete;
    }

    const std::string_view mask = input.substr(2 + extra, 4);
    frame = {final, opcode, std::string(input.substr(payload_at, length))};
    for (size_t i = 0; i < length; ++i) {
        frame.payload[i] = static_cast<char>(frame.payload[i] ^ mask[i % 4]);
    }
    consumed = payload_at + length;
    return ParseResult::Complete;
}

FrameHeader::FrameHeader(Opcode opcode, size_t payload_length) : length(2) {
    bytes[0] = static_cast<uint8_t>(0x80 | static_cast<uint8_t>(opcode));
    const int extra = payload_length <= 125 ? 0 : payload_length <= 0xffff ? 2 : 8;
    bytes[1] = static_cast<uint8_t>(extra == 0 ? payload_length : extra == 2 ? 126 : 127);
    for (int shift = (extra - 1) * 8; shift >= 0; shift -= 8) {
        bytes[length++] = static_cast<uint8_t>(uint64_t{payload_length} >> shift);
    }
}

std::string make_frame(Opcode opcode, std::string_view payload) {
    const FrameHeader header(opcode, payload.size());
    std::string frame(reinterpret_cast<const char *>(header.bytes), header.length);
    return frame.append(payload);
}

std::string make_close_frame(CloseCode code) {
    const uint16_t number = static_cast<uint16_t>(code);
    const char payload[2] = {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
    return make_frame(Opcode::Close, {payload, sizeof payload});
}

bool send_all(int socket, const void *data, size_t length) {
    const char *next = static_cast<const char *>(data);
    while (length > 0) {
        const ssize_t sent = send(socket, next, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        next += sent;
        length -= static_cast<size_t>(sent);
    }
    return true;
}

}  // namespace websocket
