#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "control/instance_request.hpp"
#include "control/openapi.hpp"
#include "control/operation_request.hpp"
#include "control/routes.hpp"

using namespace postmultid;
using nlohmann::json;

// The document and the code are of one mind. (What is answered is held to it by tests/e2e/test_contract.py.)

TEST_CASE("every route is documented with its role, and nothing else is") {
  json document = json::parse(control::kOpenApi);
  std::set<std::string> documented, present;
  for (const auto& [path, methods] : document["paths"].items())
    for (const auto& [method, operation] : methods.items())
      documented.insert(method + " " + path + " " + operation["x-role"].get<std::string>());
  for (const control::RouteName& route : control::route_names()) {
    std::string method(route.method);
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    present.insert(method + " " + std::string(route.path) + " " + to_word(route.role));
  }
  CHECK(present == documented);
}

TEST_CASE("every problem code is documented with its status and title, and nothing else is") {
  json document = json::parse(control::kOpenApi);
  std::map<std::string, std::pair<int, std::string>> documented, present;
  for (const json& code : document["components"]["schemas"]["ProblemCode"]["oneOf"]) {
    std::string name = code["const"];
    const json& example = document["components"]["examples"][name]["value"];
    CHECK_MESSAGE(code["description"].get<std::string>().starts_with(std::to_string(example["status"].get<int>())),
                  name);
    documented[name] = {example["status"], example["title"]};
  }
  for (const model::ProblemType& type : model::kProblemTypes)
    present[std::string(type.code)] = {type.status, std::string(type.title)};
  CHECK(present == documented);
}

TEST_CASE("a request to begin an operation may ask what it would do") {
  auto read = [](const char* more) {
    return control::parse_operation(std::string(R"({"action":"start","select":{"all":true})") + more + "}");
  };
  CHECK_FALSE(read("")->dry_run);
  CHECK(read(R"(,"dry_run":true)")->dry_run);
  CHECK_FALSE(read(R"(,"dry_run":"yes")").has_value());
  CHECK_FALSE(read(R"(,"dryrun":true)").has_value());
}

TEST_CASE("a change of the instances has what its action needs, and nothing else") {
  auto read = [](const char* body) { return control::parse_instance_change(body); };
  auto created =
      read(R"({"action":"create","name":"postfix-x","group":"mta","data_directory":"/srv/x","after":"out"})");
  REQUIRE(created);
  CHECK(created->action == model::ChangeAction::create);
  CHECK(created->name == "postfix-x");
  CHECK(created->data_directory == "/srv/x");
  CHECK(created->after == "out");
  CHECK(read(R"({"action":"create","config_directory":"/etc/x"})").has_value());
  // What is cleared is another thing than what is not said.
  CHECK(read(R"({"action":"assign","instance":"x","group":""})")->group == "");
  CHECK_FALSE(read(R"({"action":"assign","instance":"x","group":""})")->name.has_value());
  json written = *created;
  CHECK(control::parse_instance_change(written.dump()).has_value());
  for (const char* wrong :
       {R"({})", R"({"action":"polish"})", R"({"action":7})", R"({"action":"init","name":"postfix-x"})",
        R"({"action":"create"})", R"({"action":"create","name":7})", R"({"action":"create","name":"x","first":"yes"})",
        R"({"action":"create","name":"x","before":"a","after":"b"})", R"({"action":"import"})",
        R"({"action":"import","config_directory":"/x","queue_directory":"/y"})",
        R"({"action":"assign","instance":"x"})", R"({"action":"deport"})", R"({"action":"destroy","name":"x"})"}) {
    INFO(wrong);
    CHECK_FALSE(read(wrong).has_value());
  }
}
