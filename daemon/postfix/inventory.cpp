#include "postfix/inventory.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "host/offload.hpp"
#include "host/temporary_directory.hpp"
#include "host/together.hpp"
#include "postfix/shared_endpoints.hpp"
#include "postfix/stale_tables.hpp"
#include "postfix/versions.hpp"

namespace postmultid::postfix {

using model::FailureClass;
using model::Fault;
using model::Result;

namespace {

// More at a time only makes each of them slower.
constexpr std::size_t kAtOnce = 8;

const std::vector<std::string> kParameters{"multi_instance_name",
                                           "multi_instance_group",
                                           "multi_instance_enable",
                                           "multi_instance_wrapper",
                                           "queue_directory",
                                           "data_directory",
                                           "daemon_directory",
                                           "command_directory",
                                           "showq_service_name",
                                           "queue_service_name",
                                           "pickup_service_name",
                                           "syslog_name",
                                           "mail_version",
                                           "master_service_disable",
                                           "maillog_file",
                                           "inet_interfaces",
                                           "inet_protocols",
                                           "smtpd_tls_wrappermode",
                                           "smtpd_upstream_proxy_protocol",
                                           "postscreen_upstream_proxy_protocol",
                                           "message_size_limit",
                                           "queue_minfree",
                                           "default_process_limit"};

bool is_yes(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word == "yes";
}

/// Whether main.cf lets the client speak first, in all services.
bool other_protocol(const std::string& output) {
  auto p = parse_parameters(output);
  return is_yes(p["smtpd_tls_wrappermode"]) || !p["smtpd_upstream_proxy_protocol"].empty() ||
         !p["postscreen_upstream_proxy_protocol"].empty();
}

/// 0 for what is none: Postfix says so itself, and we only compare with it.
std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Instance make_instance(const std::string& directory, const std::string& output) {
  auto p = parse_parameters(output);
  Instance instance;
  instance.config_directory = directory;
  instance.name = p["multi_instance_name"];
  instance.group = p["multi_instance_group"];
  instance.enabled = is_yes(p["multi_instance_enable"]);
  instance.wrapper = p["multi_instance_wrapper"];
  instance.queue_directory = p["queue_directory"];
  instance.data_directory = p["data_directory"];
  instance.daemon_directory = p["daemon_directory"];
  instance.command_directory = p["command_directory"];
  instance.showq_service = p["showq_service_name"];
  instance.qmgr_service = p["queue_service_name"];
  instance.pickup_service = p["pickup_service_name"];
  instance.syslog_name = p["syslog_name"];
  instance.mail_version = p["mail_version"];
  instance.master_service_disable = p["master_service_disable"];
  instance.maillog_file = p["maillog_file"];
  instance.inet_interfaces = p["inet_interfaces"];
  instance.inet_protocols = p["inet_protocols"];
  instance.message_size_limit = number(p["message_size_limit"]);
  instance.queue_minfree = number(p["queue_minfree"]);
  instance.default_process_limit = static_cast<unsigned>(number(p["default_process_limit"]));
  instance.id = {instance.name.empty() ? directory : instance.name};
  return instance;
}

/// A private configuration directory with a copy of that one's main.cf (an empty one for "") and an empty master.cf.
Result<host::TemporaryDirectory> shadow(const std::string& directory) {
  auto made = host::TemporaryDirectory::make();
  if (!made) return made;
  std::error_code error;
  bool written = true;
  if (directory.empty())
    written = static_cast<bool>(std::ofstream(made->path() + "/main.cf"));
  else
    std::filesystem::copy_file(directory + "/main.cf", made->path() + "/main.cf", error);
  if (error) return std::unexpected(model::system_error("copy " + directory + "/main.cf", error.value()));
  if (written) written = static_cast<bool>(std::ofstream(made->path() + "/master.cf"));
  if (!written) return std::unexpected(model::system_error("write to " + made->path()));
  return made;
}

/// Of those that are to run together.
void note_shared_endpoints(std::vector<Listed>& listed) {
  std::vector<Instance> enabled;
  for (const Listed& entry : listed)
    if (!entry.broken && entry.instance.enabled) enabled.push_back(entry.instance);
  auto shared = shared_endpoints(enabled);
  for (Listed& entry : listed)
    if (auto found = shared.find(entry.instance.id); found != shared.end()) entry.shares = found->second;
}

}  // namespace

asio::awaitable<Result<std::string>> Inventory::primary_directory() {
  // Any configuration will do to ask for a compiled-in value; an empty one cannot be broken.
  auto make = [] { return shadow(""); };
  auto empty = co_await host::offload(tools_.pool(), std::move(make));
  auto ask = words("-dh", "config_directory");
  // Without room for one the primary's own has to do.
  if (empty) ask.insert(ask.begin(), {"-c", empty->path()});
  auto answer = co_await tools_.postconf(std::move(ask));
  if (answer && !answer->empty()) answer->pop_back();
  co_return answer;
}

/// postconf refuses to say anything of an instance whose master.cf has an error, even about main.cf
/// (docs/postfix-facts.md, "postconf"). With a copy of main.cf and an empty master.cf it answers.
asio::awaitable<Result<std::string>> Inventory::postconf_without_master_cf(std::string directory,
                                                                           std::vector<std::string> arguments) {
  auto make = [directory] { return shadow(directory); };
  auto copy = co_await host::offload(tools_.pool(), std::move(make));
  if (!copy) co_return std::unexpected(copy.error());
  auto all = words("-c", copy->path());
  all.insert(all.end(), arguments.begin(), arguments.end());
  co_return co_await tools_.postconf(std::move(all));
}

asio::awaitable<std::vector<std::string>> Inventory::tables_of(Instance instance) {
  auto read = [instance = std::move(instance)] {
    auto files = read_files(instance.config_directory);
    return files ? tables_named(*files, instance) : std::vector<std::string>{};
  };
  co_return co_await host::offload(tools_.pool(), std::move(read));
}

asio::awaitable<Listed> Inventory::read_instance(std::string directory) {
  auto ask = words("-xc", directory);
  ask.insert(ask.end(), kParameters.begin(), kParameters.end());
  auto parameters = co_await tools_.postconf(std::move(ask));
  model::Error error;
  if (parameters) {
    auto services = co_await tools_.postconf(words("-c", directory, "-M"));
    if (services) {
      Listed listed{make_instance(directory, *parameters)};
      listed.instance.services = parse_services(*services, listed.instance.default_process_limit);
      listed.instance.tables = co_await tables_of(listed.instance);
      if (other_protocol(*parameters))
        for (Service& service : listed.instance.services) service.greets = false;
      co_return listed;
    }
    error = services.error();
  } else {
    error = parameters.error();
  }
  auto known = last_good_.find(directory);
  // Not postconf's word: it could not even be run. What was read last is the best that is known.
  if (error.number && known != last_good_.end()) co_return Listed{known->second};
  Listed listed;
  listed.broken = Fault{error.number ? FailureClass::environment : FailureClass::config, "config-unreadable",
                        error.message, "postconf -c " + directory + " -n"};
  if (known != last_good_.end()) {
    listed.instance = known->second;
    co_return listed;
  }
  auto rest = words("-x");
  rest.insert(rest.end(), kParameters.begin(), kParameters.end());
  if (auto partly = co_await postconf_without_master_cf(directory, std::move(rest))) {
    listed.instance = make_instance(directory, *partly);
  } else {
    listed.instance.config_directory = directory;
    listed.instance.id = {directory};
    listed.enabled_known = false;
  }
  co_return listed;
}

asio::awaitable<void> Inventory::read_into(std::string directory, Listed& into) {
  into = co_await read_instance(std::move(directory));
}

asio::awaitable<std::vector<std::string>> Inventory::secondary_directories() {
  auto list = co_await tools_.postconf(words("-c", primary_, "-xh", "multi_instance_directories"));
  if (!list) list = co_await postconf_without_master_cf(primary_, words("-xh", "multi_instance_directories"));
  if (list) secondaries_ = split_words(*list);
  for (std::string& directory : secondaries_)
    while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  co_return secondaries_;
}

asio::awaitable<Result<std::vector<Listed>>> Inventory::read() {
  if (primary_.empty()) {
    auto directory = co_await primary_directory();
    if (!directory) co_return std::unexpected(directory.error().within("asking postconf for the primary's directory"));
    primary_ = *directory;
  }
  auto directories = words(primary_);
  auto secondaries = co_await secondary_directories();
  directories.insert(directories.end(), secondaries.begin(), secondaries.end());

  std::vector<Listed> listed(directories.size());
  auto read_one = [&](std::size_t i) { return read_into(directories[i], listed[i]); };
  co_await host::together(directories.size(), kAtOnce, read_one);

  Instance& primary = listed[0].instance;
  primary.primary = true;
  if (primary.name.empty()) primary.id = model::kPrimary;
  if (directories.size() == 1) primary.enabled = true;  // alone, it is what `postfix start` starts
  auto compare = [listed = std::move(listed)]() mutable {
    refuse_conflicts(listed);
    note_shared_endpoints(listed);
    return std::move(listed);
  };
  listed = co_await host::offload(tools_.pool(), std::move(compare));
  for (const Listed& entry : listed)
    if (!entry.broken) last_good_[entry.instance.config_directory] = entry.instance;
  co_return listed;
}

std::string canonical(const std::string& path) {
  std::error_code error;
  std::string resolved = std::filesystem::weakly_canonical(path, error).string();
  if (error) resolved = path;
  while (resolved.size() > 1 && resolved.back() == '/') resolved.pop_back();
  return resolved;
}

void refuse_conflicts(std::vector<Listed>& listed) {
  struct Claim {
    std::string what, value;
    const Instance* owner;
  };
  std::vector<Claim> claims;
  for (Listed& entry : listed) {
    Instance& instance = entry.instance;
    std::vector<Claim> wanted{{"config_directory", canonical(instance.config_directory), &instance}};
    if (!instance.name.empty()) wanted.push_back({"multi_instance_name", instance.name, &instance});
    for (const auto& [what, path] :
         {std::pair{"queue_directory", instance.queue_directory}, {"data_directory", instance.data_directory}})
      if (!path.empty()) wanted.push_back({what, canonical(path), &instance});

    bool conflict = false;
    for (const Claim& want : wanted) {
      auto taken = std::find_if(claims.begin(), claims.end(), [&](const Claim& claim) {
        return claim.value == want.value && claim.what == want.what;
      });
      if (taken == claims.end()) continue;
      conflict = true;
      entry.broken =
          Fault{FailureClass::config, "conflict",
                instance.config_directory + "/main.cf: " + want.what + " = " + want.value + " is already that of " +
                    taken->owner->id.text + " (" + taken->owner->config_directory + "/main.cf)",
                "postconf -c " + instance.config_directory + " " + want.what};
      if (want.what == "multi_instance_name") instance.id = {instance.config_directory};
    }
    if (!conflict) claims.insert(claims.end(), wanted.begin(), wanted.end());
  }
}

void refuse_taken_ids(std::vector<Listed>& listed) {
  // Who runs under an earlier name has another id than his main.cf says.
  auto own_id = [](const Instance& instance) { return instance.name.empty() ? instance.id.text : instance.name; };
  for (Listed& entry : listed) {
    Instance& instance = entry.instance;
    if (instance.id.text != own_id(instance)) continue;
    auto holder = std::find_if(listed.begin(), listed.end(), [&](const Listed& other) {
      return &other != &entry && other.instance.id == instance.id && other.instance.id.text != own_id(other.instance);
    });
    if (holder == listed.end()) continue;
    const Instance& other = holder->instance;
    entry.broken = Fault{FailureClass::config, "conflict",
                         instance.config_directory + "/main.cf: the name " + instance.name + " is still in use by " +
                             other.config_directory + ", which is called " + other.name +
                             " now, but runs on under it until it is stopped",
                         "pmctl stop " + other.id.text};
    instance.id = {instance.config_directory};
  }
}

}  // namespace postmultid::postfix
