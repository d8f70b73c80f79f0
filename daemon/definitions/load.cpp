#include "definitions/load.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <tuple>

#include "definitions/check.hpp"
#include "definitions/decode.hpp"
#include "definitions/merge.hpp"
#include "definitions/text.hpp"
#include "definitions/tree.hpp"

namespace postmultid::definitions {

namespace {

namespace fs = std::filesystem;

Complaint about(const std::string& file, const std::error_code& error) { return {{file}, error.message()}; }

std::error_code last_error() { return {errno, std::generic_category()}; }

/// The file's text, but not more of it than is needed to see that it is too large.
std::expected<std::string, Complaint> read(const std::string& file) {
  std::error_code error;
  // A named pipe would be waited for.
  if (auto status = fs::status(file, error); !error && !fs::is_regular_file(status))
    return std::unexpected(Complaint{{file}, "is not a regular file"});
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "re"), &std::fclose);
  if (!stream) return std::unexpected(about(file, last_error()));
  std::string text(kLargestFile + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stream.get()));
  if (std::ferror(stream.get())) return std::unexpected(about(file, last_error()));
  return text;
}

/// The main file, if it exists or cannot even be asked for, then those of conf.d.
std::vector<std::string> files_of(const std::string& main_file, Complaints& complaints) {
  std::vector<std::string> parts;
  std::error_code error;
  fs::path directory = fs::path(main_file).parent_path() / "conf.d";
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename();
    if (name.ends_with(".yaml") && !name.starts_with('.')) parts.push_back(entry->path());
  }
  if (error && error != std::errc::no_such_file_or_directory) complaints.push_back(about(directory, error));
  std::sort(parts.begin(), parts.end());
  if (fs::symlink_status(main_file, error).type() != fs::file_type::not_found) parts.insert(parts.begin(), main_file);
  return parts;
}

void append(Complaints& complaints, const Complaints& further) {
  complaints.insert(complaints.end(), further.begin(), further.end());
}

/// As somebody goes through them with an editor: file by file, from the top of each.
std::unexpected<Complaints> refusal(Complaints complaints, const std::vector<Source>& sources) {
  std::map<std::string, std::size_t> read_as;
  for (const Source& source : sources) read_as.emplace(source.file, read_as.size());
  auto position = [&](const Complaint& complaint) {
    const Place& place = complaint.place;
    return std::tie(read_as[place.file], place.line, place.column, complaint.message);
  };
  std::sort(complaints.begin(), complaints.end(),
            [&](const Complaint& a, const Complaint& b) { return position(a) < position(b); });
  return std::unexpected(std::move(complaints));
}

}  // namespace

std::expected<Definition, Complaints> load_sources(const std::vector<Source>& sources) {
  Complaints complaints;
  Node whole{.kind = Kind::map};
  std::vector<Definition> each;
  for (const Source& source : sources) {
    auto root = parse(source.file, source.text);
    if (!root) {
      append(complaints, root.error());
      continue;
    }
    each.push_back(decode(*root, complaints));
    refuse_duplicates(*root, complaints);
    if (source.main && root->kind == Kind::map && !root->find("version"))
      complaints.push_back({root->place, "\"version: 1\" is missing"});
    merge(whole, std::move(*root));
  }
  if (!complaints.empty()) return refusal(std::move(complaints), sources);

  Definition definition = decode(whole, complaints);
  for (const Definition& file : each) lay_over(definition, file);
  for (const Source& source : sources) definition.files.push_back(source.file);
  check(definition, complaints);
  if (!complaints.empty()) return refusal(std::move(complaints), sources);
  return definition;
}

std::expected<Definition, Complaints> load_text(const std::string& file, const std::string& text) {
  return load_sources({{file, text, true}});
}

std::expected<Definition, Complaints> load(const std::string& main_file) {
  Complaints complaints;
  std::vector<Source> sources;
  for (const std::string& file : files_of(main_file, complaints)) {
    if (auto text = read(file))
      sources.push_back({file, std::move(*text), file == main_file});
    else
      complaints.push_back(text.error());
  }
  auto definition = load_sources(sources);
  if (!definition) append(complaints, definition.error());
  if (!complaints.empty()) return std::unexpected(complaints);
  return definition;
}

}  // namespace postmultid::definitions
