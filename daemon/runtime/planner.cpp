#include "runtime/planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "definitions/lint.hpp"
#include "definitions/logical_lines.hpp"
#include "host/offload.hpp"
#include "host/together.hpp"
#include "postfix/lifecycle.hpp"
#include "postfix/reload.hpp"
#include "postfix/review.hpp"
#include "postfix/secrets.hpp"
#include "postfix/services.hpp"

namespace postmultid::runtime {

using definitions::Configuration;
using definitions::Definition;
using model::FileChange;
using model::MemberPlan;
using model::Problem;
using postfix::Difference;
using postfix::Listed;

namespace {

// More lines of a change are told by their number.
constexpr std::size_t kLinesShown = 40;
constexpr std::size_t kMostTargets = 1000;
// More at a time only makes each of them slower.
constexpr std::size_t kAtOnce = 4;

bool is_called(const postfix::Instance& instance, const definitions::Instance& declared) {
  const std::string& name = declared.name.text;
  return instance.name == name || instance.config_directory == name ||
         (!declared.directories.config.text.empty() && instance.config_directory == declared.directories.config.text);
}

FileChange change_of_settings(const std::vector<Difference>& differences, bool runs) {
  FileChange change{"main.cf", {}, {}, {}, ""};
  std::string ignored;
  for (const Difference& each : differences) {
    auto line = [&](const char* sign, const std::string& value) {
      std::string shown = postfix::shown_value(each.name, value);
      change.lines.push_back(fmt::format("{} {} ={}{}", sign, each.name, shown.empty() ? "" : " ", shown));
    };
    if (each.before) line("-", *each.before);
    if (each.after) line("+", *each.after);
    if (runs && postfix::ignored_by_a_reload(each.name)) ignored += (ignored.empty() ? "" : ", ") + each.name;
  }
  if (!ignored.empty()) change.note = ignored + ": ignored by a reload";
  return change;
}

FileChange change_of_services(const std::vector<Difference>& differences) {
  FileChange change{"master.cf", {}, {}, {}, ""};
  for (const Difference& each : differences) {
    if (each.before) change.lines.push_back("- " + postfix::shown_service(*each.before));
    if (each.after) change.lines.push_back("+ " + postfix::shown_service(*each.after));
  }
  return change;
}

void shorten(FileChange& change) {
  if (change.lines.size() <= kLinesShown) return;
  change.left_out = static_cast<unsigned>(change.lines.size() - kLinesShown);
  change.lines.resize(kLinesShown);
}

bool is_about_membership(const Difference& difference) { return postfix::is_about_membership(difference.name); }

const Difference* find(const std::vector<Difference>& differences, const std::string& name) {
  auto found = std::ranges::find(differences, name, &Difference::name);
  return found == differences.end() ? nullptr : &*found;
}

/// Those of `before` that are not among `now`.
std::vector<std::string> forgotten(const std::vector<std::string>& before, const std::vector<std::string>& now) {
  std::vector<std::string> gone;
  for (const std::string& name : before)
    if (std::ranges::find(now, name) == now.end()) gone.push_back(name);
  return gone;
}

/// The steps and the changed lines of a target whose draft is made; those of its tables are there already. `runs`: it is up;
/// `wanted`: it is to be up when it is new or newly enabled.
void describe(Target& target, bool runs, bool wanted) {
  MemberPlan& shown = target.shown;
  const postfix::Draft& draft = target.draft;
  // What the steps tell by themselves.
  auto told_by_steps = [&](const Difference& each) {
    return each.name == "multi_instance_enable" || (target.fresh && is_about_membership(each));
  };
  std::vector<Difference> settings;
  std::ranges::remove_copy_if(draft.settings, std::back_inserter(settings), told_by_steps);
  std::vector<FileChange> changes;
  if (!settings.empty()) changes.push_back(change_of_settings(settings, runs));
  if (!draft.services.empty()) changes.push_back(change_of_services(draft.services));
  shown.changes.insert(shown.changes.begin(), changes.begin(), changes.end());
  for (FileChange& change : shown.changes) shorten(change);

  const Difference* enable = find(draft.settings, "multi_instance_enable");
  bool only_membership = draft.services.empty() && std::ranges::all_of(draft.settings, is_about_membership);
  bool edited = draft.changed() && !only_membership;
  bool tables_need_reload =
      std::ranges::any_of(target.tables, [](const auto& table) { return !postfix::is_indexed(table.type); });
  bool needs_restart =
      std::ranges::any_of(draft.settings, [](const auto& each) { return postfix::ignored_by_a_reload(each.name); });
  bool enabled = enable && enable->after == "yes", disabled = enable && enable->after != "yes";
  auto step = [&](bool needed, const char* name) {
    if (needed) shown.steps.push_back(name);
  };
  step(target.fresh, target.import ? "import" : "create");
  step(!target.fresh && (find(draft.settings, "multi_instance_name") || find(draft.settings, "multi_instance_group")),
       "assign");
  step(edited, "edit");
  step(!target.tables.empty(), "postmap");
  step(enabled, "enable");
  step(disabled && !target.fresh, "disable");
  step(runs && needs_restart, "restart");
  step(runs && !needs_restart && (edited || tables_need_reload), "reload");
  step(!runs && wanted && (target.fresh || enabled), "start");

  std::string endpoints;
  for (const std::string& each : target.instance.inet_services()) endpoints += (endpoints.empty() ? "" : ", ") + each;
  shown.interruption =
      shown.has("restart") ? (endpoints.empty() ? "its mail" : endpoints) + " closed for a moment" : "no interruption";
}

/// All of those parameters; of what is not set nothing.
std::vector<std::pair<std::string, std::optional<std::string>>> membership_in(const std::string& main_cf) {
  std::vector<std::pair<std::string, std::optional<std::string>>> all;
  auto settings = definitions::settings_of(main_cf);
  for (const char* which : {"directories", "enable", "group", "name", "wrapper"}) {
    std::string name = std::string("multi_instance_") + which;
    auto found = std::ranges::find(settings, name, &definitions::Setting::name);
    all.emplace_back(name, found == settings.end() ? std::nullopt : std::optional(found->value));
  }
  return all;
}

std::string id_of(const std::vector<Target>& targets, const std::string& rest) {
  std::string all = rest;
  for (const Target& target : targets) {
    for (const postfix::Files* files : {&target.draft.before, &target.draft.after})
      all += files->main_cf + files->master_cf;
    for (const auto& table : target.tables) all += table.path + table.before.value_or("") + table.after;
  }
  return fmt::format("{:08x}", std::hash<std::string>{}(all)&0xffffffffU);
}

class Planner {
 public:
  Planner(postfix::Tools& tools, Situation situation) : tools_(tools), situation_(std::move(situation)) {}

