#include "postfix/secrets.hpp"

#include <doctest/doctest.h>

using namespace postmultid::postfix;

TEST_CASE("a value that looks like a password is not shown") {
  CHECK(shown_value("ldap_bind_pw", "s3cret") == "********");
  CHECK(shown_value("password", "s3cret") == "********");
  CHECK(shown_value("smtp_sasl_password_maps", "static:user:s3cret") == "********");
  CHECK(shown_value("smtp_sasl_password_maps", "hash:/etc/postfix/sasl") == "hash:/etc/postfix/sasl");
  CHECK(shown_value("smtp_sasl_password_maps", "regexp:{ {/./ user:s3cret} }") == "********");
  CHECK(shown_value("smtp_sasl_password_maps", "randmap:{user:s3cret}") == "********");
  CHECK(shown_value("ldap_bind_pw", "").empty());
  CHECK(shown_value("powpw", "x") == "x");
  CHECK(shown_value("relay_auth", "static:joe:s3cret") == "********");
  CHECK(shown_value("relay_auth", "static:OK") == "static:OK");
  CHECK(shown_value("virtual_mailbox_maps", "pgsql:postgresql://joe:s3cret@db/mail") == "********");
  CHECK(shown_value("ready", "http://[::1]:80/") == "http://[::1]:80/");
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
  CHECK(shown_service("x unix - n n - - pipe argv=/bin/x --password s3cret --user-token=s3cret -v") ==
        "x unix - n n - - pipe argv=/bin/x --password ******** --user-token=******** -v");
  CHECK(shown_service("=").size() == 1);
  CHECK(shown_service("").empty());
  CHECK(shown_service("x_pw={" + std::string(1 << 20, 'a')).size() < 100);
}

TEST_CASE("what Postfix's programs quote of a line has no secret in it") {
  CHECK(shown_complaint(
            "postconf: fatal: invalid chroot field \"q\" in \"x unix - - q - - smtp -o my_password=s3cret\"") ==
        "postconf: fatal: invalid chroot field \"q\" in \"x unix - - q - - smtp -o my_password=********");
  CHECK(shown_complaint("two\nlines") == "two\nlines");
}
