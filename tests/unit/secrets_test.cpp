#include "postfix/secrets.hpp"

#include <doctest/doctest.h>

using namespace postmultid::postfix;

TEST_CASE("a value that looks like a password is not shown") {
  CHECK(shown_value("ldap_bind_pw", "s3cret") == "********");
  CHECK(shown_value("password", "s3cret") == "********");
  CHECK(shown_value("smtp_sasl_password_maps", "static:user:s3cret") == "********");
  CHECK(shown_value("smtp_sasl_password_maps", "hash:/etc/postfix/sasl") == "hash:/etc/postfix/sasl");
  CHECK(shown_value("ldap_bind_pw", "").empty());
  CHECK(shown_value("powpw", "x") == "x");
}

TEST_CASE("of a service's options only the secret ones are hidden, to their ends") {
  CHECK(shown_service("smtp   inet  n -  n - - smtpd\n  -o a=b") == "smtp inet n - n - - smtpd -o a=b");
  CHECK(shown_service("x unix - - - - - smtp -o my_password=s3cret -o a=b") ==
        "x unix - - - - - smtp -o my_password=******** -o a=b");
  CHECK(shown_service("x unix - - - - - smtp -o { my_password = two {words} } -o a=b") ==
        "x unix - - - - - smtp -o { my_password = ******** } -o a=b");
  CHECK(shown_service("x unix - - - - - smtp -o {my_password=a=b c} -o a={b}") ==
        "x unix - - - - - smtp -o {my_password=********} -o a={b}");
  CHECK(shown_service("x unix - - - - - smtp -o smtp_sasl_password_maps=static:u:p") ==
        "x unix - - - - - smtp -o smtp_sasl_password_maps=********");
  CHECK(shown_service("x unix - - - - - smtp -o my_password=") == "x unix - - - - - smtp -o my_password=");
  CHECK(shown_service("=").size() == 1);
  CHECK(shown_service("").empty());
  CHECK(shown_service("x_pw={" + std::string(1 << 20, 'a')).size() < 100);
}