  asio::awaitable<std::expected<Work, Problem>> run() {
    auto types = co_await postfix::table_types(tools_, primary().config_directory);
    if (!types) co_return std::unexpected(Problem("inventory-unreadable", types.error().message));
    types_ = std::move(*types);
    const Definition& definition = situation_.definition;
    auto declared = in_start_order();
    if (declared.size() > kMostTargets)
      co_return std::unexpected(Problem("bad-definition", "more than 1000 instances are declared"));
    std::vector<Sketch> sketches;
    if (definition.primary) sketches.push_back({&*definition.primary, &situation_.listed.front(), {}, {}});
    for (const definitions::Instance* each : declared) sketches.push_back({each, listed(*each), {}, {}});
    refuse_twins(sketches);
    auto fresh = [](const Sketch& sketch) { return !sketch.known; };
    if (std::ranges::any_of(sketches, fresh))
      new_files_ = co_await postfix::files_of_new_instance(tools_, primary().config_directory);
    auto draw = [&](std::size_t i) { return plan(sketches[i]); };
    co_await host::together(sketches.size(), kAtOnce, draw);
    std::string problems;
    for (const Sketch& sketch : sketches)
      problems += (problems.empty() || sketch.problems.empty() ? "" : "\n") + sketch.problems;
    if (!problems.empty()) co_return std::unexpected(Problem("bad-definition", problems));
    for (Sketch& sketch : sketches) take(std::move(sketch.target));
    work_.plan.order = new_order();
    auto noted = co_await note_primary();
    if (!noted) co_return std::unexpected(noted.error());
    for (const definitions::Complaint& warning : definitions::lint(definition))
      work_.plan.warnings.push_back(warning.place.text() + ": " + warning.message);
    finish();
    co_return std::move(work_);
  }

