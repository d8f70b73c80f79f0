// Small pieces of text: durations, times, tables.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "model/status.hpp"

namespace postmultid::ctl {

/// "3 s", "6 min", "2 h 5 min", "3 d 4 h": as exact as a person wants it.
std::string human(std::chrono::system_clock::duration duration);

/// How long ago; "0 s" for what lies in the future.
std::string since(model::WallTime time);

/// "14:05:41" of today, "2026-11-22 14:05:41" of another day; local time.
std::string clock(model::WallTime time);

struct Column {
  std::string title;
  bool right = false;  // numbers
};

/// Lines with columns as wide as their widest cell, two blanks between them, none at the end.
std::vector<std::string> lay_out(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows);

}  // namespace postmultid::ctl
