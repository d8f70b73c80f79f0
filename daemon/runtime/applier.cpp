#include "runtime/applier.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "host/atomic_file.hpp"
#include "host/offload.hpp"
#include "host/proc.hpp"
#include "postfix/lifecycle.hpp"
#include "postfix/reload.hpp"
#include "runtime/fault_point.hpp"

namespace postmultid::runtime {

using model::Action;
using model::Application;
using model::MemberId;
using model::Result;

namespace {

constexpr std::size_t kLargestRecord = 1024 * 1024;

std::string record_in(const std::string& state_directory) { return state_directory + "/applying.json"; }

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// What has to be done about what runs.
std::optional<Action> action_of(const Target& target) {
  if (target.shown.has("restart")) return Action::restart;
  if (target.shown.has("reload")) return Action::reload;
  if (target.shown.has("start")) return Action::start;
  return std::nullopt;
}

Result<void> unchanged_since(const Target& target) {
  auto now = postfix::read_files(target.shown.config_directory);
  if (!now) return std::unexpected(now.error());
  std::string edited = now->main_cf != target.draft.before.main_cf       ? "main.cf"
                       : now->master_cf != target.draft.before.master_cf ? "master.cf"
                                                                         : "";
  for (const auto& table : target.tables)
    if (edited.empty() && host::read_small_file(table.path, SIZE_MAX / 2) != table.before) edited = table.name;
  if (edited.empty()) return {};
  return model::failure(target.shown.config_directory + "/" + edited +
                        " was edited by somebody since the plan was made; look at a new one: pmctl apply --dry-run");
}

/// Written, and read again.
Result<void> write_and_compare(const std::string& directory, const postfix::Files& files) {
  auto written = postfix::write_files(directory, files);
  if (!written) return written;
  auto now = postfix::read_files(directory);
  if (!now) return std::unexpected(now.error());
  if (*now == files) return {};
  return model::failure(directory + ": its files are not what was written: who else writes them?");
}

}  // namespace

std::string cut_short(const std::string& state_directory) {
  auto text = host::read_small_file(record_in(state_directory), kLargestRecord);
  auto record = nlohmann::json::parse(text.value_or(""), nullptr, false);
  if (!record.is_object() || !record.contains("left") || !record["left"].is_array()) return "";
  std::string left;
  for (const auto& name : record["left"])
    if (name.is_string()) left += (left.empty() ? "" : ", ") + name.get<std::string>();
  return "an apply was cut short before it was done with " + left +
         "; each of their files is the old one or the new one: pmctl apply --dry-run shows what is left, pmctl apply "
         "does it";
}

/// Who is not done yet is known to the next daemon, whatever becomes of this one.
asio::awaitable<void> Applier::note_left(const Undertakings& all) {
  std::vector<std::string> left;
  for (const Undertaking& one : all)
    if (one.stage != Stage::in_effect) left.push_back(one.target.shown.id.text);
  auto write = [file = record_in(directory_), plan = plan_, left = std::move(left)] {
    return host::replace_file(file, nlohmann::json{{"plan", plan}, {"left", left}}.dump(1) + "\n");
  };
  auto written = co_await host::offload(tools_.pool(), std::move(write));
  if (!written) trouble_ = written.error().message;
}

asio::awaitable<Result<void>> Applier::make(Undertaking& one) {
  Target& target = one.target;
  postfix::Changed made;
  if (present_.empty()) {
    auto present = co_await hands_.listed();
    if (!present) co_return std::unexpected(present.error());
    present_ = std::move(*present);
    made = co_await postfix::init(tools_, present_);
  }
  postfix::NewInstance fresh = target.made();
  if (made && target.import)
    made = co_await postfix::import(tools_, present_, fresh);
  else if (made)
    made = co_await postfix::create(tools_, present_, fresh);
  if (!made) co_return model::failure(made.error().why);
  one.made = true;
  if (target.import)
    present_.clear();  // its own files say where its directories are
  else
    present_.push_back(postfix::as_listed(postfix::completed(std::move(fresh), present_.front().instance)));
  // What is really there is what is edited.
  auto read = [directory = target.shown.config_directory] { return postfix::read_files(directory); };
  auto files = co_await host::offload(tools_.pool(), std::move(read));
  if (!files) co_return std::unexpected(files.error());
  auto drafted = co_await postfix::draft(tools_, std::move(*files), target.wanted);
  if (!drafted) co_return std::unexpected(drafted.error());
  target.draft = std::move(*drafted);
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Applier::unmake(std::string config_directory) {
  auto present = co_await hands_.listed();
  if (!present) co_return std::unexpected(present.error());
  auto same = [&](const postfix::Listed& each) { return each.instance.config_directory == config_directory; };
  auto found = std::ranges::find_if(*present, same);
  if (found == present->end()) co_return Result<void>{};
  auto gone = co_await postfix::destroy(tools_, *present, found->instance);
  if (!gone) co_return model::failure(gone.error().why);
  if (!gone->left.empty()) co_return model::failure("left: " + listed(gone->left));
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Applier::reorder(std::string order) {
  auto present = co_await hands_.listed();
  if (!present) co_return std::unexpected(present.error());
  auto ordered = co_await postfix::reorder(tools_, *present, postfix::split_words(order));
  if (!ordered) co_return model::failure(ordered.error().why);
  co_return Result<void>{};
}

/// All files of one instance. The brake of a new one is let go by the last of them.
asio::awaitable<Result<void>> Applier::place(Undertaking& one) {
  Target& target = one.target;
  fault_point("apply-place", target.shown.id.text);
  Result<void> ready;
  if (target.fresh) {
    ready = co_await make(one);
  } else {
    auto compare = [&target] { return unchanged_since(target); };
    ready = co_await host::offload(tools_.pool(), std::move(compare));
  }
  if (!ready) co_return ready;
  auto keep = [directory = directory_ + "/versions", &target] {
    return postfix::Versions(directory).keep(target.shown.config_directory, target.draft.before,
                                             std::chrono::system_clock::now());
  };
  auto version = co_await host::offload(tools_.pool(), std::move(keep));
  if (!version) co_return std::unexpected(version.error().within("keep the files as they are"));
  for (const postfix::TableWork& table : target.tables) {
    auto replaced = co_await postfix::replace_table(tools_, table, target.shown.config_directory, version->directory);
    if (!replaced) co_return std::unexpected(replaced.error());
    one.tables.push_back(std::move(*replaced));
    fault_point("apply-table", target.shown.id.text);
  }
  auto write = [&target] { return write_and_compare(target.shown.config_directory, target.draft.after); };
  auto written = co_await host::offload(tools_.pool(), std::move(write));
  if (written) one.stage = Stage::placed;
  fault_point("apply-placed", target.shown.id.text);
  co_return written;
}

asio::awaitable<bool> Applier::place_all(Undertakings& all, std::string order) {
  for (Undertaking& one : all) {
    auto placed = co_await place(one);
    if (placed) continue;
    co_await fail(one, placed.error().message, false);
    co_return false;
  }
  Result<void> done;
  if (!order.empty()) {
    done = co_await reorder(order);
    if (done) order_written_ = std::move(order);
  }
  if (done) done = co_await hands_.reread();
  if (!done) trouble_ = done.error().message;
  co_return done.has_value();
}

asio::awaitable<Result<void>> Applier::take_effect(Undertaking& one) {
  const Target& target = one.target;
  if (auto action = action_of(target)) {
    MemberId id = hands_.id_of(target.shown.config_directory);
    if (id.text.empty()) co_return model::failure("it is none of the members, although its files are in place");
    fault_point("apply-effect", id.text);
    auto operated = co_await hands_.operate(id, *action);
    if (!operated) co_return operated;
  }
  auto remember = [directory = directory_ + "/versions", target] {
    return postfix::remember_declared(directory, target.shown.config_directory, target.declared);
  };
  co_return co_await host::offload(tools_.pool(), std::move(remember));
}

asio::awaitable<bool> Applier::take_effect_all(Undertakings& all) {
  for (Undertaking& one : all) {
    auto done = co_await take_effect(one);
    if (!done) {
      co_await fail(one, done.error().message, true);
      co_return false;
    }
    one.stage = Stage::in_effect;
    one.message = listed(one.target.shown.steps);
    hands_.tell(one.target.shown.id, "applied", one.message);
    co_await note_left(all);
  }
  co_return true;
}

/// `was_told`: what runs may have read the new files.
asio::awaitable<void> Applier::fail(Undertaking& one, std::string reason, bool was_told) {
  std::string trouble = co_await take_back(one);
  one.stage = Stage::failed;
  if (one.target.fresh)
    if (auto read = co_await hands_.reread(); !read) trouble += (trouble.empty() ? "" : "; ") + read.error().message;
  auto action = action_of(one.target);
  if (was_told && action && *action != Action::start) {
    auto again = co_await hands_.reread();
    if (again) again = co_await hands_.operate(hands_.id_of(one.target.shown.config_directory), *action);
    if (!again) trouble += (trouble.empty() ? "" : "; ") + again.error().message;
  }
  std::string left = one.target.fresh && !one.target.import ? "; it is not there" : "; its files are the old ones";
  one.message = reason + (trouble.empty() ? left : "; and the way back failed: " + trouble);
  hands_.tell(one.target.shown.id, "apply-failed", one.message);
}

/// The old files again. What could not be put back, in words; empty: all is as it was.
asio::awaitable<std::string> Applier::take_back(Undertaking& one) {
  const Target& target = one.target;
  auto restore = [&one, &target] {
    std::string failed;
    auto note = [&](const Result<void>& done) {
      if (!done) failed += (failed.empty() ? "" : "; ") + done.error().message;
    };
    for (const postfix::TableBefore& table : one.tables) note(postfix::put_back(table));
    // One that was not ours to write has been written by somebody else meanwhile.
    if (one.stage == Stage::placed) note(postfix::write_files(target.shown.config_directory, target.draft.before));
    return failed;
  };
  std::string trouble = co_await host::offload(tools_.pool(), std::move(restore));
  if (!one.made || target.import) co_return trouble;
  auto unmade = co_await unmake(target.shown.config_directory);
  if (!unmade) trouble += (trouble.empty() ? "" : "; ") + unmade.error().message;
  co_return trouble;
}

/// Of those whose turn has not come.
asio::awaitable<void> Applier::take_back_placed(Undertakings& all) {
  bool any = false;
  for (Undertaking& one : all) {
    if (one.stage != Stage::placed) continue;
    any = true;
    std::string trouble = co_await take_back(one);
    if (!trouble.empty()) one.message = "the way back failed: " + trouble;
  }
  if (!any) co_return;
  auto read = co_await hands_.reread();
  if (!read) trouble_ = read.error().message;
}

asio::awaitable<Application> Applier::apply(Work work) {
  plan_ = work.plan.id;
  Undertakings all(work.targets.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i].target = std::move(work.targets[i]);
  co_await note_left(all);
  bool good = trouble_.empty();  // else the disk is full or read-only
  if (good) good = co_await place_all(all, work.plan.order);
  if (good) good = co_await take_effect_all(all);
  if (!good) co_await take_back_placed(all);
  auto end = [directory = directory_, remembered = std::move(work.remembered)] {
    for (const auto& [config_directory, declared] : remembered)
      (void)postfix::remember_declared(directory + "/versions", config_directory, declared);
    std::error_code ignored;
    return std::filesystem::remove(record_in(directory), ignored);
  };
  co_await host::offload(tools_.pool(), std::move(end));
  Application application{plan_, {}, order_written_};
  for (const Undertaking& one : all) {
    std::string unchanged =
        one.target.fresh && !one.target.import ? "it has not been made" : "its files are the old ones";
    if (!trouble_.empty()) unchanged += "; " + trouble_;
    application.members.push_back({one.target.shown.id,
                                   one.stage == Stage::in_effect ? "changed"
                                   : one.stage == Stage::failed  ? "failed"
                                                                 : "not-begun",
                                   one.message.empty() ? unchanged : one.message});
  }
  co_return application;
}

}  // namespace postmultid::runtime