 private:
  const Definition& definition() const { return situation_.definition; }
  const postfix::Instance& primary() const { return situation_.listed.front().instance; }

  /// One instance, its files being drafted.
  struct Sketch {
    const definitions::Instance* declared;
    const Listed* known;  // null: it is to be made
    Target target;
    std::string problems;

    void complain(const std::string& message) { problems += (problems.empty() ? "" : "\n") + message; }
  };

  /// One instance may be named by its name and, in another entry, by its directory.
  void refuse_twins(std::vector<Sketch>& sketches) const {
    std::map<std::string, const definitions::Name*> first;
    for (Sketch& sketch : sketches) {
      if (sketch.declared == (definition().primary ? &*definition().primary : nullptr)) continue;
      const definitions::Name& name = sketch.declared->name;
      auto [twin, is_first] = first.emplace(directory_of(*sketch.declared, sketch.known), &name);
      if (!is_first)
        sketch.complain(name.place.text() + ": \"" + name.text + "\" is the instance that is declared at " +
                        twin->second->place.text() + " already");
    }
  }

  const Listed* listed(const definitions::Instance& declared) const {
    auto same = [&](const Listed& each) { return !each.instance.primary && is_called(each.instance, declared); };
    auto found = std::ranges::find_if(situation_.listed, same);
    return found == situation_.listed.end() ? nullptr : &*found;
  }

  const definitions::Group* group_of(const definitions::Instance& declared) const {
    const Listed* known = listed(declared);
    for (const definitions::Group& group : definition().groups)
      for (const definitions::Name& member : group.members)
        if (member.text == declared.name.text || (known && known->instance.config_directory == member.text))
          return &group;
    return nullptr;
  }

  /// The configuration directory of a secondary that a group names, declared or not; empty: it is no instance.
  std::string directory_called(const std::string& name) const {
    for (const auto& each : definition().instances)
      if (each.name.text == name) return directory_of(each, listed(each));
    for (const Listed& each : situation_.listed)
      if (!each.instance.primary && (each.instance.name == name || each.instance.config_directory == name))
        return each.instance.config_directory;
    return "";
  }

  /// Groups in their order, and before them who is in none.
  std::vector<const definitions::Instance*> in_start_order() const {
    std::vector<const definitions::Instance*> order;
    for (const auto& each : definition().instances)
      if (!group_of(each)) order.push_back(&each);
    for (const auto& group : definition().groups)
      for (const auto& member : group.members)
        for (const auto& each : definition().instances)
          if (group_of(each) == &group && each.name.text == member.text) order.push_back(&each);
    for (const auto& each : definition().instances)
      if (std::ranges::find(order, &each) == order.end()) order.push_back(&each);
    return order;
  }

  std::string directory_of(const definitions::Instance& declared, const Listed* known) const {
    if (known) return known->instance.config_directory;
    if (!declared.directories.config.text.empty()) return declared.directories.config.text;
    if (declared.name.text.starts_with('/')) return declared.name.text;
    // As postmulti does: beside the primary's.
    return std::filesystem::path(primary().config_directory).parent_path() / declared.name.text;
  }

  asio::awaitable<void> plan(Sketch& sketch) {
    const definitions::Instance& declared = *sketch.declared;
    const Listed* known = sketch.known;
    Target& target = sketch.target;
    if (known && known->broken) {
      // What is broken may be mended by this very definition; but not if its files cannot be had.
      if (known->instance.queue_directory.empty())
        co_return sketch.complain(declared.name.place.text() + ": " + declared.name.text +
                                  " cannot be read: " + known->broken->message);
    }
    target.fresh = !known;
    target.instance = known ? known->instance : primary();
    target.directories = declared.directories;
    target.name = declared.name.text.starts_with('/') ? "" : declared.name.text;
    const definitions::Group* group = group_of(declared);
    target.group = group ? group->name.text : "";
    target.shown.config_directory = directory_of(declared, known);
    target.shown.id = known ? situation_.id_of(target.shown.config_directory) : model::MemberId{};
    if (target.shown.id.text.empty())
      target.shown.id = known ? known->instance.id : model::MemberId{declared.name.text};
    if (known) refuse_to_move(sketch);
    want(target, declared, known);
    co_await look_what_is_there(target);
    if (target.fresh) co_await refuse_to_make(sketch);
    if (!sketch.problems.empty()) co_return;
    bool drafted = co_await draft(sketch);
    if (!drafted) co_return;
    co_await compare_tables(sketch);
    describe(target, known && situation_.runs(target.shown.config_directory), declared.enabled.value_or(true));
  }

