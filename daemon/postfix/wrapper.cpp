#include "postfix/wrapper.hpp"

namespace postmultid::postfix {

using model::Result;

namespace {

constexpr char kName[] = "multi_instance_wrapper";

}  // namespace

asio::awaitable<Result<Wrapper>> read_wrapper(Tools& tools) {
  // With -n only what main.cf sets is printed, as `name = value`.
  auto answer = co_await tools.postconf(words("-n", kName));
  if (!answer) co_return std::unexpected(answer.error());
  auto equals = answer->find('=');
  if (equals == std::string::npos) co_return Wrapper();
  auto begin = answer->find_first_not_of(" \n", equals + 1);
  if (begin == std::string::npos) co_return Wrapper("");
  co_return Wrapper(answer->substr(begin, answer->find_last_not_of(" \n") + 1 - begin));
}

asio::awaitable<Result<void>> write_wrapper(Tools& tools, Wrapper wrapper) {
  auto edit = wrapper ? words("-e", std::string(kName) + " = " + *wrapper) : words("-X", kName);
  auto done = co_await tools.postconf(std::move(edit));
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>{};
}

}  // namespace postmultid::postfix
