#include "postfix_list.hpp"

#include <algorithm>

#include "model/selection.hpp"
#include "postfix_tools.hpp"

namespace postmultid::ctl {

namespace asio = boost::asio;

namespace {

asio::awaitable<model::Result<std::vector<postfix::Listed>>> read_all(postfix::Tools& tools) {
  postfix::Inventory inventory(tools);
  co_return co_await inventory.read();
}

model::Status as_status(const std::vector<postfix::Listed>& list) {
  model::Status status;
  for (const postfix::Listed& entry : list) {
    model::Member member;
    member.id = entry.instance.id;
    member.name = entry.instance.name;
    member.group = entry.instance.group;
    member.config_directory = entry.instance.config_directory;
    member.primary = entry.instance.primary;
    status.members.push_back(std::move(member));
  }
  return status;
}

}  // namespace

Result<PostfixList> read_postfix_list(const model::Selection& selection, bool reverse) {
  auto list = with_postfix(read_all);
  if (!list) return std::unexpected(Trouble{Exit::failed, list.error().message});
  model::Selection wanted = selection;
  wanted.all |= wanted.names.empty() && wanted.group.empty();
  auto ids = model::select(as_status(*list), wanted);
  if (!ids) return std::unexpected(Trouble{Exit::no_such_instance, ids.error().detail});
  postfix::Instance primary = list->front().instance;
  std::erase_if(*list,
                [&](const postfix::Listed& entry) { return std::ranges::find(*ids, entry.instance.id) == ids->end(); });
  if (reverse) std::ranges::reverse(*list);
  return PostfixList{std::move(primary), std::move(*list)};
}

}  // namespace postmultid::ctl