  void take(Target target) {
    if (target.shown.steps.empty()) {
      work_.plan.unchanged.push_back(target.shown.id);
      work_.plan.warnings.insert(work_.plan.warnings.end(), target.shown.warnings.begin(), target.shown.warnings.end());
      work_.remembered[target.shown.config_directory] = std::move(target.declared);
    } else {
      work_.targets.push_back(std::move(target));
    }
  }

  static void refuse_to_move(Sketch& sketch) {
    const definitions::Instance& declared = *sketch.declared;
    const postfix::Instance& is = sketch.known->instance;
    for (auto [wanted, there, what] : {std::tuple(&declared.directories.queue, &is.queue_directory, "queue"),
                                       std::tuple(&declared.directories.data, &is.data_directory, "data")})
      if (!wanted->text.empty() && wanted->text != *there)
        sketch.complain(wanted->place.text() + ": " + declared.name.text + " has its " + what + " in " + *there +
                        ": what is there is not moved from here; stop it, move it, and edit " + what +
                        "_directory by hand");
  }

  void want(Target& target, const definitions::Instance& declared, const Listed* known) {
    postfix::Wanted& wanted = target.wanted;
    wanted.configuration = definition().configuration_of(declared);
    bool is_primary = known && known->instance.primary;
    if (!is_primary) {
      if (!target.name.empty()) wanted.own.emplace_back("multi_instance_name", target.name);
      // Set to nothing is in no group, too.
      if (target.fresh || (!definition().groups.empty() && target.group != known->instance.group))
        wanted.own.emplace_back("multi_instance_group",
                                target.group.empty() ? std::nullopt : std::optional(target.group));
      bool enabled = declared.enabled.value_or(true), is = known && known->instance.enabled;
      if (enabled != is) wanted.own.emplace_back("multi_instance_enable", enabled ? "yes" : "no");
    }
    target.declared.settings = postfix::names_set(wanted.configuration.main_cf);
    for (const auto& line : definitions::logical_lines(wanted.configuration.master_cf.text)) {
      auto words = postfix::split_words(line.text);
      if (words.size() > 1) target.declared.services.push_back(words[0] + "/" + words[1]);
    }
    for (const auto& map : wanted.configuration.maps) target.declared.maps.push_back(map.name.text);
    // The brake that each new instance gets is let go, unless the definition says something about it.
    bool brake_declared =
        std::ranges::find(target.declared.settings, "master_service_disable") != target.declared.settings.end();
    if (target.fresh && !brake_declared) wanted.own.emplace_back("master_service_disable", std::string());
    auto before = postfix::declared_before(situation_.record_directory, target.shown.config_directory);
    wanted.forgotten_settings = forgotten(before.settings, target.declared.settings);
    wanted.forgotten_services = forgotten(before.services, target.declared.services);
    for (const std::string& map : forgotten(before.maps, target.declared.maps))
      target.shown.warnings.push_back(target.shown.config_directory + "/" + map +
                                      " is not declared any more; it is left as it is");
  }

  asio::awaitable<void> look_what_is_there(Target& target) {
    auto look = [where = target.shown.config_directory, fresh = target.fresh] {
      std::error_code error;
      return fresh && std::filesystem::exists(where + "/main.cf", error) &&
             std::filesystem::exists(where + "/master.cf", error);
    };
    target.import = co_await host::offload(tools_.pool(), std::move(look));
  }

  /// What would be refused in the middle of it is refused before.
  asio::awaitable<void> refuse_to_make(Sketch& sketch) {
    auto why = co_await postfix::why_not_made(tools_, situation_.listed, sketch.target.made(), sketch.target.import);
    if (why) sketch.complain(sketch.declared->name.place.text() + ": " + *why);
  }

