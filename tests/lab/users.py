"""Real users of the private host, and asking as one of them."""
import os
import pwd
import subprocess
from contextlib import contextmanager


def add_group(name):
    subprocess.run(["groupadd", "--system", "--force", name], check=True)


def add_user(name, *groups):
    """A user with a primary group of his own, in these groups besides."""
    more = ["--groups", ",".join(groups)] if groups else []
    subprocess.run(["useradd", "--no-create-home", "--shell", "/bin/sh", *more, name], check=True)


@contextmanager
def acting_as(name):
    """The kernel tells the other end of a Unix socket who connects; inside this it is that user."""
    user = pwd.getpwnam(name)
    groups = os.getgroups()
    os.setgroups(os.getgrouplist(name, user.pw_gid))
    os.setegid(user.pw_gid)
    os.seteuid(user.pw_uid)
    try:
        yield user.pw_uid
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
