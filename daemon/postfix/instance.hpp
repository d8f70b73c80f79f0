// One Postfix instance as its own configuration describes it. Read by the real postconf, never by hand.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/ids.hpp"

namespace postmultid::postfix {

/// One line of master.cf as `postconf -M` prints it.
struct Service {
  std::string name, type;  // "127.0.0.1:10026", "inet"
  bool chroot = false;
  std::string command;         // "smtpd"
  bool is_private = true;      // its socket is in private/, else in public/
  unsigned process_limit = 0;  // 0: none
  bool greets = false;         // SMTP in the clear: a client that connects is greeted
};

struct Instance {
  model::MemberId id;
  std::string config_directory;
  std::string name, group;  // multi_instance_name, multi_instance_group; empty if unset
  bool enabled = false;     // multi_instance_enable; a primary without secondaries always is
  bool primary = false;
  std::string queue_directory, data_directory, daemon_directory, command_directory;
  std::string showq_service, qmgr_service, pickup_service;  // names in public/
  std::string syslog_name, mail_version;
  std::string maillog_file;                     // empty: syslog
  std::string wrapper;                          // multi_instance_wrapper; only the primary's counts
  std::string inet_interfaces, inet_protocols;  // read by master when it starts, never again
  std::string master_service_disable;
  std::uint64_t message_size_limit = 0, queue_minfree = 0;  // bytes; 0: none
  unsigned default_process_limit = 0;
  std::vector<Service> services;
  std::vector<std::string> tables;  // that it names and that postmap makes of a source: "hash:/etc/aliases"

  std::string master_program() const { return daemon_directory + "/master"; }
  std::string pid_file() const { return queue_directory + "/pid/master.pid"; }

  /// The TCP endpoints that master.cf asks for and master_service_disable allows.
  std::vector<std::string> inet_services() const;
};

/// "name = value" lines, as postconf prints them.
std::map<std::string, std::string> parse_parameters(const std::string& text);

/// The lines of `postconf -M`. `process_limit` is default_process_limit.
std::vector<Service> parse_services(const std::string& text, unsigned process_limit = 0);

/// Postfix's match_list rule for master_service_disable: words "inet", "smtp/inet" or "smtp.inet", "!" before one
/// excludes it, the first match counts.
bool service_disabled(const std::string& master_service_disable, const Service& service);

/// A list of words with Postfix's separators: white space and commas.
std::vector<std::string> split_words(const std::string& text);

}  // namespace postmultid::postfix