  /// Whether there is something to go on with.
  asio::awaitable<bool> draft(Sketch& sketch) {
    Target& target = sketch.target;
    const definitions::Name& name = sketch.declared->name;
    auto read = [where = target.shown.config_directory] { return postfix::read_files(where); };
    model::Result<postfix::Files> files = model::failure("");
    if (target.fresh && !target.import)
      files = new_files_;
    else
      files = co_await host::offload(tools_.pool(), std::move(read));
    if (!files) {
      sketch.complain(name.place.text() + ": " + files.error().message);
      co_return false;
    }
    auto drafted = co_await postfix::draft(tools_, std::move(*files), target.wanted);
    if (!drafted) {
      std::string place = drafted.error().message.starts_with('/') ? "" : name.place.text() + ": ";
      sketch.complain(place + drafted.error().message + " (" + name.text + ")");
      co_return false;
    }
    target.draft = std::move(*drafted);
    auto& warnings = target.shown.warnings;
    warnings.insert(warnings.end(), target.draft.warnings.begin(), target.draft.warnings.end());
    auto programs = [master_cf = target.wanted.configuration.master_cf, directory = target.instance.daemon_directory] {
      return postfix::without_program(master_cf, directory);
    };
    auto lacking = co_await host::offload(tools_.pool(), std::move(programs));
    warnings.insert(warnings.end(), lacking.begin(), lacking.end());
    if (!target.draft.changed()) co_return true;
    auto tried = co_await postfix::try_files(tools_, target.instance, target.draft.after);
    if (!tried) sketch.complain(name.place.text() + ": Postfix would not start with that: " + tried.error().message);
    co_return tried.has_value();
  }

  asio::awaitable<void> compare_tables(Sketch& sketch) {
    Target& target = sketch.target;
    for (const definitions::Map& map : target.wanted.configuration.maps) {
      auto work = co_await postfix::examine_table(tools_, map, target.shown.config_directory, types_,
                                                  target.draft.after.main_cf, situation_.run_commands);
      if (!work)
        sketch.complain(work.error().message);
      else if (*work) {
        auto& warnings = target.shown.warnings;
        warnings.insert(warnings.end(), (*work)->warnings.begin(), (*work)->warnings.end());
        if ((*work)->changed()) {
          FileChange change = co_await change_of_table(**work);
          target.shown.changes.push_back(std::move(change));
          target.tables.push_back(std::move(**work));
        }
      }
    }
  }

  asio::awaitable<FileChange> change_of_table(const postfix::TableWork& work) {
    FileChange change{work.name, {}, {}, {}, ""};
    if (!work.source_changed()) {
      change.note = work.tighten ? "it is secret: only its owner may read it from now on"
                                 : "its table is missing or older than it";
      co_return change;
    }
    auto difference = co_await postfix::changed_lines(tools_, work.before.value_or(""), work.after);
    if (work.before) change.unchanged = difference.unchanged;
    change.note = difference.note;
    if (!work.hidden)
      change.lines = std::move(difference.lines);
    else if (change.note.empty())
      change.note = std::to_string(difference.lines.size()) +
                    " lines change, which are not shown: it is secret, or not everybody may read it";
    co_return change;
  }

  /// The configuration directories of each group that has any.
  std::vector<std::vector<std::string>> directories_of_groups() const {
    std::vector<std::vector<std::string>> groups;
    for (const auto& group : definition().groups) {
      std::vector<std::string> directories;
      for (const auto& member : group.members)
        if (std::string directory = directory_called(member.text); !directory.empty()) directories.push_back(directory);
      if (!directories.empty()) groups.push_back(std::move(directories));
    }
    return groups;
  }

  /// Whether the groups come in their order, by the first of each, and so do the members of each: nobody is moved only because
  /// another group's stand in between.
  static bool in_order(const std::vector<std::string>& now, const std::vector<std::vector<std::string>>& groups) {
    std::vector<std::vector<std::string>> found;
    std::vector<std::size_t> order;
    for (const std::string& directory : now) {
      auto has = [&](const auto& group) { return std::ranges::find(group, directory) != group.end(); };
      auto number = static_cast<std::size_t>(std::ranges::find_if(groups, has) - groups.begin());
      if (number == groups.size()) continue;
      auto at = static_cast<std::size_t>(std::ranges::find(order, number) - order.begin());
      if (at == order.size()) {
        order.push_back(number);
        found.emplace_back();
      }
      found[at].push_back(directory);
    }
    return found == groups;
  }

