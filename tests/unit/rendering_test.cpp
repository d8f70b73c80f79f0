// What is answered from the snapshot: the same words as the model's JSON, made once, with tags by which it is known again.
#include <doctest/doctest.h>

#include "control/conditional.hpp"
#include "control/rendering.hpp"

using namespace postmultid;
using namespace postmultid::control;

namespace {

std::shared_ptr<model::Status> border() {
  auto status = std::make_shared<model::Status>();
  for (const char* id : {"-", "postfix-out", "postfix-in"}) {
    model::Member member;
    member.id = {id};
    member.desired = model::Desired::up;
    member.state = model::State::running;
    status->members.push_back(member);
  }
  status->groups = {{"mta", 2, 2, {{"postfix-out"}, {"postfix-in"}}}};
  return status;
}

}  // namespace

TEST_CASE("a status that is put together of its parts is the model's own") {
  auto status = border();
  Rendering rendering(status, nullptr);
  CHECK(rendering.status().text == to_text(*status));
  CHECK(rendering.instances().text == to_text(status->members));
  CHECK(rendering.instance(1).text == to_text(status->members[1]));
  CHECK(rendering.groups().text == to_text(status->groups));
  CHECK(rendering.group(0).text == to_text(status->groups[0]));
}

TEST_CASE("what has changed is in the next rendering, and what has not is as it was") {
  auto first = border();
  Rendering before(first, nullptr);
  before.status();
  auto second = std::make_shared<model::Status>(*first);
  second->members[2].state = model::State::backoff;
  Rendering after(second, &before);
  CHECK(after.status().text == to_text(*second));
  CHECK(after.status().tag != before.status().tag);
  CHECK(after.instance(1).tag == before.instance(1).tag);
  CHECK(after.instance(2).tag != before.instance(2).tag);
}

TEST_CASE("a member that is gone or has moved takes nobody else's words") {
  auto first = border();
  Rendering before(first, nullptr);
  before.status();
  auto second = std::make_shared<model::Status>(*first);
  second->members.erase(second->members.begin());
  CHECK(Rendering(second, &before).status().text == to_text(*second));
}

TEST_CASE("ready names what is wanted and missing") {
  auto status = border();
  CHECK(Rendering(status, nullptr).is_ready());
  status->members[1].state = model::State::failed;
  Rendering rendering(status, nullptr);
  CHECK_FALSE(rendering.is_ready());
  CHECK(rendering.ready().text.contains(R"("missing":["postfix-out"])"));
}

TEST_CASE("a tag is known again alone, in a list, weak, and by *") {
  CHECK(matches(R"("a")", R"("a")"));
  CHECK(matches(R"("x", "a")", R"("a")"));
  CHECK(matches(R"(W/"a")", R"("a")"));
  CHECK(matches(R"("x,y" , W/"a")", R"("a")"));
  CHECK(matches("*", R"("a")"));
  CHECK_FALSE(matches(R"("b")", R"("a")"));
  CHECK_FALSE(matches("", R"("a")"));
  CHECK_FALSE(matches("a", R"("a")"));
  CHECK_FALSE(matches(R"("a)", R"("a")"));
  CHECK_FALSE(matches(R"("x" W/)", R"("a")"));
}
