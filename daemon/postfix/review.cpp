#include "postfix/review.hpp"

#include <unistd.h>

#include <algorithm>

#include "definitions/logical_lines.hpp"
#include "host/offload.hpp"
#include "postfix/draft.hpp"
#include "postfix/instance.hpp"

namespace postmultid::postfix {

using definitions::Definition;
using model::Result;

namespace {

// service, type, private, unprivileged, chroot, wakeup, process limit, command
constexpr std::size_t kCommand = 7;

asio::awaitable<Result<std::string>> value_of(Tools& tools, std::string parameter) {
  auto value = co_await tools.postconf(words("-h", std::move(parameter)));
  if (value) value->resize(std::min(value->find('\n'), value->size()));
  co_return value;
}

/// What is wrong with many instances is told once.
void add(std::vector<std::string>& all, const std::string& one) {
  if (std::ranges::find(all, one) == all.end()) all.push_back(one);
}

std::vector<const definitions::Instance*> instances_of(const Definition& definition) {
  std::vector<const definitions::Instance*> all;
  if (definition.primary) all.push_back(&*definition.primary);
  for (const definitions::Instance& each : definition.instances) all.push_back(&each);
  return all;
}

}  // namespace

asio::awaitable<Result<Review>> review(Tools& tools, Definition definition) {
  auto primary = co_await value_of(tools, "config_directory");
  if (!primary) co_return std::unexpected(primary.error());
  auto programs = co_await value_of(tools, "daemon_directory");
  if (!programs) co_return std::unexpected(programs.error());
  auto fresh = co_await files_of_new_instance(tools, *primary);
  if (!fresh) co_return std::unexpected(fresh.error());
  Review review;
  for (const definitions::Instance* instance : instances_of(definition)) {
    Wanted wanted;
    wanted.configuration = definition.configuration_of(*instance);
    auto made = co_await draft(tools, *fresh, wanted);
    if (!made) {
      bool placed = made.error().message.starts_with('/');
      add(review.mistakes, placed ? made.error().message : instance->name.place.text() + ": " + made.error().message);
      continue;
    }
    for (const std::string& warning : made->warnings) add(review.warnings, warning);
    auto look = [master_cf = wanted.configuration.master_cf, directory = *programs] {
      return without_program(master_cf, directory);
    };
    for (const std::string& warning : co_await host::offload(tools.pool(), std::move(look)))
      add(review.warnings, warning);
  }
  co_return review;
}

std::vector<std::string> without_program(const definitions::PostfixText& master_cf,
                                         const std::string& daemon_directory) {
  std::vector<std::string> warnings;
  for (const definitions::LogicalLine& line : definitions::logical_lines(master_cf.text)) {
    auto fields = split_words(line.text);
    if (fields.size() <= kCommand || line.first >= master_cf.lines.size()) continue;
    std::string program = daemon_directory + "/" + fields[kCommand];
    if (::access(program.c_str(), X_OK) != 0)
      warnings.push_back(master_cf.lines[line.first].text() + ": " + fields[0] + "/" + fields[1] +
                         " has no program: there is no " + program);
  }
  return warnings;
}

}  // namespace postmultid::postfix
