#include "postfix/reload.hpp"

#include <signal.h>
#include <sys/un.h>

#include <filesystem>

#include "host/atomic_file.hpp"
#include "host/file_system.hpp"
#include "host/offload.hpp"
#include "host/temporary_directory.hpp"
#include "host/watch.hpp"
#include "postfix/last_words.hpp"
#include "postfix/listen.hpp"
#include "postfix/probe.hpp"

namespace postmultid::postfix {

using model::FailureClass;
using model::Fault;
using model::Result;

namespace {

// An error in its files kills a master within two seconds of the signal, one of those in a resolver's time-out.
constexpr std::chrono::seconds kVerifyFor{3};
constexpr std::chrono::milliseconds kVerifyEvery{100};
constexpr std::chrono::seconds kReadyLimit{20};

/// A directory with these files, and an empty queue and data directory beside them.
Result<host::TemporaryDirectory> copy_of(const Files& files) {
  auto made = host::TemporaryDirectory::make();
  if (!made) return made;
  auto written = host::replace_file(made->path() + "/main.cf", files.main_cf);
  if (written) written = host::replace_file(made->path() + "/master.cf", files.master_cf);
  if (!written) return std::unexpected(written.error());
  host::make_older(made->path() + "/main.cf", kNobodyWaits);
  std::error_code error;
  for (const char* directory : {"/queue", "/data"})
    if (!error) std::filesystem::create_directory(made->path() + directory, error);
  if (error) return std::unexpected(model::system_error("create " + made->path() + "/queue", error.value()));
  return made;
}

Fault unacceptable(const Instance& instance, std::string message) {
  return {FailureClass::config, "reload-refused", std::move(message),
          "postconf -c " + instance.config_directory + " -n"};
}

}  // namespace

asio::awaitable<Done> try_files(Tools& tools, Instance instance, Files files) {
  auto make = [files] { return copy_of(files); };
  auto copy = co_await host::offload(tools.pool(), std::move(make));
  if (!copy) co_return std::unexpected(Fault{FailureClass::environment, "not-examined", copy.error().message, ""});
  // Of its own, because master -t must not meet the lock of the real one.
  auto moved = co_await tools.postconf(words("-c", copy->path(), "-e", "queue_directory=" + copy->path() + "/queue",
                                             "data_directory=" + copy->path() + "/data"));
  if (!moved) {
    // Not run at all, or short of room: that is no fault of the configuration.
    bool there = !moved.error().number;
    auto look = [path = copy->path()] { return host::file_system(path); };
    auto room = co_await host::offload(tools.pool(), std::move(look));
    if (there && !(room && room->free_blocks == 0))
      co_return std::unexpected(unacceptable(instance, moved.error().message));
    co_return std::unexpected(Fault{FailureClass::environment, "not-examined", moved.error().message, ""});
  }
  auto age = [path = copy->path()] {
    host::make_older(path + "/main.cf", kNobodyWaits);
    return true;
  };
  co_await host::offload(tools.pool(), std::move(age));
  auto mark = [instance] { return mark_log(instance); };
  host::LogMark since = co_await host::offload(tools.pool(), std::move(mark));
  auto tested = co_await tools.run(words(instance.master_program(), "-t", "-c", copy->path()),
                                   words("MAIL_LOGTAG=" + instance.syslog_name));
  if (!tested) co_return std::unexpected(Fault{FailureClass::environment, "not-executed", tested.error().message, ""});
  if (tested->ok()) co_return Done{};
  // master says why only to the log; of the values that every program reads, another one says it to us.
  auto asked =
      co_await tools.run(words(instance.command_directory + "/postmap", "-c", copy->path(), "-q", "x", "static:x"));
  std::string output = asked && !asked->ok() ? asked->output : "";
  auto understand = [instance, copied = copy->path(), output, since] {
    std::string reason = reason_in(output);
    if (reason.empty())
      for (const std::string& line : last_words(instance, since, 0))
        if (reason.empty() && tell_of_an_end({line})) reason = reason_in(line);
    if (reason.empty()) return instance.config_directory + ": master -t refuses it; its reason is in the mail log";
    for (std::size_t at; (at = reason.find(copied)) != std::string::npos;)
      reason.replace(at, copied.size(), instance.config_directory);
    Fault fault = explained_by(instance, {}, reason);
    return fault.message.starts_with('/') ? fault.message : instance.config_directory + "/main.cf: " + fault.message;
  };
  std::string reason = co_await host::offload(tools.pool(), std::move(understand));
  co_return std::unexpected(unacceptable(instance, std::move(reason)));
}

namespace {

/// Whether the sockets in public/ and private/ can be made.
Done look_at_local_services(const Instance& instance) {
  for (const Service& service : instance.services) {
    if (service.type == "inet" || service_disabled(instance.master_service_disable, service)) continue;
    std::string name = (service.is_private ? "private/" : "public/") + service.name;
    std::filesystem::path path = instance.queue_directory + "/" + name;
    std::error_code error;
    std::string why;
    if (name.size() >= sizeof(sockaddr_un::sun_path))
      why = "its name is too long for a socket";
    else if (!std::filesystem::is_directory(path.parent_path(), error))
      why = path.parent_path().string() + " is no directory";
    else if (std::filesystem::is_directory(path, error))
      why = path.string() + " is a directory";
    if (!why.empty())
      return std::unexpected(unacceptable(
          instance, instance.config_directory + "/master.cf: " + service.name + " " + service.type + ": " + why));
  }
  return {};
}

/// Whether this master can have every endpoint of its master.cf. What a start would wait for is refused here: the master
/// that runs would not survive it.
Done look_at_endpoints(const Instance& instance, pid_t master) {
  auto lacking = lacks_address(instance);
  if (!lacking) lacking = lacks_port(instance, master);
  if (!lacking) return {};
  return std::unexpected(unacceptable(instance, lacking->message));
}

}  // namespace

asio::awaitable<Done> guard(Tools& tools, Instance instance, pid_t master) {
  auto read = [directory = instance.config_directory] { return read_files(directory); };
  auto files = co_await host::offload(tools.pool(), std::move(read));
  if (!files) co_return std::unexpected(Fault{FailureClass::environment, "not-examined", files.error().message, ""});
  auto tried = co_await try_files(tools, instance, std::move(*files));
  if (!tried) co_return tried;
  auto look = [instance, master] {
    Done local = look_at_local_services(instance);
    return local ? look_at_endpoints(instance, master) : local;
  };
  co_return co_await host::offload(tools.pool(), std::move(look));
}

asio::awaitable<Done> reload(Tools& tools, Instance instance, std::shared_ptr<const host::Process> master) {
  auto cleaned =
      co_await tools.run(words(instance.command_directory + "/postsuper", "-c", instance.config_directory, "active"));
  if (!cleaned)
    co_return std::unexpected(Fault{FailureClass::environment, "not-executed", cleaned.error().message, ""});
  if (!cleaned->ok()) {
    auto understand = [output = cleaned->output] { return reason_in(output); };
    std::string reason = co_await host::offload(tools.pool(), std::move(understand));
    co_return std::unexpected(Fault{FailureClass::environment, "postsuper-failed", "postsuper active: " + reason, ""});
  }
  if (auto sent = master->signal(SIGHUP); !sent)
    co_return std::unexpected(Fault{FailureClass::crash, "master-died", sent.error().message, ""});
  for (auto waited = std::chrono::milliseconds(0); waited < kVerifyFor; waited += kVerifyEvery) {
    co_await host::pause(kVerifyEvery);
    if (!master->alive())
      co_return std::unexpected(Fault{FailureClass::crash, "master-died", "its master did not survive the reload", ""});
  }
  auto ready = co_await await_ready(tools, instance, master->pid(), kReadyLimit);
  if (!ready) {
    Fault fault = ready.error();
    fault.message = "reloaded, but " + fault.message;
    co_return std::unexpected(std::move(fault));
  }
  co_return Done{};
}

bool ignored_by_a_reload(const std::string& parameter) {
  // docs/postfix-facts.md, "Reload"
  for (const char* each :
       {"inet_interfaces", "inet_protocols", "queue_directory", "data_directory", "daemon_directory"})
    if (parameter == each) return true;
  return false;
}

}  // namespace postmultid::postfix
