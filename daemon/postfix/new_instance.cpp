#include "postfix/new_instance.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "postfix/footprint.hpp"

namespace postmultid::postfix {

namespace {

const std::string kPrefix = "postfix-";
// Its script does not quote what it is given, and lists are split at blanks and commas.
const std::string kFurther = "!@%-_=+:.";

std::string in_quotes(const std::string& text) { return "\"" + text + "\""; }

std::string wrong_character(const std::string& text, const std::string& further) {
  auto fits = [&](unsigned char c) { return c < 128 && (std::isalnum(c) || further.find(c) != std::string::npos); };
  if (std::ranges::all_of(text, fits)) return "";
  return in_quotes(text) + " has a character that is none of letters, digits and " + further;
}

std::string without_slashes_at_the_end(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

std::string beside(const std::string& path, const std::string& name) {
  return std::filesystem::path(path).parent_path() / name;
}

std::string unfit_directory(const std::string& what, const std::string& path) {
  if (path.empty()) return what + " is not said; without a name of the instance it has to be";
  if (!path.starts_with('/') || path == "/")
    return what + " = " + path + " is no absolute path of a directory of its own";
  if (std::string normal = std::filesystem::path(path).lexically_normal(); path != normal)
    return what + " = " + path + ": write " + normal;
  std::string wrong = wrong_character(path, kFurther + "/");
  return wrong.empty() ? "" : what + ": " + wrong;
}

std::vector<std::pair<std::string, std::string>> directories(const NewInstance& one) {
  return {{"config_directory", one.config_directory},
          {"queue_directory", one.queue_directory},
          {"data_directory", one.data_directory}};
}

}  // namespace

NewInstance completed(NewInstance wanted, const Instance& primary) {
  for (auto [path, of_primary] : {std::pair(&wanted.config_directory, &primary.config_directory),
                                  std::pair(&wanted.queue_directory, &primary.queue_directory),
                                  std::pair(&wanted.data_directory, &primary.data_directory)}) {
    if (path->empty() && !wanted.name.empty()) *path = beside(*of_primary, wanted.name);
    *path = without_slashes_at_the_end(std::move(*path));
  }
  return wanted;
}

Listed as_listed(const NewInstance& made) {
  Listed listed;
  listed.instance.id = {made.name.empty() ? made.config_directory : made.name};
  listed.instance.name = made.name;
  listed.instance.group = made.group;
  listed.instance.config_directory = made.config_directory;
  listed.instance.queue_directory = made.queue_directory;
  listed.instance.data_directory = made.data_directory;
  return listed;
}

std::string unfit_name(const std::string& name) {
  if (!name.starts_with(kPrefix) || name.size() == kPrefix.size())
    return "an instance's name begins with \"postfix-\": " + in_quotes(kPrefix + name);
  return wrong_character(name, kFurther);
}

std::string unfit_group(const std::string& group) { return wrong_character(group, kFurther + "/"); }

std::string taken_name(const std::vector<Listed>& present, const std::string& name, const std::string& but_directory) {
  for (const Listed& entry : present) {
    const Instance& other = entry.instance;
    if (other.name == name && other.config_directory != but_directory)
      return "the name " + name + " is that of " + other.config_directory + " already";
  }
  return "";
}

namespace {

using Taken = std::vector<std::pair<std::string, std::string>>;  // directory, whose

/// `shared`: those of Postfix's own programs and files.
Taken taken_directories(const std::vector<Listed>& present, const std::vector<std::string>& shared) {
  Taken taken;
  for (const std::string& directory : shared)
    taken.emplace_back(canonical(directory), "Postfix's own programs and files");
  for (const Listed& entry : present)
    for (const std::string& directory :
         {entry.instance.config_directory, entry.instance.queue_directory, entry.instance.data_directory})
      if (!directory.empty()) taken.emplace_back(canonical(directory), entry.instance.id.text);
  return taken;
}

bool is_within(const std::string& path, const std::string& directory) { return path.starts_with(directory + "/"); }

/// Something is there that is no mount point's and that `is_ours` does not know.
template <typename Known>
std::string stranger_in(const std::string& directory, Known is_ours) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    if (entry.path().filename() != "lost+found" && !is_ours(entry)) return entry.path();
  return "";
}

std::optional<uid_t> owner_of(const std::string& path) {
  struct stat there {};
  return ::stat(path.c_str(), &there) == 0 ? std::optional(there.st_uid) : std::nullopt;
}

}  // namespace

std::string unfit_place(const NewInstance& wanted, const std::vector<Listed>& present,
                        const std::vector<std::string>& shared) {
  Taken taken = taken_directories(present, shared);
  for (const auto& [what, path] : directories(wanted)) {
    std::string real = canonical(path);
    for (const auto& [directory, whose] : taken) {
      if (is_within(real, directory))
        return what + " = " + path + " is within " + directory + ", which is in use by " + whose;
      if (is_within(directory, real))
        return what + " = " + path + " has " + directory + " in it, which is in use by " + whose;
    }
  }
  // Those of an instance that was there before may be taken again: a queue with mail, by its names; data, by its owner.
  auto is_queue = [](const auto& entry) {
    std::string name = entry.path().filename();
    return std::ranges::find(kMailQueues, name) != std::end(kMailQueues) ||
           std::ranges::find(kOtherQueueDirectories, name) != std::end(kOtherQueueDirectories);
  };
  auto owner = owner_of(present.front().instance.data_directory);
  auto is_data = [&](const auto& entry) { return owner && owner_of(entry.path()) == owner; };
  std::string stranger = stranger_in(wanted.queue_directory, is_queue);
  if (stranger.empty()) stranger = stranger_in(wanted.data_directory, is_data);
  if (stranger.empty()) return "";
  return stranger + " is there, and no instance's: its directories have to be its own; choose others, or move it away";
}

std::string unfit(const NewInstance& wanted, const std::vector<Listed>& present,
                  const std::vector<std::string>& shared) {
  if (!wanted.name.empty())
    for (std::string wrong : {unfit_name(wanted.name), taken_name(present, wanted.name)})
      if (!wrong.empty()) return wrong;
  if (std::string wrong = unfit_group(wanted.group); !wrong.empty()) return wrong;
  Taken taken = taken_directories(present, shared);
  for (const auto& [what, path] : directories(wanted)) {
    if (std::string wrong = unfit_directory(what, path); !wrong.empty()) return wrong;
    std::string real = canonical(path);
    auto same = std::ranges::find(taken, real, &Taken::value_type::first);
    if (same != taken.end()) return what + " = " + path + " is in use already, by " + same->second;
    taken.emplace_back(real, "itself");
  }
  using enum Position::Where;
  const Position& position = wanted.position;
  auto is_that = [&](const Listed& entry) { return entry.instance.config_directory == position.directory; };
  if ((position.where == before || position.where == after) && std::ranges::none_of(present, is_that))
    return "no instance in " + position.directory + " to stand beside";
  if (position.where == before && is_that(present.front())) return "nobody stands before the primary";
  return "";
}

std::vector<std::string> secondaries(const std::vector<Listed>& present) {
  std::vector<std::string> list;
  for (const Listed& entry : present)
    if (!entry.instance.primary) list.push_back(entry.instance.config_directory);
  return list;
}

std::vector<std::string> with(const NewInstance& wanted, const std::vector<Listed>& present) {
  using enum Position::Where;
  std::vector<std::string> list = secondaries(present);
  const Position& position = wanted.position;
  auto at = position.where == last ? list.end() : list.begin();
  auto beside = std::ranges::find(list, position.directory);
  if (position.where == before) at = beside;
  if (position.where == after && beside != list.end()) at = std::next(beside);
  list.insert(at, wanted.config_directory);
  return list;
}

}  // namespace postmultid::postfix
