#include "postfix/instance.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace postmultid::postfix {

std::map<std::string, std::string> parse_parameters(const std::string& text) {
  std::map<std::string, std::string> parameters;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::size_t equals = line.find(" =");
    if (equals == std::string::npos) continue;
    std::size_t value = line.find_first_not_of(' ', equals + 2);
    parameters[line.substr(0, equals)] = value == std::string::npos ? "" : line.substr(value);
  }
  return parameters;
}

namespace {

/// With TLS from the first byte, or behind a proxy, the client speaks first.
bool speaks_first(const std::string& program, std::string arguments) {
  std::erase(arguments, ' ');
  return (program == "smtpd" || program == "postscreen") && arguments.find("wrappermode=yes") == std::string::npos &&
         arguments.find("upstream_proxy_protocol=") == std::string::npos;
}

}  // namespace

std::vector<Service> parse_services(const std::string& text, unsigned process_limit) {
  std::vector<Service> services;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    Service service;
    std::string private_, unprivileged, chroot, wakeup, limit;
    if (!(fields >> service.name >> service.type >> private_ >> unprivileged >> chroot >> wakeup >> limit >>
          service.command))
      continue;
    service.is_private = private_ != "n";
    service.process_limit = process_limit;  // also for "-"
    std::from_chars(limit.data(), limit.data() + limit.size(), service.process_limit);
    service.chroot = chroot != "n";  // "-" depends on compatibility_level: take it for yes
    std::string arguments;
    std::getline(fields, arguments);
    service.greets = speaks_first(service.command, arguments);
    services.push_back(std::move(service));
  }
  return services;
}

std::vector<std::string> split_words(const std::string& text) {
  std::string spaced = text;
  std::replace(spaced.begin(), spaced.end(), ',', ' ');
  std::istringstream words(spaced);
  std::vector<std::string> list;
  for (std::string word; words >> word;) list.push_back(word);
  return list;
}

bool service_disabled(const std::string& master_service_disable, const Service& service) {
  for (std::string word : split_words(master_service_disable)) {
    bool negated = word.starts_with('!');
    if (negated) word.erase(0, 1);
    std::string name, type = word;
    if (std::size_t separator = word.find_last_of("/."); separator != std::string::npos) {
      name = word.substr(0, separator);
      type = word.substr(separator + 1);
    }
    if (type == service.type && (name.empty() || name == service.name)) return !negated;
  }
  return false;
}

std::vector<std::string> Instance::inet_services() const {
  std::vector<std::string> names;
  for (const Service& service : services)
    if (service.type == "inet" && !service_disabled(master_service_disable, service)) names.push_back(service.name);
  return names;
}

}  // namespace postmultid::postfix
