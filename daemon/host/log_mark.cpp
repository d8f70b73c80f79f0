#include "host/log_mark.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "host/fd.hpp"

namespace postmultid::host {

namespace {

// A log directory has tens of files.
constexpr int kMostNeighbours = 1000;

struct Opened {
  Fd fd;
  FileId file;
  std::uint64_t size = 0;
};

std::optional<Opened> open_regular(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) < 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return Opened{std::move(fd), {status.st_dev, status.st_ino}, static_cast<std::uint64_t>(status.st_size)};
}

/// Appends the whole lines between `begin` and the end, of the last `limit` bytes.
void read_lines(const Opened& opened, std::uint64_t begin, std::size_t limit, std::vector<std::string>& lines) {
  bool cut = opened.size > limit && opened.size - limit > begin;
  if (cut) begin = opened.size - limit;
  std::string text(opened.size > begin ? opened.size - begin : 0, '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    ssize_t more = ::pread(opened.fd.get(), text.data() + got, text.size() - got, static_cast<off_t>(begin + got));
    if (more <= 0) break;
    got += static_cast<std::size_t>(more);
  }
  text.resize(got);
  std::size_t last = text.rfind('\n');
  text.resize(last == std::string::npos ? 0 : last + 1);
  std::istringstream stream(text);
  std::string line;
  if (cut) std::getline(stream, line);
  while (std::getline(stream, line)) lines.push_back(std::move(line));
}

/// The file that was at this place, if it stands beside it under another name now: "mail.log.1", "mail.log-20261125".
std::optional<Opened> renamed(const FilePlace& place) {
  std::filesystem::path path(place.path);
  std::string name = path.filename();
  std::error_code error;
  int looked_at = 0;
  for (std::filesystem::directory_iterator each(path.parent_path(), error), end;
       !error && each != end && looked_at < kMostNeighbours; each.increment(error), ++looked_at) {
    std::string other = each->path().filename();
    if (other == name || !other.starts_with(name)) continue;
    if (auto opened = open_regular(each->path()); opened && opened->file == place.file) return opened;
  }
  return std::nullopt;
}

}  // namespace

FilePlace end_of(const std::string& path) {
  auto opened = open_regular(path);
  if (!opened) return {path, std::nullopt, 0};
  return {path, opened->file, opened->size};
}

std::vector<std::string> lines_since(const FilePlace& place, std::size_t limit) {
  std::vector<std::string> lines;
  auto now = open_regular(place.path);
  bool same = now && place.file == now->file;
  if (!same && place.file)
    if (auto before = renamed(place)) read_lines(*before, place.offset, limit, lines);
  if (now) read_lines(*now, same && place.offset <= now->size ? place.offset : 0, limit, lines);
  return lines;
}

}  // namespace postmultid::host
