// A name typed by a person, or put into a URL by anybody. The input: the name, then a line for each member
// with its name and its configuration directory, if that follows behind a blank.
#include <algorithm>

#include "control/message.hpp"
#include "fuzz.hpp"
#include "model/names.hpp"
#include "model/selection.hpp"

using namespace postmultid;

namespace {

model::Status status_of(std::string text) {
  model::Status status;
  while (!text.empty() && status.members.size() < 8) {
    std::string line = fuzz::take_line(text);
    std::size_t blank = line.find(' ');
    model::Member member;
    member.name = line.substr(0, blank);
    member.config_directory = blank == std::string::npos ? "/etc/" + member.name : line.substr(blank + 1);
    member.id.text = member.name.empty() ? member.config_directory : member.name;
    if (member.id.text.empty()) continue;  // every instance has a directory
    member.primary = status.members.empty();
    status.members.push_back(std::move(member));
  }
  return status;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text = fuzz::text_of(data, size);
  std::string typed = fuzz::take_line(text);
  model::Status status = status_of(text);

  auto found = model::find(status, typed);
  if (!found) fuzz::always(!control::refuse(found.error()).body.empty(), "a name that is not found can be answered");

  std::vector<std::string> candidates;
  for (const model::Member& member : status.members) {
    candidates.push_back(member.id.text);
    auto itself = model::find(status, member.id.text);
    fuzz::always(itself.has_value() || member.id.text.starts_with('/'), "a member is found by its id");
  }
  if (auto near = model::nearest(candidates, typed))
    fuzz::always(std::find(candidates.begin(), candidates.end(), *near) != candidates.end(),
                 "the nearest is a candidate");
  for (const std::string& candidate : candidates) {
    auto near = model::nearest(candidates, candidate);
    fuzz::always(near && (*near == candidate || "postfix-" + candidate == *near), "nothing is nearer than itself");
  }
  return 0;
}
