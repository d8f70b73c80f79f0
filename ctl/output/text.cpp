#include "output/text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace postmultid::ctl {

namespace {

/// The cells that a text takes on the screen (fmt counts them so when it pads).
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string human(std::chrono::system_clock::duration duration) {
  auto seconds = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(duration).count());
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{} d {} h", seconds / 86400, seconds % 86400 / 3600);
}

std::string since(model::WallTime time) { return human(std::chrono::system_clock::now() - time); }

std::string clock(model::WallTime time) {
  auto local = fmt::localtime(std::chrono::system_clock::to_time_t(time));
  auto today = fmt::localtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  bool same_day = local.tm_year == today.tm_year && local.tm_yday == today.tm_yday;
  return same_day ? fmt::format("{:%H:%M:%S}", local) : fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

std::vector<std::string> lay_out(const std::vector<Column>& columns,
                                 const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::size_t widest = width(columns[i].title);
    for (const auto& row : rows) widest = std::max(widest, width(row[i]));
    widths.push_back(widest);
  }
  std::vector<std::string> lines;
  auto add = [&](auto&& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string& cell = cell_of(i);
      std::string padding(widths[i] - width(cell), ' ');
      line += (i ? "  " : "") + (columns[i].right ? padding + cell : cell + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  };
  add([&](std::size_t i) -> const std::string& { return columns[i].title; });
  for (const auto& row : rows) add([&](std::size_t i) -> const std::string& { return row[i]; });
  return lines;
}

}  // namespace postmultid::ctl
