// What all servers and clients in C++ share: the command line, and the protocol that README.md
// describes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace bench {

enum class Work : std::uint8_t {
  echo = 'E',      // from here on everything comes back
  upload = 'U',    // `count` bytes come, then one is answered
  download = 'D',  // `count` bytes are wanted, in writes of `size`
  stream = 'S',    // `count` messages of `size` bytes are wanted, each a write of its own
  batches = 'V',   // the same, but a write may be of several, where there is such a call
  idle = 'I'       // one byte is answered
};

struct Command {
  static constexpr std::size_t size_on_wire = 16;

  Work work{};
  std::uint32_t size = 0;
  std::uint64_t count = 0;

  // The numbers are little endian, as is every machine that this is meant for.
  static Command parse(const void* wire) {
    Command command;
    const auto* bytes = static_cast<const unsigned char*>(wire);
    command.work = static_cast<Work>(bytes[0]);
    std::memcpy(&command.size, bytes + 4, sizeof command.size);
    std::memcpy(&command.count, bytes + 8, sizeof command.count);
    if (command.size > buffer_size) throw std::runtime_error("a write of that size is too large");
    return command;
  }
  void write(void* wire) const {
    auto* bytes = static_cast<unsigned char*>(wire);
    std::memset(bytes, 0, size_on_wire);
    bytes[0] = static_cast<unsigned char>(work);
    std::memcpy(bytes + 4, &size, sizeof size);
    std::memcpy(bytes + 8, &count, sizeof count);
  }

  // How many messages a write of `batches` has.
  static constexpr std::size_t batch = 64;
  // Of reads, and the most that one write takes. Made when a connection gets its first work.
  static constexpr std::size_t buffer_size = 64 << 10;
};

struct Options {
  std::string directory;
  unsigned loops = 1;
  std::string mode;        // a variant of the program, where it has any
  std::uint16_t port = 0;  // clients: where the server is
  bool strict = false;     // clients look at every byte that comes; neutral servers: epoll_server.h

  std::string file(const char* name) const { return directory + "/" + name; }

  static Options parse(int count, char** arguments) {
    Options options;
    for (int i = 1; i + 1 < count; i += 2) {
      const std::string name = arguments[i];
      if (name == "--dir")
        options.directory = arguments[i + 1];
      else if (name == "--loops")
        options.loops = static_cast<unsigned>(std::atoi(arguments[i + 1]));
      else if (name == "--mode")
        options.mode = arguments[i + 1];
      else if (name == "--port")
        options.port = static_cast<std::uint16_t>(std::atoi(arguments[i + 1]));
      else if (name == "--strict")
        options.strict = std::atoi(arguments[i + 1]) != 0;
      else
        options.directory.clear();
    }
    if (options.directory.empty() || count % 2 == 0) {
      std::fprintf(stderr,
                   "usage: %s --dir CERTDIR [--loops N] [--mode MODE] [--port N] [--strict 1]\n",
                   arguments[0]);
      std::exit(2);
    }
    return options;
  }
};

inline void announce(std::uint16_t port) {
  std::printf("port %u\n", static_cast<unsigned>(port));
  std::fflush(stdout);
}

}  // namespace bench
