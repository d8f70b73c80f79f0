#include "postfix/settings.hpp"

#include "postfix/instance.hpp"

namespace postmultid::postfix {

using model::Result;

asio::awaitable<Result<Settings>> Settings::read(Tools& tools, std::string directory, std::vector<std::string> names) {
  // With -n only what main.cf sets is printed.
  auto question = words("-c", directory, "-n");
  question.insert(question.end(), names.begin(), names.end());
  auto answer = co_await tools.postconf(std::move(question));
  if (!answer) co_return std::unexpected(answer.error().within(directory));
  Settings settings;
  settings.directory_ = std::move(directory);
  settings.names_ = std::move(names);
  settings.values_ = parse_parameters(*answer);
  co_return settings;
}

asio::awaitable<Result<void>> Settings::put_back(Tools& tools) const {
  const auto now = co_await read(tools, directory_, names_);
  if (!now) co_return std::unexpected(now.error());
  auto set = words("-c", directory_, "-e"), remove = words("-c", directory_, "-X");
  const std::size_t nothing = set.size();
  for (const std::string& name : names_) {
    auto before = values_.find(name), after = now->values_.find(name);
    if (before == values_.end()) {
      if (after != now->values_.end()) remove.push_back(name);
    } else if (after == now->values_.end() || after->second != before->second) {
      set.push_back(name + (before->second.empty() ? " =" : " = " + before->second));
    }
  }
  std::vector<std::vector<std::string>> commands;
  if (set.size() > nothing) commands.push_back(std::move(set));
  if (remove.size() > nothing) commands.push_back(std::move(remove));
  for (auto& command : commands) {
    auto done = co_await tools.postconf(std::move(command));
    if (!done) co_return std::unexpected(done.error().within(directory_ + "/main.cf"));
  }
  co_return Result<void>{};
}

}  // namespace postmultid::postfix
