"""Every example of docs/clients.md, run as it stands there."""
import contextlib
import json
import os
import re
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

from lab.border import MEMBERS, REPOSITORY
from lab.control import PMCTL, pmctl
from lab.definition import define
from lab.waiting import until, until_exit

DOCUMENT = (REPOSITORY / "docs/clients.md").read_text(encoding="utf-8")
# {"curl": [("sh", "curl …"), …], …}
EXAMPLES = {part.splitlines()[0]: re.findall(r"^```(\w+)\n(.*?)^```$", part, re.M | re.S)
            for part in DOCUMENT.split("\n## ")[1:]}
HERE = {"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def example(section, number, language="sh"):
    found, text = EXAMPLES[section][number]
    assert found == language
    return text


def shell(text):
    done = subprocess.run(["sh", "-euc", text], env=HERE, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, (text, done.stderr)
    return done.stdout


@contextlib.contextmanager
def running(*command):
    """A program that goes on until it is told to end."""
    log = Path("/tmp", os.path.basename(command[0]) + ".log")
    with log.open("wb") as output, subprocess.Popen(command, env=HERE, stdin=subprocess.DEVNULL, stdout=output,
                                                    stderr=output) as process:
        try:
            yield process
        except BaseException:
            print(log.read_text())
            raise
        finally:
            process.terminate()
            until_exit(process.pid, within=20)


def test_each_part_of_the_document_is_tested_here():
    assert {section: len(examples) for section, examples in EXAMPLES.items()} == {
        "curl": 4, "Python, nothing but its library": 1, "socat": 1, "Prometheus": 2, "A socket forwarded by ssh": 2}


def test_curl_python_and_socat(adopted):
    assert [each["id"] for each in json.loads(shell(example("curl", 0)))["members"]] == list(MEMBERS)
    assert json.loads(shell(example("curl", 1)))["result"] == "succeeded"
    assert shell(example("curl", 2)) == "200\n"
    assert shell(example("curl", 3)).count("\ndata: {") == 10

    program = example("Python, nothing but its library", 0, "python")
    said = subprocess.run(["/usr/bin/python3", "-c", program], env=HERE, capture_output=True, text=True, timeout=60,
                          check=True).stdout
    assert {line.split()[0] for line in said.splitlines()} == set(MEMBERS)

    assert shell(example("socat", 0)).startswith("HTTP/1.1 200 OK\n")   # its line ends are read as text


def ask_prometheus(query):
    """{postfix_instance: number}; nothing before it has scraped once."""
    target = "http://127.0.0.1:9090/api/v1/query?" + urllib.parse.urlencode({"query": query})
    try:
        with urllib.request.urlopen(target, timeout=10) as answer:
            series = json.load(answer)["data"]["result"]
    except OSError:
        return {}
    return {each["metric"].get("postfix_instance"): float(each["value"][1]) for each in series}


def test_prometheus_scrapes_the_listener(adopted):
    define(example("Prometheus", 0, "yaml"))
    assert pmctl("daemon", "reread").code == 0
    # Soon rather than as often as a real one.
    configuration = example("Prometheus", 1, "yaml").replace("15s", "1s")
    Path("/tmp/prometheus.yml").write_text(configuration, encoding="utf-8")
    subprocess.run(["promtool", "check", "config", "/tmp/prometheus.yml"], check=True)
    with running("prometheus", "--config.file=/tmp/prometheus.yml", "--storage.tsdb.path=/tmp/prometheus",
                 "--web.listen-address=127.0.0.1:9090"):
        until(lambda: ask_prometheus("up") == {None: 1}, 60, "Prometheus has scraped")
        assert ask_prometheus("postmultid_instance_up") == dict.fromkeys(MEMBERS, 1)


def test_a_socket_that_ssh_forwards(adopted):
    home = Path("/root/.ssh")
    home.mkdir(mode=0o700, exist_ok=True)
    for old in ("id_ed25519", "id_ed25519.pub", "config"):
        (home / old).unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / "id_ed25519"], check=True)
    (home / "authorized_keys").write_text((home / "id_ed25519.pub").read_text())
    (home / "config").write_text("BatchMode yes\nStrictHostKeyChecking accept-new\nUserKnownHostsFile /tmp/known_hosts\n")
    subprocess.run(["ssh-keygen", "-A"], check=True, stdout=subprocess.DEVNULL)
    Path("/run/sshd").mkdir(exist_ok=True)
    there = Path("/root/postmultid.sock")
    with running("/usr/sbin/sshd", "-D", "-e", "-o", "UsePAM=no", "-o", "PidFile=none"):
        until(lambda: subprocess.run(["ssh-keyscan", "mta1.example.com"], capture_output=True, check=False).stdout, 30,
              "sshd answers")
        with running("sh", "-c", "exec " + example("A socket forwarded by ssh", 0)):
            until(there.exists, 30, "the socket is forwarded")
            shown = json.loads(shell(example("A socket forwarded by ssh", 1)))
            assert [each["id"] for each in shown["members"]] == list(MEMBERS)
            assert subprocess.run([PMCTL, "-s", there, "is-active", "-a"], stdout=subprocess.DEVNULL, check=False).returncode == 0
