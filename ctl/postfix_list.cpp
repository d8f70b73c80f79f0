#include "postfix_list.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "host/children.hpp"
#include "model/selection.hpp"

namespace postmultid::ctl {

namespace asio = boost::asio;

namespace {

model::Result<std::vector<postfix::Listed>> read_all() {
  asio::io_context loop;
  asio::thread_pool pool(2);
  host::Children children(loop);
  postfix::Tools tools(children, pool, pool);
  if (auto found = tools.find_postconf(""); !found) return std::unexpected(found.error());
  postfix::Inventory inventory(tools);
  model::Result<std::vector<postfix::Listed>> list;
  asio::co_spawn(loop, inventory.read(), [&](std::exception_ptr failed, auto read) {
    list = failed ? model::failure("Postfix's own list cannot be read") : std::move(read);
    loop.stop();
  });
  loop.run();
  pool.join();
  // What a command leaves running is not ours to reap.
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  return list;
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
  auto list = read_all();
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
