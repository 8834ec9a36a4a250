// terminal.h: what a terminal is shown and a file is not: colour and progress.
#pragma once

#include <string>
#include <string_view>

// Colours for what is written to a descriptor: only where it is a terminal that has them, and
// NO_COLOR (no-color.org) is not set.
class Style {
 public:
  explicit Style(int descriptor);

  std::string good(std::string_view text) const { return in("32", text); }
  std::string bad(std::string_view text) const { return in("1;31", text); }
  std::string doubtful(std::string_view text) const { return in("33", text); }
  std::string faint(std::string_view text) const { return in("2", text); }
  std::string strong(std::string_view text) const { return in("1", text); }

 private:
  std::string in(const char* code, std::string_view text) const;

  bool on_;
};

// A line on standard error about what goes on, where that is a terminal. It goes with the object.
class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const std::string& what);

 private:
  bool on_;
};

// Text of a peer, which may hold anything: control bytes and what is not ASCII become \xNN, so that
// it can neither steer the terminal nor break a line.
std::string printable(std::string_view text);

// Whether text of the user's locale is UTF-8, for lines that are drawn.
bool draws_in_unicode();