  /// multi_instance_directories, if it has to be another one than what comes of creating who is new.
  std::string new_order() const {
    std::vector<std::string> now, wanted;
    for (const Listed& each : situation_.listed)
      if (!each.instance.primary) now.push_back(each.instance.config_directory);
    auto groups = directories_of_groups();
    if (std::ranges::none_of(work_.targets, &Target::fresh) && in_order(now, groups)) return "";
    for (const Target& each : work_.targets)
      if (each.fresh) now.push_back(each.shown.config_directory);
    for (const auto& group : groups) wanted.insert(wanted.end(), group.begin(), group.end());
    std::set<std::string> placed(wanted.begin(), wanted.end());
    auto next = wanted.begin();
    auto order = now;
    for (std::string& directory : order)
      if (placed.contains(directory) && next != wanted.end()) directory = *next++;
    if (order == now) return "";
    std::string text;
    for (const std::string& directory : order) text += (text.empty() ? "" : " ") + directory;
    return text;
  }

  /// That making instances edits the primary's main.cf, too.
  asio::awaitable<std::expected<void, Problem>> note_primary() {
    std::string before, after;
    for (const Listed& each : situation_.listed)
      if (!each.instance.primary) before += (before.empty() ? "" : " ") + each.instance.config_directory;
    after = before;
    for (const Target& each : work_.targets)
      if (each.fresh) after += (after.empty() ? "" : " ") + each.shown.config_directory;
    if (after == before) co_return std::expected<void, Problem>{};
    auto settings = co_await postfix::init_settings(tools_, situation_.listed);
    if (!settings) co_return std::unexpected(Problem("inventory-unreadable", settings.error().why));
    for (const std::string& setting : *settings) work_.plan.primary.push_back("+ " + setting);
    if (work_.plan.order.empty()) {
      if (!before.empty()) work_.plan.primary.push_back("- multi_instance_directories = " + before);
      work_.plan.primary.push_back("+ multi_instance_directories = " + after);
    }
    co_return std::expected<void, Problem>{};
  }

  void finish() {
    for (const Target& target : work_.targets) work_.plan.members.push_back(target.shown);
    if (work_.plan.members.empty() && work_.plan.order.empty()) return;
    nlohmann::json shown = work_.plan;
    work_.plan.id = id_of(work_.targets, shown.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  postfix::Tools& tools_;
  Situation situation_;
  postfix::TableTypes types_;
  model::Result<postfix::Files> new_files_;  // what each instance that is to be made gets
  Work work_;
};

}  // namespace

asio::awaitable<std::expected<Work, Problem>> make_plan(postfix::Tools& tools, Situation situation) {
  Planner planner(tools, std::move(situation));
  co_return co_await planner.run();
}

asio::awaitable<std::expected<Work, Problem>> plan_return(postfix::Tools& tools, postfix::Instance instance,
                                                          model::MemberId id, postfix::Files files, bool up,
                                                          std::string record_directory) {
  auto read = [directory = instance.config_directory] { return postfix::read_files(directory); };
  auto now = co_await host::offload(tools.pool(), std::move(read));
  if (!now) co_return std::unexpected(Problem("inventory-unreadable", now.error().message));
  // Which instances there are, and who they are, is as it is now.
  postfix::Wanted membership;
  membership.own = membership_in(now->main_cf);
  auto kept = co_await postfix::draft(tools, std::move(files), std::move(membership));
  if (!kept) co_return std::unexpected(Problem("bad-definition", kept.error().message));
  files = std::move(kept->after);
  auto tried = co_await postfix::try_files(tools, instance, files);
  if (!tried)
    co_return std::unexpected(Problem("bad-definition", "Postfix would not start with that: " + tried.error().message));
  Work work;
  Target target;
  target.shown.id = std::move(id);
  target.shown.config_directory = instance.config_directory;
  target.draft = postfix::difference(std::move(*now), std::move(files));
  target.declared = postfix::declared_before(record_directory, instance.config_directory);
  target.instance = std::move(instance);
  describe(target, up, true);
  if (target.shown.steps.empty()) co_return work;
  work.plan.members.push_back(target.shown);
  work.targets.push_back(std::move(target));
  work.plan.id = id_of(work.targets, "");
  co_return work;
}

}  // namespace postmultid::runtime
