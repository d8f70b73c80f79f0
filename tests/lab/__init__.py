"""What the end-to-end tests, the benchmark and the quickstart need around a border mail server in a private host.

Only ever used inside one (see tests/host/private-host): it owns /dev/log, the mail ports and every process there.
"""
